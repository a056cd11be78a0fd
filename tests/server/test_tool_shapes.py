"""Offers of tools and calls that come back: one clear sentence for each that cannot be used."""

from __future__ import annotations

from typing import Any

import pytest

from tests.server.support import STREAM, RunningServer

QUESTION = {"role": "user", "content": "q"}


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"tools": {}}, "tools should be a list."),
        ({"tools": [1]}, "tools[0] should be an object."),
        ({"tools": [{"type": "web_search"}]}, "tools[0] is of a type that this model does not"),
        ({"tools": [{"type": "x", "function": {}}]}, 'tools[0].type should be "function".'),
        ({"tools": [{"function": []}]}, "tools[0].function should be an object."),
        ({"tools": [{"function": {"name": 1}}]}, "tools[0].function.name should be a string."),
        ({"tools": [{"name": "a b"}]}, "tools[0].name should be 1 to 64 letters,"),
        ({"tools": [{"name": "a", "parameters": []}]}, "tools[0].parameters should be an object."),
        ({"tools": [{"name": "a", "description": 1}]}, "tools[0].description should be a string."),
        ({"tools": [{"name": "a"}, {"name": "a"}]}, 'Two tools are called "a".'),
        ({"tools": [{"name": "a"}] * 129}, "tools should have at most 128 entries."),
        ({"tools": [{"name": "a"}], "tool_choice": "any"}, 'tool_choice should be "auto", "none"'),
        ({"tools": [{"name": "a"}], "tool_choice": {"name": "b"}}, 'tool_choice names "b", which'),
        (
            {"tools": [{"name": "a"}], "tool_choice": {"type": "allowed_tools", "mode": "auto"}},
            "allowed_tools should have a mode",
        ),
        (
            {
                "tools": [{"name": "a"}],
                "tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": [{"name": "b"}]},
            },
            'tool_choice names "b", which',
        ),
        ({"tool_choice": "required"}, "tool_choice asks for a call, but there are no tools."),
        ({"functions": [{"name": "a"}], "function_call": "required"}, "function_call should be"),
        ({"functions": [{"name": "a"}], "tools": [{"name": "a"}]}, "functions cannot be combined"),
        ({"parallel_tool_calls": 1}, "parallel_tool_calls should be true or false."),
        (
            {"tools": [{"name": "a", "parameters": {"properties": {"b": {"pattern": "c"}}}}]},
            'This model cannot follow the JSON schema of tools[0].parameters: pattern of "b" of it',
        ),
    ],
)
@pytest.mark.parametrize("headers", [{}, STREAM], ids=["plain", "stream"])
def test_what_is_wrong_with_an_offer_is_said(
    server: RunningServer, parameters: dict[str, Any], sentence: str, headers: dict[str, str]
) -> None:
    body = {"model": "chatglm3-6b", "input": {"prompt": "q"}, "parameters": parameters}
    answer = server.ask(body, headers)
    assert answer.error == (400, "InvalidParameter")
    assert answer.json["message"].startswith(sentence)


@pytest.mark.parametrize(
    ("message", "sentence"),
    [
        ({"tool_calls": 1}, "messages[1].tool_calls should be a list."),
        ({"tool_calls": [1]}, 'messages[1].tool_calls[0] should be an object of the type "functi'),
        ({"tool_calls": [{"function": 1}]}, "messages[1].tool_calls[0].function should be an obj"),
        ({"tool_calls": [{"function": {"name": "\n"}}]}, "messages[1].tool_calls[0].function.name"),
        ({"function_call": {"name": "f", "arguments": "[]"}}, "messages[1].function_call.argument"),
        ({"function_call": {"name": "f", "arguments": {}}}, "messages[1].function_call.arguments"),
        (
            {"function_call": {"name": "f", "arguments": '{"a":' + "[" * 60 + "]" * 60 + "}"}},
            "messages[1].function_call.arguments cannot be used: Values nested more than 50",
        ),
        ({"role": "user", "tool_calls": [{"function": {"name": "f"}}]}, "messages[1] has calls,"),
    ],
)
def test_what_is_wrong_with_calls_that_come_back_is_said(
    server: RunningServer, message: dict[str, Any], sentence: str
) -> None:
    past = {"role": "assistant", "content": "c", **message}
    body = {"model": "chatglm3-6b", "input": {"messages": [QUESTION, past, QUESTION]}}
    answer = server.ask(body)
    assert answer.error == (400, "InvalidParameter")
    assert answer.json["message"].startswith(sentence)


def test_the_tokenizer_counts_calls_as_usage_does(server: RunningServer) -> None:
    past = {"tool_calls": [{"id": "a", "function": {"name": "f", "arguments": '{"a": 1}'}}]}
    messages = [QUESTION, {"role": "assistant", **past}, {"role": "tool", "content": "r"}]
    body = {"model": "chatglm3-6b", "input": {"messages": messages}}
    counted = server.ask(body, path="/api/v1/tokenizer").json["usage"]["input_tokens"]
    assert server.ask(body).json["usage"]["input_tokens"] == counted
