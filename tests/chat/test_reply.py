"""A reply's events: order, usage, closing, failures."""

from __future__ import annotations

import asyncio
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmscope.chat.events import Finished, TextPiece, Usage
from glmscope.engine.engine import Step
from glmscope.errors import EngineFailure, ModelUnavailable
from tests.chat.support import (
    CHATGLM3,
    ListedEngine,
    conversation,
    joined,
    last,
    one_by_one,
    read,
    scripted,
    serve,
)

ASK = conversation(("user", "你好"))
SECRET = "机密文字"  # a user's words, which no log may show


async def test_every_step_with_text_is_an_event_and_one_finished_comes_last():
    ids = CHATGLM3.encode("一二三")
    events = await read(serve(ListedEngine(one_by_one(ids))), ASK)
    input_tokens = len(CHATGLM3.encode("你好"))
    pieces = [event for event in events if isinstance(event, TextPiece)]
    assert joined(events) == "一二三"
    assert [piece.usage.output_tokens for piece in pieces] == list(range(2, len(ids) + 1))
    assert events[-1] == Finished("stop", Usage(input_tokens, len(ids)))
    assert all(piece.text for piece in pieces)


async def test_the_engines_reason_is_the_replys():
    steps = one_by_one(CHATGLM3.encode("一"), finish="length")
    assert last(await read(serve(ListedEngine(steps)), ASK)).reason == "length"


async def test_an_empty_reply_is_one_event():
    events = await read(serve(ListedEngine([Step((), "stop")])), ASK)
    assert events == [Finished("stop", Usage(len(CHATGLM3.encode("你好")), 0))]


async def test_a_stop_string_closes_the_engine_before_the_last_piece_leaves():
    engine = ListedEngine(one_by_one(CHATGLM3.encode("一二三STOP四五六")))
    reply = serve(engine).prepare(conversation(("user", "x"), stop=("STOP",)))
    running = [(event, engine.running) async for event in reply]
    assert joined([event for event, _ in running]) == "一二三"
    assert running[-1][0].reason == "stop"
    assert running[-1][1] == 0
    assert engine.taken < len(engine.steps)


async def test_stop_and_text_in_one_step_leave_nothing_running():
    engine = ListedEngine([Step(tuple(CHATGLM3.encode("一二STOP三")))])
    reply = serve(engine).prepare(conversation(("user", "x"), stop=("STOP",)))
    seen = [(type(event), engine.running) async for event in reply]
    assert seen == [(TextPiece, 0), (Finished, 0)]


async def test_a_loop_is_ended_and_logged(logs):
    engine = ListedEngine(one_by_one(CHATGLM3.encode(f"{SECRET}。" * 300)))
    events = await read(serve(engine), ASK)
    assert last(events).reason == "length"
    assert engine.running == 0
    (log,) = logs
    assert (log["event"], log["request_id"]) == ("reply_looped", "r-1")
    assert log["output_tokens"] == last(events).usage.output_tokens


async def test_a_reply_is_read_once():
    reply = serve(ListedEngine(one_by_one([5]))).prepare(ASK)
    _ = [event async for event in reply]
    with pytest.raises(RuntimeError):
        aiter(reply)


async def test_nothing_is_generated_before_reading():
    engine = ListedEngine(one_by_one([5]))
    reply = serve(engine).prepare(ASK)
    await reply.aclose()
    assert [event async for event in reply] == []
    assert engine.asked == []


async def test_leaving_early_and_closing_stops_the_engine():
    engine = ListedEngine(one_by_one(CHATGLM3.encode("一二三四五六")))
    reply = serve(engine).prepare(ASK)
    async for _ in reply:
        break
    assert engine.running == 1
    await reply.aclose()
    assert engine.running == 0
    await reply.aclose()


STUCK = json.dumps({"rules": [{"reply": "一二三", "delay_ms": 60_000}]})


async def reading(engine) -> None:
    while engine.load().running == 0:
        await asyncio.sleep(0)


async def test_closing_from_another_task_ends_the_readers_wait():
    engine = scripted(script=STUCK)
    reply = serve(engine).prepare(ASK)

    async def drain():
        return [event async for event in reply]

    reader = asyncio.create_task(drain())
    await reading(engine)
    await reply.aclose()
    assert engine.load().running == 0
    assert await reader == []


async def test_cancelling_the_reader_stops_the_engine():
    engine = scripted(script=STUCK)
    reader = asyncio.create_task(read(serve(engine), ASK))
    await reading(engine)
    reader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reader
    assert engine.load().running == 0


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (RuntimeError(f"bad ids for {SECRET}"), "InternalError.Algo"),
        (EngineFailure("The network gave no number."), "InternalError.Algo"),
        (ModelUnavailable(), "ModelUnavailable"),
    ],
)
async def test_a_failure_midway_comes_after_the_text_and_is_logged_once(failure, code, logs):
    ids = CHATGLM3.encode("一二")
    engine = ListedEngine([*(Step((i,)) for i in ids), failure])
    reply = serve(engine).prepare(conversation(("user", SECRET), request_id="r-9"))
    events = []
    with pytest.raises((EngineFailure, ModelUnavailable)) as raised:
        async for event in reply:
            events.append(event)
    assert joined(events) == "一二"
    assert raised.value.code == code
    assert SECRET not in raised.value.message
    (log,) = logs
    assert (log["event"], log["request_id"], log["code"]) == ("reply_failed", "r-9", code)
    assert log["output_tokens"] == len(ids)
    assert SECRET not in str(log)
    assert engine.running == 0


async def test_a_foreign_failure_is_logged_by_its_kind_and_place(logs):
    with pytest.raises(EngineFailure):
        await read(serve(ListedEngine([ValueError(SECRET)])), ASK)
    assert logs[0]["reason"].startswith("ValueError at support.py:")


async def test_an_engine_that_ends_without_a_reason_has_failed():
    with pytest.raises(EngineFailure):
        await read(serve(ListedEngine([Step((5,))])), ASK)


@given(st.lists(st.integers(1, 7), min_size=1, max_size=40), st.booleans())
def test_the_text_does_not_depend_on_the_steps(sizes: list[int], stopping: bool):
    text = "\n 杭州🌧是浙江省的省会。[[训练时间]]STO 以西湖STOP的风景闻名于世🌧。"
    ids = CHATGLM3.encode(text)
    request = conversation(("user", "x"), stop=("STOP",) if stopping else ())
    steps = []
    position = 0
    for size in sizes:
        steps.append(Step(tuple(ids[position : position + size])))
        position += size
    steps.append(Step(tuple(ids[position:]), "stop"))
    expected = text.replace("[[训练时间]]", "2023年")
    if stopping:
        expected = expected.partition("STOP")[0]
    events = asyncio.run(read(serve(ListedEngine(steps)), request))
    assert joined(events) == expected
    single = asyncio.run(read(serve(ListedEngine(one_by_one(ids))), request))
    assert last(events) == last(single)
