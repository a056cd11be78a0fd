"""What ends the loop before the model does: repetition, limits, failures, a reader that leaves."""

from __future__ import annotations

from contextlib import aclosing

import pytest

from glmscope.agent.agent import Agent
from glmscope.agent.loop_limits import LoopLimits
from glmscope.agent.plugins import PluginRequest
from glmscope.agent.tool import ToolRegistry
from glmscope.chat.events import PluginCall, PluginResult
from glmscope.errors import EngineFailure
from tests.agent.loop import ADD, SUM, asking, read
from tests.agent.support import Adder, Answering, agent_of, call_of, service_of
from tests.chat.support import joined, last


async def test_the_same_call_is_run_once_told_twice_and_ends_the_third_time() -> None:
    tool = Adder()
    events = await read(agent_of([{"reply": call_of("add", a=1, b=2)}], tool), "q")
    assert tool.calls == 1
    results = [event.text for event in events if isinstance(event, PluginResult)]
    assert results[0] == "3"
    assert results[1].startswith("This call was made before") and results[1].endswith("\n3")
    assert len(results) == 2
    assert sum(isinstance(event, PluginCall) for event in events) == 3
    assert "the same call again and again" in joined(events)
    assert last(events).reason == "length"


def growing() -> list[dict[str, object]]:
    """Calls with ever other arguments."""
    rules = [{"match": str(n), "exact": True, "reply": call_of("add", a=n, b=1)} for n in range(20)]
    return [{"match": "q", "reply": call_of("add", a=0, b=0)}, *rules]


@pytest.mark.parametrize(
    ("limits", "told", "results"),
    [
        (LoopLimits(steps=2), "had made all 2", 2),
        (LoopLimits(tokens=300), "more than 300 tokens", 1),
        (LoopLimits(output=3), "more than 3 characters", 3),
    ],
)
async def test_limits_end_the_reply_and_say_so(limits: LoopLimits, told: str, results: int) -> None:
    agent = agent_of(growing(), Adder(), limits=limits)
    reply = agent.prepare(asking("q"), ADD)
    events = [event async for event in reply]
    assert told in joined(events)
    assert last(events).reason == "length"
    assert sum(isinstance(event, PluginResult) for event in events) == results
    assert reply.traces[-1].steps[-1].outcome == "refused"


async def test_wall_time_ends_a_tool_and_a_turn() -> None:
    tool = Answering("sleep", None)
    slow = [{"match": "slow", "reply": "word ", "repeat": 500, "delay_ms": 20}]
    rules = [*slow, {"match": "q", "reply": call_of("sleep")}]
    agent = agent_of(rules, tool, limits=LoopLimits(seconds=0.3))
    for question in ("q", "slow"):
        events = await read(agent, question, PluginRequest(("sleep",)))
        assert "longer than 0.3 seconds" in joined(events)
        assert last(events).reason == "length"
        assert tool.running == 0


async def test_max_tokens_holds_for_all_turns_together() -> None:
    rules = [SUM[0], {"match": "3", "exact": True, "reply": "many words in a row, and more"}]
    events = await read(agent_of(rules, Adder()), "sum", max_tokens=40)
    assert last(events).usage.output_tokens == 40
    assert last(events).reason == "length"


async def test_a_conversation_that_grows_too_long_ends_with_a_note() -> None:
    rules = [{"match": "q", "reply": call_of("flood")}]
    agent = agent_of(rules, Answering("flood", "好" * 7000))
    events = await read(agent, "q", PluginRequest(("flood",)))
    assert "longer than the model reads" in joined(events)
    assert last(events).reason == "length"


async def test_an_engine_that_fails_in_a_later_turn_fails_the_reply() -> None:
    rules = [SUM[0], {"match": "3", "reply": "never", "error_after": 0}]
    with pytest.raises(EngineFailure):
        await read(agent_of(rules, Adder()), "sum")


async def test_closing_stops_a_later_turn_of_the_model() -> None:
    slow = {"match": "3", "reply": "word ", "repeat": 500, "delay_ms": 20}
    service = service_of([SUM[0], slow])
    agent = Agent(service, ToolRegistry([Adder()]))
    async with aclosing(agent.prepare(asking("sum"), ADD)) as reply:
        async for event in reply:
            if joined([event]):
                break
        assert service.models["m"].engine.load().running == 1
    assert service.models["m"].engine.load().running == 0
