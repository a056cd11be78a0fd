"""Ranges of every parameter. Section 3.3."""

from __future__ import annotations

from typing import Any

from glmscope.conform.check import equal, expect, wire
from glmscope.conform.checks.doors import is_error
from glmscope.conform.target import Target, body, user

_MESSAGE = {"result_format": "message"}
_LOGPROBS = {**_MESSAGE, "logprobs": True}

# name: (accepted, refused); a boolean is refused for every number besides.
_NUMBERS: dict[str, tuple[list[Any], list[Any]]] = {
    "temperature": ([0, 0.01, 1, 1.99], [-0.01, 2, 2.5, "1"]),
    "top_p": ([0.01, 1, 1.0], [0, -0.5, 1.01, "1"]),
    "top_k": ([0, 1, 100, 101, None], [-1, 1.5, "1"]),
    "max_tokens": ([1, 1500], [0, -1, 1501, 1.5, "1"]),
    "seed": ([0, 2**31 - 1, 2**64 - 1], [-1, 2**64, 1.5, "1"]),
    "repetition_penalty": ([0.01, 1, 1.1], [0, -1, "1"]),
    "presence_penalty": ([-2, 0, 2, 1.5], [-2.01, 2.01, "1"]),
    "n": ([1, 4], [0, 5, 1.5, "1"]),
    "top_logprobs": ([0, 5], [-1, 6, 1.5, "1"]),
    "max_length": ([1, 10**6], [0, -1, "1"]),
}
_OTHERS: dict[str, tuple[list[Any], list[Any]]] = {
    "result_format": (["text", "message"], ["json", 1, True]),
    "incremental_output": ([True, False], [1, "true"]),
    "stop": (
        ["x", ["x", "y"], [[100], [200, 300]], [100, 200], None],
        [1, True, {}, [1.5], [True]],
    ),
    "logprobs": ([True, False], [1, "true"]),
    "response_format": ([{"type": "text"}, {"type": "json_object"}], [{"type": "xml"}, "text"]),
    "parallel_tool_calls": ([True, False], [1, "true"]),
    "enable_search": ([False], [True, "no"]),
}


@wire(18)
def each_parameter(target: Target) -> None:
    for name, (accepted, refused) in {**_NUMBERS, **_OTHERS}.items():
        for value in accepted:
            _accepts(target, name, value)
        booleans = [True, False] if name in _NUMBERS else []
        for value in [*refused, *booleans]:
            _refuses(target, name, value)


def _accepts(target: Target, name: str, value: Any) -> None:
    answer = target.ask(_asking(name, value))
    sentence = "" if answer.status == 200 else _sentence(answer.json)
    # A model may be unable to keep to JSON, and then has to say so.
    unable = name == "response_format" and "does not support response_format" in sentence
    expect(answer.status == 200 or unable, f"{name}={value!r} refused: {sentence}")


def _refuses(target: Target, name: str, value: Any) -> None:
    found = is_error(target.ask(_asking(name, value)), 400, "InvalidParameter", f"{name}={value!r}")
    equal(name in found["message"], True, f"{name} is named in {found['message']!r}")


def _asking(name: str, value: Any) -> dict[str, Any]:
    # Short answers, whatever is asked for; JSON mode wants the word in the question.
    context = _LOGPROBS if name == "top_logprobs" else _MESSAGE
    short = {} if name in ("max_tokens", "max_length") else {"max_tokens": 4}
    return body([user("conform: who answers, in JSON")], **{**context, **short, name: value})


def _sentence(found: Any) -> str:
    return str(found.get("message")) if isinstance(found, dict) else str(found)
