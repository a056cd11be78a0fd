"""A reply in the wire's JSON, key order included. DashScope protocol, section 4."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from glmscope.chat.events import ToolCall, Usage
from glmscope.server.dashscope.parameters import ResultFormat

RUNNING = "null"
"""The finish_reason of a chunk that is not the last: a string, not JSON null."""


@dataclass(frozen=True, slots=True)
class ResultShape:
    """What the results of one request hold: `n` choices, with or without logprobs.

    `plugins`: whether there may be steps, which are told as `messages`.
    """

    result_format: ResultFormat = "text"
    n: int = 1
    logprobs: bool = False
    plugins: bool = False


@dataclass(frozen=True, slots=True)
class ResultChoice:
    """One text of a reply, its calls, and the entries of its tokens where they were asked for.

    `messages` are those of a reply with plugins, as far as they are to be told.
    """

    index: int
    text: str
    finish_reason: str
    logprobs: Sequence[Any] = ()
    tool_calls: Sequence[Any] = ()
    messages: Sequence[Any] = ()


def result(
    shape: ResultShape, choices: Sequence[ResultChoice], usage: Usage, request_id: str | None
) -> dict[str, Any]:
    """One whole result object, plain or as one chunk; a websocket says the id elsewhere."""
    body: dict[str, Any] = {
        "output": _output(shape, choices),
        "usage": {"input_tokens": usage.input_tokens, "output_tokens": usage.output_tokens},
    }
    if request_id is not None:
        body["request_id"] = request_id
    return body


def tool_call(call: ToolCall) -> dict[str, Any]:
    """An entry of `tool_calls`."""
    function = {"name": call.name, "arguments": call.arguments}
    return {"index": call.number, "id": call.id, "type": "function", "function": function}


def _output(shape: ResultShape, choices: Sequence[ResultChoice]) -> dict[str, Any]:
    if shape.result_format == "text":
        (choice,) = choices
        output: dict[str, Any] = {"text": choice.text, "finish_reason": choice.finish_reason}
        return output | _messages(choice)
    return {"choices": [_choice(shape, choice) for choice in choices]}


def _choice(shape: ResultShape, choice: ResultChoice) -> dict[str, Any]:
    """The keys of the service's page alone, unless more was asked for: people print the object."""
    message: dict[str, Any] = {"role": "assistant", "content": choice.text}
    if choice.tool_calls:
        message["tool_calls"] = list(choice.tool_calls)
    else:
        message["content_type"] = "text"
    shown: dict[str, Any] = {"finish_reason": choice.finish_reason, "message": message}
    shown |= _messages(choice)
    if shape.n > 1:
        shown["index"] = choice.index
    if shape.logprobs:
        shown["logprobs"] = {"content": list(choice.logprobs)}
    return shown


def _messages(choice: ResultChoice) -> dict[str, Any]:
    return {"messages": list(choice.messages)} if choice.messages else {}
