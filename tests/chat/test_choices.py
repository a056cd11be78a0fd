"""Several choices of one reply: side by side, each as it would be alone, closed together."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import pytest

from glmscope.chat.events import Finished, ReplyEvent, TextPiece
from glmscope.engine.engine import Step
from glmscope.errors import EngineFailure
from tests.chat.support import (
    CHATGLM3,
    ListedEngine,
    conversation,
    joined,
    one_by_one,
    read,
    scripted,
    serve,
)

ASK = conversation(("user", "介绍下杭州"), n=4, seed=2**64 - 2)
STUCK = json.dumps({"rules": [{"reply": "一二三", "delay_ms": 60_000}]})
ENDLESS = json.dumps({"rules": [{"reply": "一二三四", "repeat": 20, "ids_per_step": 1}]})


def of_choice(events: list[ReplyEvent], index: int) -> list[ReplyEvent]:
    return [event for event in events if event.index == index]


async def test_each_choice_is_what_its_seed_gives_alone():
    service = serve(scripted())
    events = await read(service, ASK)
    texts = []
    for index, seed in enumerate([2**64 - 2, 2**64 - 1, 0, 1]):
        alone = await read(service, replace(ASK, n=1, seed=seed))
        own = of_choice(events, index)
        assert own == [replace(event, index=index) for event in alone]
        texts.append(joined(own))
    assert len(set(texts)) > 1


async def test_events_of_choices_alternate_and_every_choice_finishes():
    events = await read(serve(scripted(script=ENDLESS)), replace(ASK, n=3))
    assert [event.index for event in events[:6]] == [0, 1, 2, 0, 1, 2]
    finished = [event for event in events if isinstance(event, Finished)]
    assert sorted(event.index for event in finished) == [0, 1, 2]
    assert isinstance(events[-1], Finished)


async def test_usage_is_each_choices_own():
    ids = CHATGLM3.encode("一二三")
    events = await read(serve(ListedEngine(one_by_one(ids))), replace(ASK, n=2))
    for index in (0, 1):
        own = of_choice(events, index)
        assert [event.usage.output_tokens for event in own][-1] == len(ids)


async def test_without_a_seed_every_choice_draws_its_own():
    engine = ListedEngine([Step((), "stop")])
    await read(serve(engine), replace(ASK, seed=None))
    assert [sampling.seed for _, sampling in engine.asked] == [None] * 4


async def test_a_choice_that_ends_early_leaves_the_others_alone():
    service = serve(scripted())
    alone = [joined(await read(service, replace(ASK, n=1, seed=seed))) for seed in (3, 4, 5)]
    differing = next(
        character for character in alone[1] if any(character not in text for text in alone)
    )
    request = replace(ASK, n=3, seed=3, stop=(differing,))
    events = await read(service, request)
    for index, text in enumerate(alone):
        assert joined(of_choice(events, index)) == text.partition(differing)[0]


async def test_leaving_early_and_closing_stops_every_choice():
    engine = scripted(script=ENDLESS)
    reply = serve(engine).prepare(ASK)
    async for _ in reply:
        break
    assert engine.load().running == 4
    await reply.aclose()
    assert engine.load().running == 0
    await reply.aclose()


async def test_closing_from_another_task_ends_the_readers_wait():
    engine = scripted(script=STUCK)
    reply = serve(engine).prepare(ASK)

    async def drain() -> list[ReplyEvent]:
        return [event async for event in reply]

    reader = asyncio.create_task(drain())
    while engine.load().running < 4:
        await asyncio.sleep(0)
    await reply.aclose()
    assert engine.load().running == 0
    assert await reader == []


async def test_cancelling_the_reader_stops_every_choice():
    engine = scripted(script=STUCK)
    reader = asyncio.create_task(read(serve(engine), ASK))
    while engine.load().running < 4:
        await asyncio.sleep(0)
    reader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reader
    assert engine.load().running == 0


async def test_nothing_is_generated_before_reading():
    engine = ListedEngine(one_by_one([5]))
    reply = serve(engine).prepare(ASK)
    await reply.aclose()
    assert [event async for event in reply] == []
    assert engine.asked == []


async def test_a_failure_ends_every_choice(logs):
    engine = ListedEngine([*(Step((i,)) for i in CHATGLM3.encode("一二")), EngineFailure()])
    events = []
    with pytest.raises(EngineFailure):
        async for event in serve(engine).prepare(ASK):
            events.append(event)
    assert all(isinstance(event, TextPiece) for event in events)
    assert engine.running == 0


async def test_the_trace_tells_every_choice_apart():
    reply = serve(scripted()).prepare(replace(ASK, n=2))
    events = [event async for event in reply]
    assert [CHATGLM3.decode(choice.ids) for choice in reply.trace.choices] == [
        joined(of_choice(events, index)) for index in (0, 1)
    ]
