"""What is made of a turn that was generated with tools at hand."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from glmscope.chat.call_gate import CallGate
from glmscope.chat.events import CallPiece, ReplyEvent
from glmscope.chat.tools import ToolOffer
from tests.chat.support import (
    CHATGLM3,
    ListedEngine,
    joined,
    last,
    one_by_one,
    serve,
)
from tests.chat.tools import (
    ASSISTANT,
    CALL,
    CLOCK,
    OBSERVATION,
    OFFER,
    SHANGHAI,
    WEATHER,
    asking,
    turn,
)


async def replied(
    ids: list[int], offer: ToolOffer = OFFER, finish: str = "stop", **settings: Any
) -> tuple[list[ReplyEvent], Any]:
    """The events of a reply of these ids, and its choice's trace."""
    reply = serve(ListedEngine(one_by_one(ids, finish))).prepare(asking(offer, **settings))
    events = [event async for event in reply]
    return events, reply.trace.choices[0]


def calls(events: list[ReplyEvent]) -> list[tuple[int, str, Any]]:
    found = [event.call for event in events if isinstance(event, CallPiece)]
    assert len({call.id for call in found}) == len(found)
    return [(call.number, call.name, json.loads(call.arguments)) for call in found]


async def test_a_call_is_an_event_and_no_text():
    events, trace = await replied(turn(CALL))
    assert calls(events) == [(0, "get_weather", SHANGHAI)]
    assert joined(events) == ""
    assert last(events).reason == "tool_calls"
    assert last(events).usage.output_tokens == len(turn(CALL))
    (reading,) = trace.readings
    assert (reading.kind, reading.repairs) == ("call", ())


async def test_text_before_a_call_stays_and_several_calls_are_numbered():
    events, trace = await replied(turn("\n 我来查。", CALL, "clock\n ```python\ntool_call()\n```"))
    assert joined(events) == "\n 我来查。"
    assert calls(events) == [(0, "get_weather", SHANGHAI), (1, "clock", {})]
    assert [reading.kind for reading in trace.readings] == ["call", "call"]


async def test_where_one_call_is_wanted_the_reply_ends_after_it():
    offer = ToolOffer((WEATHER, CLOCK), several=False)
    events, trace = await replied(turn(CALL, CALL), offer)
    assert len(calls(events)) == 1
    assert last(events).reason == "tool_calls"
    assert trace.end.what == ASSISTANT


async def test_a_plain_answer_arrives_piece_by_piece():
    events, trace = await replied(turn("\n get_weather 是一个工具。"))
    assert joined(events) == "\n get_weather 是一个工具。"
    assert len(events) > 4
    assert last(events).reason == "stop"
    assert trace.readings == []


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("delete_all\n ```python\ntool_call()\n```", "declared"),
        ("get_weather\n ```python\ntool_call(city=open('x'))\n```", "read"),
        ("get_weather\n ```python\ntool_call(days=7)\n```", "follow"),
        ("get_weather\n ```python\ntool_call(city=1)\n```", "follow"),
        ("get_weather\n ```python\ntool_call(city='a', more=1)\n```", "follow"),
        ("get_weath", "declared"),
        ("你好", "declared"),
    ],
)
async def test_what_is_no_call_of_a_declared_tool_is_text_and_the_trace_says_why(text, reason):
    events, trace = await replied(turn(text))
    assert calls(events) == []
    assert joined(events) == CHATGLM3.decode(turn(text))
    assert last(events).reason == "stop"
    assert reason in trace.readings[-1].reason


async def test_a_slip_is_repaired_and_the_trace_names_it():
    events, trace = await replied(CHATGLM3.encode("get_weather\ntool_call('上海')"))
    assert calls(events) == [(0, "get_weather", {"city": "上海"})]
    assert "opening fence" in trace.readings[0].repairs
    assert "argument without its name" in trace.readings[0].repairs


async def test_a_call_that_is_cut_is_text_and_a_whole_one_at_the_limit_is_a_call():
    events, _ = await replied(turn(CALL)[:-6], finish="length")
    assert calls(events) == []
    assert last(events).reason == "length"
    events, _ = await replied(turn(CALL), finish="length")
    assert calls(events) == [(0, "get_weather", SHANGHAI)]
    assert last(events).reason == "tool_calls"


async def test_stop_strings_end_texts_and_do_not_cut_calls():
    events, _ = await replied(turn(CALL), stop=("city",))
    assert len(calls(events)) == 1
    events, _ = await replied(turn("\n 我来查。", CALL), stop=("来",))
    assert (joined(events), calls(events), last(events).reason) == ("\n 我", [], "stop")


async def test_left_as_text_a_call_is_what_the_model_wrote():
    events, _ = await replied(turn(CALL), ToolOffer((WEATHER,), as_text=True))
    assert joined(events) == CALL
    assert last(events).reason == "stop"


async def test_a_tool_that_may_not_be_called_is_none():
    events, _ = await replied(turn(CALL), ToolOffer((WEATHER, CLOCK), only=("clock",)))
    assert calls(events) == []


async def test_logprobs_belong_to_the_text_alone():
    ids = turn("\n 好", CALL)
    gate = CallGate(CHATGLM3, [WEATHER], several=True)
    shown = [token for each in ids for token in gate.add((each, None))]
    assert [token_id for token_id, _ in shown] == turn("\n 好")


def test_ten_thousand_random_turns_call_nothing_undeclared_and_lose_no_text():
    """Random ids, role ids in odd places, cut and joined calls: each id is text, or of a call."""
    rng = random.Random(11)
    valid = [turn(CALL), turn("clock\n ```python\ntool_call()\n```"), turn("\n 你好")]
    called = 0
    for _ in range(10_000):
        ids = [token for part in rng.choices(valid, k=rng.randint(0, 3)) for token in part]
        for _ in range(rng.randint(0, 5)):
            at = rng.randint(0, len(ids))
            new = rng.choice([ASSISTANT, OBSERVATION, 2, 13, rng.randrange(1100), -1, 10**6])
            ids[at : at + rng.randint(0, 2)] = [new] * rng.randint(0, 1)
        gate = CallGate(CHATGLM3, [WEATHER, CLOCK], several=True)
        shown = [token for each in ids for token in gate.add((each, None))]
        shown += gate.end()
        made = list(gate.take_calls())
        called += len(made)
        for call in made:
            assert call.name in ("get_weather", "clock")
            assert set(json.loads(call.arguments)) <= {"city", "days"}
        if not made:
            assert [each for each, _ in shown] == [each for each in ids if each != ASSISTANT]
    assert called > 300
