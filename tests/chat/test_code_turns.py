"""Turns that send code to the interpreter, and conversations that remember them."""

from __future__ import annotations

import json

import pytest

from glmscope.chat.call_gate import CallGate
from glmscope.chat.conversation import offering, prompt_builder
from glmscope.chat.past_calls import PastCall
from glmscope.chat.request import Message
from glmscope.chat.tools import Tool, ToolOffer
from glmscope.errors import InvalidParameter
from glmscope.text.prompt import INTERPRETER_SYSTEM, TOOLS_HEADER, PromptMessage, chatglm3_prompt
from tests.chat.support import CHATGLM3
from tests.chat.tools import CALL, WEATHER, turn

CODE = "interpreter\n ```python\nprint('<|user|>')\n```"


def gate(*, takes_code: bool = True) -> CallGate:
    return CallGate(CHATGLM3, [WEATHER], several=False, takes_code=takes_code)


def test_a_turn_of_code_is_a_call_with_the_code_as_its_argument() -> None:
    read = gate()
    for token_id in turn(CODE):
        assert not read.add((token_id, None))
    assert not read.end()
    (call,) = read.take_calls()
    assert call.name == "interpreter"
    assert json.loads(call.arguments) == {"code": "print('<|user|>')"}


def test_where_there_is_no_interpreter_it_is_a_text() -> None:
    read = gate(takes_code=False)
    passed = [token for each in turn(CODE) for token in read.add((each, None))]
    assert [token_id for token_id, _ in [*passed, *read.end()]] == turn(CODE)
    assert not list(read.take_calls())


def test_tools_are_still_called_beside_it() -> None:
    read = gate()
    for token_id in turn(CALL):
        read.add((token_id, None))
    read.end()
    assert [call.name for call in read.take_calls()] == ["get_weather"]


def test_the_system_message_offers_it_before_the_tools() -> None:
    own = Message("system", "Be kind.")
    (system,) = offering([own], ToolOffer((WEATHER,), interpreter=True))
    assert system.content == f"Be kind.\n\n{INTERPRETER_SYSTEM}\n\n{TOOLS_HEADER}"
    (alone,) = offering([], ToolOffer((), interpreter=True))
    assert (alone.content, alone.tools) == (INTERPRETER_SYSTEM, ())


def test_code_that_was_run_stands_in_the_history_as_the_model_wrote_it() -> None:
    messages = [
        Message("user", "q"),
        Message("assistant", "", (PastCall.of_code("c", "print(1)"),)),
        Message("tool", "1", call_id="c"),
    ]
    expected = chatglm3_prompt(
        CHATGLM3,
        [
            PromptMessage("user", "q"),
            PromptMessage("assistant", "```python\nprint(1)\n```", "interpreter"),
            PromptMessage("observation", "1"),
        ],
    )
    assert prompt_builder(CHATGLM3)(messages) == expected


def test_a_tool_of_that_name_cannot_stand_beside_it() -> None:
    tool = Tool.declare("interpreter", None, None, "tools[0]")
    assert ToolOffer((tool,))
    with pytest.raises(InvalidParameter, match='Two tools are called "interpreter"'):
        ToolOffer((tool,), interpreter=True)


def test_an_engine_is_held_to_it_too() -> None:
    assert ToolOffer((WEATHER,), interpreter=True).rule().code == "interpreter"
    assert ToolOffer((WEATHER,), interpreter=True, only=("get_weather",)).rule().code is None
    assert ToolOffer((WEATHER,)).rule().code is None
