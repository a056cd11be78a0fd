"""The loop of model and tools, on a script."""

from __future__ import annotations

from dataclasses import replace

import pytest

from glmscope.agent.agent import Agent
from glmscope.agent.plugins import PluginRequest
from glmscope.agent.tool import ToolRegistry
from glmscope.chat.events import CallPiece, PluginResult
from glmscope.chat.tools import Tool, ToolOffer
from glmscope.errors import AccessDenied, InvalidParameter
from tests.agent.loop import ADD, CODE, SUM, asking, read
from tests.agent.support import Adder, Answering, Sandboxes, agent_of, call_of, service_of, steps
from tests.chat.support import CHATGLM3, joined, last


async def test_a_call_is_run_and_the_model_goes_on_with_the_result() -> None:
    events = await read(agent_of(SUM, Adder()), "sum")
    assert steps(events) == [("add", '{"a": 1, "b": 2}'), ("=", "3")]
    assert joined(events) == "\n It is 3."
    assert last(events).reason == "stop"


async def test_usage_is_that_of_all_turns() -> None:
    agent = agent_of(SUM, Adder())
    reply = agent.prepare(asking("sum"), ADD)
    events = [event async for event in reply]
    first, second = reply.traces
    made = [len(trace.choices[0].ids) for trace in (first, second)]
    assert last(events).usage.input_tokens == first.input_tokens + second.input_tokens
    assert last(events).usage.output_tokens == sum(made)
    assert reply.input_tokens == first.input_tokens
    counts = [event.usage.output_tokens for event in events]
    assert counts == sorted(counts)
    (step,) = first.steps
    assert (step.plugin, step.outcome, step.characters) == ("add", "done", 1)
    assert second.steps == []


async def test_the_second_turn_reads_the_call_and_the_result_in_their_roles() -> None:
    reply = agent_of(SUM, Adder()).prepare(asking("sum"), ADD)
    async for _ in reply:
        pass
    prompt = CHATGLM3.decode(reply.traces[1].prompt_ids)
    call = "<|assistant|> add\n ```python\ntool_call(a=1, b=2)\n```"
    assert f"{call}<|observation|> \n 3<|assistant|>" in prompt


async def test_without_plugins_nothing_is_in_the_way() -> None:
    agent = agent_of([{"reply": "hello"}], Adder())
    for plugins in (None, PluginRequest(())):
        reply = agent.prepare(asking("q"), plugins)
        assert joined([event async for event in reply]) == "hello"


async def test_a_call_of_the_clients_own_tool_is_handed_back() -> None:
    own = Tool.declare("lookup", None, None, "tools[0]")
    rules = [
        {"match": "sum", "reply": call_of("add", a=1, b=2)},
        {"match": "3", "exact": True, "reply": call_of("lookup")},
    ]
    events = await read(agent_of(rules, Adder()), "sum", tools=ToolOffer((own,)))
    assert steps(events)[-1] == ("=", "3")
    assert [event.call.name for event in events if isinstance(event, CallPiece)] == ["lookup"]
    assert last(events).reason == "tool_calls"


async def test_a_call_that_has_to_be_made_has_to_be_made_once() -> None:
    rules = [{"match": "0", "reply": "done"}, {"reply": "never asked freely"}]
    own = Tool.declare("zero", None, None, "tools[0]")
    agent = agent_of(rules, Answering("nil", "0"))
    offer = ToolOffer((own,), must_call=True, only=("zero",))
    events = await read(agent, "q", PluginRequest(("nil",)), tools=offer)
    assert last(events).reason == "tool_calls"
    rules[1]["reply"] = call_of("nil")
    events = await read(agent_of(rules, Answering("nil", "0")), "q", PluginRequest(("nil",)))
    assert joined(events) == "done"


async def test_a_tool_that_fails_is_told_to_the_model() -> None:
    rules = [
        {"match": "q", "reply": call_of("add", a=1, b="x")},
        {"match": "wrong", "reply": "sorry"},
    ]
    events = await read(agent_of(rules, Adder()), "q")
    # A call that does not follow the declaration is a text, and goes no further.
    assert steps(events) == []
    held = Adder()
    held.call = None  # type: ignore[assignment,method-assign]
    events = await read(agent_of([SUM[0], {"reply": "sorry"}], held), "sum")
    (result,) = [event for event in events if isinstance(event, PluginResult)]
    assert result.is_error
    assert joined(events) == "sorry"


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"n": 2}, "n should be 1"),
        ({"logprobs": 0}, "logprobs"),
        ({"json_schema": '{"type":"object"}'}, "response_format"),
        ({"tools": ToolOffer((Tool.declare("x", None, None, "t"),), as_text=True)}, "message"),
        ({"tools": ToolOffer((Tool.declare("add", None, None, "t"),))}, 'Two tools .* "add"'),
    ],
)
async def test_what_does_not_go_together_is_refused(settings: dict[str, object], told: str) -> None:
    with pytest.raises(InvalidParameter, match=told):
        agent_of(SUM, Adder()).prepare(asking("sum", **settings), ADD)


async def test_plugins_that_are_not_there_or_not_for_this_key_are_refused() -> None:
    with pytest.raises(InvalidParameter, match='no tool "nothing"'):
        agent_of(SUM, Adder()).prepare(asking("sum"), PluginRequest(("nothing",)))
    allowed = {"ci": frozenset({"add"})}
    registry = ToolRegistry([Adder()], allowed=allowed)
    agent = Agent(service_of(SUM), registry, Sandboxes())
    assert agent.prepare(asking("sum"), ADD, key=("id", "ci"))
    with pytest.raises(AccessDenied, match="code interpreter"):
        agent.prepare(asking("sum"), CODE, key=("id", "ci"))


async def test_a_reply_is_read_once() -> None:
    reply = agent_of(SUM, Adder()).prepare(asking("sum"), ADD)
    async for _ in reply:
        pass
    with pytest.raises(RuntimeError):
        aiter(reply)


def test_requests_stay_as_they_are() -> None:
    request = asking("sum")
    agent_of(SUM, Adder()).prepare(request, ADD)
    assert request == replace(request, tools=None)
