"""Which offers of tools are taken, and by whom."""

from __future__ import annotations

from typing import Any

import pytest

from glmscope.chat.past_calls import PastCall
from glmscope.chat.request import Message
from glmscope.chat.service import ChatService, Limits, ServedModel
from glmscope.chat.tools import LONGEST_SCHEMAS, MOST_COUNTED, MOST_TOOLS, Tool, ToolOffer
from glmscope.engine.engine import Step
from glmscope.errors import InvalidParameter
from tests.chat.support import (
    CHATGLM2,
    CHATGLM3,
    PUBLISHED_LIMITS,
    ListedEngine,
    read,
    serve,
)
from tests.chat.tools import (
    CLOCK,
    WEATHER,
    asking,
)


async def test_engines_are_told_what_may_be_called_if_they_can_be_held_to_it():
    plain = ListedEngine([Step((), "stop")])
    await read(serve(plain), asking())
    assert plain.asked[0][1].calls is None
    held = ListedEngine([Step((), "stop")])
    held.abilities = frozenset({"calls"})
    await read(serve(held), asking(ToolOffer((WEATHER, CLOCK), must_call=True, only=("clock",))))
    rule = held.asked[0][1].calls
    assert rule is not None
    assert [tool.name for tool in rule.tools] == ["clock"]
    assert rule.must_call


def test_a_call_can_be_demanded_only_of_an_engine_that_can_be_held_to_it():
    with pytest.raises(InvalidParameter, match="cannot be made to call"):
        serve(ListedEngine()).prepare(asking(ToolOffer((WEATHER,), must_call=True)))


def test_models_that_were_not_trained_to_call_tools_say_so():
    with pytest.raises(InvalidParameter, match="ChatGLM2 was not trained"):
        serve(ListedEngine(), CHATGLM2, Limits(6500, 6500, 1500)).prepare(asking())
    base = ServedModel("m", CHATGLM3, ListedEngine(), PUBLISHED_LIMITS, "", calls_tools=False)
    with pytest.raises(InvalidParameter, match="base model"):
        ChatService([base]).prepare(asking())
    past = Message("assistant", "", (PastCall(None, "f", {}),))
    with pytest.raises(InvalidParameter, match="tool_calls"):
        serve(ListedEngine(), CHATGLM2).prepare(
            asking(None, messages=(Message("user", "q"), past, Message("user", "q")))
        )


def test_json_replies_and_tools_are_not_combined():
    engine = ListedEngine()
    engine.abilities = frozenset({"json", "calls"})
    with pytest.raises(InvalidParameter, match="combined with tools"):
        serve(engine).prepare(asking(json_schema="{}"))


@pytest.mark.parametrize(
    ("name", "parameters", "sentence"),
    [
        ("", None, "name should be"),
        ("a b", None, "name should be"),
        ("f", {"type": "string"}, 'type "object"'),
        ("f", {"anyOf": [{"type": "object"}, {"type": "null"}]}, 'type "object"'),
        ("f", {"type": "object", "properties": {"a": {"pattern": "x"}}}, "pattern"),
        ("f", {"type": "object", "properties": {"a": {"enum": ["\ud800"]}}}, "as JSON"),
        ("f", {"type": "object", "description": "x" * 17_000}, "16384 characters"),
    ],
)
def test_declarations_that_cannot_be_used(name, parameters, sentence):
    with pytest.raises(InvalidParameter, match=r"tools\[0\]") as refusal:
        Tool.declare(name, None, parameters, "tools[0]")
    assert sentence in refusal.value.message


def test_offers_are_bounded():
    def many(count: int, **schema: Any) -> tuple[Tool, ...]:
        parameters = {"type": "object", **schema}
        return tuple(Tool.declare(f"f{n}", None, parameters, "t") for n in range(count))

    with pytest.raises(InvalidParameter, match=str(MOST_TOOLS)):
        ToolOffer(many(MOST_TOOLS + 1))
    with pytest.raises(InvalidParameter, match=str(LONGEST_SCHEMAS)):
        ToolOffer(many(5, description="x" * 16_000))
    ToolOffer(many(4, properties={"a": {"maxLength": 1024}}))
    with pytest.raises(InvalidParameter, match=str(MOST_COUNTED)):
        ToolOffer(many(5, properties={"a": {"maxLength": 1024}}))
    with pytest.raises(InvalidParameter, match='called "f0"'):
        ToolOffer(many(1) + many(1))
    with pytest.raises(InvalidParameter, match="none of the tools"):
        ToolOffer(many(1), only=("g",))
