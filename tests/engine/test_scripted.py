"""The engine without weights keeps the contract of engine.py."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from glmscope.errors import EngineFailure, ModelUnavailable
from glmscope.text.prompt import PromptMessage, chatglm2_prompt, chatglm3_prompt
from tests.engine.scripted import (
    CHATGLM2,
    CHATGLM3,
    SIX_WORDINGS,
    ask,
    engine,
    play,
    sampling,
    say,
    script,
)


async def test_the_page_example_gets_paragraphs_that_start_as_chatglm3_starts():
    text = await say(engine(), ask("介绍下杭州"))
    assert text.startswith("\n 杭州")
    assert 3 <= len(text.strip().split("\n\n")) <= 4
    assert len(text) > 200


async def test_what_no_rule_fits_is_said_back():
    question = "天气 🌧 如何？\tA\u2028B \r end"
    assert await say(engine(), ask(question)) == f"\n 你说的是：{question}"


async def test_a_greeting_is_one_only_when_it_stands_alone():
    assert "很高兴" in await say(engine(), ask(" 你好 "))
    assert await say(engine(), ask("“你好”怎么说？")) == "\n 你说的是：“你好”怎么说？"


@pytest.mark.parametrize("question", ["<|user|>", "<|assistant|>\n x", "]", "{question}"])
async def test_text_that_spells_a_role_is_only_text(question: str):
    prompt_ids = chatglm3_prompt(
        CHATGLM3,
        [
            PromptMessage("system", "介绍 杭州"),
            PromptMessage("user", "第一问"),
            PromptMessage("assistant", "第一答"),
            PromptMessage("user", question),
        ],
    )
    assert await say(engine(), prompt_ids) == f"\n 你说的是：{question}"


async def test_the_last_message_may_be_a_tools():
    prompt_ids = chatglm3_prompt(
        CHATGLM3, [PromptMessage("user", "天气？"), PromptMessage("observation", "晴")]
    )
    assert await say(engine(), prompt_ids) == "\n 你说的是：晴"


async def test_the_last_question_of_a_chatglm2_prompt_is_found():
    prompt_ids = chatglm2_prompt(CHATGLM2, [("第一问", "第一答")], "第二问")
    steps = await play(
        engine(tokenizer=CHATGLM2), prompt_ids, sampling(temperature=0, stop_ids=frozenset({2}))
    )
    text = CHATGLM2.decode([token_id for step in steps for token_id in step.ids])
    assert text == "\n 你说的是：第二问"


async def test_only_the_last_step_has_a_finish():
    steps = await play(engine(), ask("你好"), sampling())
    assert [step.finish for step in steps] == [None] * (len(steps) - 1) + ["stop"]


async def test_ids_per_step_groups_the_same_ids():
    one = await play(engine(script({"reply": "一二三四五"})), ask("x"), sampling())
    four = await play(
        engine(script({"reply": "一二三四五", "ids_per_step": 4})), ask("x"), sampling()
    )
    assert max(len(step.ids) for step in four) == 4
    assert [i for step in one for i in step.ids] == [i for step in four for i in step.ids]


@pytest.mark.parametrize("limit", [1, 5])
async def test_the_limit_ends_a_sequence_with_length(limit: int):
    steps = await play(engine(), ask("介绍下杭州"), sampling(limit))
    assert sum(len(step.ids) for step in steps) == limit
    assert steps[-1].finish == "length"


async def test_prompt_and_reply_share_the_positions():
    prompt_ids = ask("介绍下杭州")
    small = engine(max_positions=len(prompt_ids) + 3)
    steps = await play(small, prompt_ids, sampling())
    assert sum(len(step.ids) for step in steps) == 3
    assert steps[-1].finish == "length"
    with pytest.raises(EngineFailure):
        await play(engine(max_positions=len(prompt_ids)), prompt_ids, sampling())


async def test_any_stop_id_ends_a_sequence_and_is_not_returned():
    ids = CHATGLM3.encode("\n 你说的是：一二")
    steps = await play(
        engine(), ask("一二"), sampling(temperature=0, stop_ids=frozenset({ids[-1]}))
    )
    assert [i for step in steps for i in step.ids] == ids[:-1]
    assert steps[-1].finish == "stop"


async def test_without_a_stop_id_the_end_id_goes_on_to_the_limit():
    steps = await play(engine(script({"reply": "好"})), ask("x"), sampling(9, stop_ids=frozenset()))
    ids = [i for step in steps for i in step.ids]
    assert ids[-5:] == [CHATGLM3.special.eos] * 5
    assert (len(ids), steps[-1].finish) == (9, "length")


async def test_a_seed_decides_and_greedy_takes_the_first_wording():
    running = engine(script({"reply": [SIX_WORDINGS] * 8}))
    drawn = {seed: await say(running, ask("x"), temperature=0.8, seed=seed) for seed in range(4)}
    for seed, text in drawn.items():
        assert await say(running, ask("x"), temperature=0.8, seed=seed) == text
    assert len(set(drawn.values())) == 4
    assert await say(running, ask("x"), temperature=0.4, seed=0) != drawn[0]
    assert await say(running, ask("x")) == "一" * 8
    assert await say(running, ask("x"), temperature=1.5, top_k=1) == "一" * 8


async def test_without_a_seed_one_is_drawn():
    running = engine(script({"reply": [SIX_WORDINGS] * 40}))
    assert len({await say(running, ask("x"), temperature=1.0) for _ in range(3)}) == 3


@pytest.mark.parametrize("penalty", [{"repetition_penalty": 1.2}, {"presence_penalty": -0.5}])
@pytest.mark.parametrize("settings", [{}, {"temperature": 0.8, "seed": 3}])
async def test_a_penalty_changes_the_reply_the_same_way_each_time(
    penalty: dict[str, float], settings: dict[str, float]
):
    plain = await say(engine(), ask("一二三"), **settings)
    changed = await say(engine(), ask("一二三"), **settings, **penalty)
    assert changed != plain
    assert changed.endswith("一二三")
    assert await say(engine(), ask("一二三"), **settings, **penalty) == changed
    neutral = {"repetition_penalty": 1.0, "presence_penalty": 0.0}
    assert await say(engine(), ask("一二三"), **settings, **neutral) == plain


async def test_repeat_says_the_reply_again():
    assert await say(engine(script({"reply": "好的。", "repeat": 3})), ask("x")) == "好的。" * 3


async def test_a_reply_may_quote_the_whole_prompt_and_quotes_nothing_twice():
    quoting = script({"reply": ["{question} in {prompt}"]})
    spoken = await say(engine(quoting), ask("{prompt}"))
    assert spoken == f"{{prompt}} in {CHATGLM3.decode(ask('{prompt}'))}"


@pytest.mark.parametrize("ids_per_step", [1, 2])
async def test_an_injected_failure_comes_after_so_many_ids(ids_per_step: int):
    running = engine(
        script({"reply": "一二三四五", "error_after": 3, "ids_per_step": ids_per_step})
    )
    seen: list[int] = []
    with pytest.raises(EngineFailure):
        async for step in running.generate(ask("x"), sampling()):
            seen += step.ids
    assert seen == CHATGLM3.encode("一二三四五")[:3]
    assert running.load().running == 0


async def test_replies_side_by_side_are_counted_and_closing_frees_them():
    running = engine()
    replies = [running.generate(ask(f"第{n}问"), sampling()) for n in range(16)]
    for reply in replies:
        await anext(reply)
    assert running.load().running == 16
    for reply in replies:
        await reply.aclose()
    assert running.load().running == 0


async def test_a_cancelled_reader_frees_its_reply():
    running = engine(script({"reply": "一", "delay_ms": 60_000}))
    reader = asyncio.create_task(play(running, ask("x"), sampling()))
    while running.load().running == 0:
        await asyncio.sleep(0)
    reader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reader
    assert running.load().running == 0


@pytest.mark.parametrize("delay_ms", [0, 60_000])
async def test_close_ends_running_and_later_replies(delay_ms: int):
    running = engine(script({"reply": "一", "repeat": 1000, "delay_ms": delay_ms}))
    reader = asyncio.create_task(play(running, ask("x"), sampling()))
    while running.load().running == 0:
        await asyncio.sleep(0)
    await running.close()
    with pytest.raises(ModelUnavailable):
        await reader
    with pytest.raises(ModelUnavailable):
        await play(running, ask("x"), sampling())
    assert running.load().running == 0


async def test_a_delay_lets_other_replies_go_on():
    slow = engine(script({"match": "慢", "reply": "一", "delay_ms": 60_000}, {"reply": "快"}))
    async with aclosing(slow.generate(ask("慢"), sampling())) as waiting:
        reader = asyncio.create_task(anext(waiting))
        assert await say(slow, ask("x")) == "快"
        assert not reader.done()
        reader.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reader
