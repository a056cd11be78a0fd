"""From a request to what the engine is asked, and replies side by side."""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing
from dataclasses import replace

import pytest

from glmscope.chat.service import ChatService, Limits, ServedModel
from glmscope.errors import (
    EngineFailure,
    InvalidParameter,
    ModelNotFound,
    ModelUnavailable,
    UsageError,
)
from glmscope.family import Family
from tests.chat.support import (
    CHATGLM2,
    CHATGLM3,
    PUBLISHED_LIMITS,
    ListedEngine,
    asked,
    conversation,
    joined,
    last,
    one_by_one,
    read,
    scripted,
    serve,
)
from tests.support.paths import GOLDEN, needs_golden, needs_tokenizer
from tests.support.tokenizers import published_tokenizer

PAGE_EXAMPLE = (("system", "You are a helpful assistant."), ("user", "介绍下杭州"))


async def test_the_page_example_is_answered():
    events = await read(serve(scripted()), conversation(*PAGE_EXAMPLE, seed=1))
    assert joined(events).startswith("\n 杭州")
    finished = last(events)
    assert finished.reason == "stop"
    assert finished.usage.output_tokens == len(CHATGLM3.encode(joined(events)))


@needs_tokenizer
async def test_the_page_example_counts_as_the_page_does():
    tokenizer = published_tokenizer(Family.CHATGLM3)
    service = serve(scripted(tokenizer), tokenizer)
    reply = service.prepare(conversation(*PAGE_EXAMPLE))
    assert reply.input_tokens == 10
    events = [event async for event in reply]
    assert last(events).usage.input_tokens == 10
    assert joined(events).startswith("\n 杭州")


@needs_golden
@needs_tokenizer
@pytest.mark.parametrize("family", list(Family))
async def test_prompts_are_the_originals(family: Family):
    tokenizer = published_tokenizer(family)
    cases = json.loads((GOLDEN / "tokenizer" / "chat_prompts.json").read_text("utf-8"))
    compared = 0
    for case in cases[family.value]:
        messages = _golden_messages(case, family)
        if messages is None:
            continue
        prompt_ids, _ = await asked(conversation(*messages), tokenizer, Limits(99_999, 90_000, 9))
        assert prompt_ids == case["input_ids"]
        compared += 1
    assert compared >= 5


def _golden_messages(case, family):
    """A golden case as messages; None where a request cannot say it, or says nothing."""
    if not case["query"] and not case["history"]:
        return None
    if family is Family.CHATGLM2:
        history = [
            pair
            for question, answer in case["history"]
            for pair in (("user", question), ("assistant", answer))
        ]
        return [*history, ("user", case["query"])]
    history = case["history"]
    if any(entry.get("metadata") or entry.get("tools") for entry in history):
        return None
    turns = [(entry["role"], entry["content"]) for entry in history]
    turns.append((case["role"], case["query"]))
    return [("tool" if role == "observation" else role, content) for role, content in turns]


async def test_defaults_are_the_models():
    _, sampling = await asked(conversation(("user", "x")))
    assert (sampling.temperature, sampling.top_p, sampling.top_k) == (0.8, 0.8, 0)
    assert (sampling.repetition_penalty, sampling.presence_penalty) == (1.0, 0.0)
    assert sampling.seed is None
    assert sampling.max_new_tokens == 1500
    assert sampling.stop_ids == CHATGLM3.stop_ids


async def test_what_is_asked_for_reaches_the_engine():
    settings = {
        "temperature": 0.0,
        "top_p": 0.5,
        "top_k": 7,
        "repetition_penalty": 1.2,
        "presence_penalty": -0.5,
        "seed": 2**64 - 1,
    }
    _, sampling = await asked(conversation(("user", "x"), max_tokens=3, **settings))
    assert {name: getattr(sampling, name) for name in settings} == settings
    assert sampling.max_new_tokens == 3


async def test_stop_ids_are_the_familys():
    _, sampling = await asked(conversation(("user", "x")), CHATGLM2)
    assert sampling.stop_ids == {2}


@pytest.mark.parametrize(
    ("max_tokens", "limits", "positions_left", "expected"),
    [
        (None, Limits(7500, 6000, 1500), 8000, 1500),
        (9999, Limits(7500, 6000, 1500), 8000, 1500),
        (20, Limits(7500, 6000, 1500), 8000, 20),
        (20, Limits(30, 30, 15), 8000, 15),
        (None, Limits(30, 30, 1500), 8000, "context"),
        (None, Limits(7500, 6000, 1500), 7, 7),
    ],
)
async def test_the_reply_is_bounded_by_what_is_left(max_tokens, limits, positions_left, expected):
    request = conversation(("user", "介绍下杭州"), max_tokens=max_tokens)
    prompt_ids, _ = await asked(request)
    _, sampling = await asked(request, CHATGLM3, limits, len(prompt_ids) + positions_left)
    if expected == "context":
        expected = limits.context - len(CHATGLM3.encode("介绍下杭州"))
    assert sampling.max_new_tokens == expected


def test_an_unknown_model_is_not_found():
    with pytest.raises(ModelNotFound):
        serve(ListedEngine()).prepare(replace(conversation(("user", "x")), model="other"))


def test_two_models_of_one_id_are_refused():
    model = ServedModel("m", CHATGLM3, ListedEngine(), PUBLISHED_LIMITS, "M")
    with pytest.raises(UsageError, match='"m"'):
        ChatService([model, model])


async def test_closing_closes_each_engine_once():
    shared, own = ListedEngine(), ListedEngine()
    service = ChatService(
        ServedModel(name, CHATGLM3, engine, PUBLISHED_LIMITS, name)
        for name, engine in (("a", shared), ("b", shared), ("c", own))
    )
    await service.close()
    assert (shared.closed, own.closed) == (1, 1)


async def test_a_tool_message_is_refused_by_chatglm2_alone():
    request = conversation(("user", "u"), ("assistant", "a"), ("tool", "晴"))
    assert joined(await read(serve(scripted()), request)).endswith("晴")
    with pytest.raises(InvalidParameter, match='"tool"'):
        serve(scripted(CHATGLM2), CHATGLM2).prepare(request)


@pytest.mark.parametrize("tokenizer", [CHATGLM3, CHATGLM2])
async def test_sixteen_replies_side_by_side_never_mix(tokenizer):
    engine = scripted(tokenizer)
    service = serve(engine, tokenizer)
    questions = [f"第{n}个问题{n * n}🌧" for n in range(16)]
    most = 0

    async def answer(question: str) -> str:
        nonlocal most
        text = ""
        async for event in service.prepare(conversation(("user", question), temperature=0.0)):
            most = max(most, engine.load().running)
            text += getattr(event, "text", "")
        return text

    answers = await asyncio.gather(*(answer(question) for question in questions))
    start = "你说的是：" if tokenizer is CHATGLM2 else "\n 你说的是："
    assert answers == [f"{start}{question}" for question in questions]
    assert most == 16
    assert engine.load().running == 0


async def test_readers_that_vanish_free_the_engine_and_leave_the_others_alone():
    engine = scripted()
    service = serve(engine)
    text = "机器学习让计算机从数据中学习规律"

    async def vanish(n: int) -> None:
        async with aclosing(service.prepare(conversation(("user", f"{n}{text}")))) as reply:
            async for _ in reply:
                return

    staying = asyncio.create_task(read(service, conversation(("user", text), temperature=0.0)))
    await asyncio.gather(*(vanish(n) for n in range(15)))
    assert joined(await staying) == f"\n 你说的是：{text}"
    assert engine.load().running == 0


async def test_an_injected_failure_reaches_the_reader_after_the_text():
    script = json.dumps({"rules": [{"reply": "一二三四五六", "error_after": 4}]})
    events = []
    with pytest.raises(EngineFailure):
        async for event in serve(scripted(script=script)).prepare(conversation(("user", "x"))):
            events.append(event)
    assert joined(events) == CHATGLM3.decode(CHATGLM3.encode("一二三四五六")[:4])


async def test_closing_the_service_ends_running_replies():
    script = json.dumps({"rules": [{"reply": "一", "repeat": 1000}]})
    service = serve(scripted(script=script))
    events = aiter(service.prepare(conversation(("user", "x"))))
    await anext(events)
    await service.close()
    with pytest.raises(ModelUnavailable):
        while True:
            await anext(events)


async def test_a_seed_gives_the_same_reply_and_a_penalty_another():
    service = serve(scripted())
    seeded = conversation(*PAGE_EXAMPLE, seed=5)
    first = joined(await read(service, seeded))
    assert joined(await read(service, seeded)) == first
    penalized = joined(await read(service, replace(seeded, repetition_penalty=1.3)))
    assert penalized != first


async def test_max_tokens_counts_output_tokens():
    events = await read(serve(scripted()), conversation(*PAGE_EXAMPLE, max_tokens=5))
    assert last(events).reason == "length"
    assert last(events).usage.output_tokens == 5


async def test_a_stop_sequence_of_ids_cuts_the_text():
    ids = CHATGLM3.encode("一二三四五六")
    engine = ListedEngine(one_by_one(ids))
    request = conversation(("user", "x"), stop_sequences=((ids[3], ids[4]),))
    events = await read(serve(engine), request)
    assert joined(events) == CHATGLM3.decode(ids[:3])
    assert last(events).reason == "stop"
