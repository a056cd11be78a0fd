"""Long inputs: what fits, what is cut, what is refused. Section 3.1."""

from __future__ import annotations

from typing import Any

from glmscope.conform.check import equal, expect, wire
from glmscope.conform.checks.doors import is_error
from glmscope.conform.checks.inputs import good
from glmscope.conform.script import PROMPT
from glmscope.conform.target import GREEDY, Target, assistant, body, text_of, user

_LIMIT = 6000
"""Input tokens of `chatglm3-6b`."""


def _tokens(target: Target, messages: list[dict[str, object]]) -> int:
    asked = body(messages, max_tokens=1, **GREEDY)
    return int(good(target.ask(asked), "a long input").json["usage"]["input_tokens"])


def digits(target: Target, tokens: int) -> str:
    """A text of exactly so many tokens: one for each digit, and what a text begins with."""
    prefix = _tokens(target, [user("1" * 20)]) - 20
    return "1" * (tokens - prefix)


@wire(31, needs_script=True)
def cutting(target: Target) -> None:
    equal(_tokens(target, [user(digits(target, _LIMIT))]), _LIMIT, "input tokens")
    too_long = target.ask(body([user(digits(target, _LIMIT + 1))]))
    found = is_error(too_long, 400, "InvalidParameter", "6001 tokens")
    expect(f"[1, {_LIMIT}]" in found["message"], f"range not named: {found['message']}")

    part = digits(target, 1500)
    turns: list[dict[str, object]] = []
    for _ in range(2):
        turns += [user(part), assistant(part)]
    # 3000 + 3000 + 1500 do not fit: the first turn goes whole.
    equal(_tokens(target, [*turns, user(part)]), 4500, "input tokens after cutting")


@wire(32, needs_script=True)
def system_survives(target: Target) -> None:
    part = digits(target, 3000)
    system: dict[str, Any] = {"role": "system", "content": "Never forget this sentence."}
    turns = [user(part), assistant(part)]
    cut = text_of(good(target.ask(body([system, *turns, user(PROMPT)], **GREEDY)), "cut"))
    expect("Never forget this sentence." in cut, "the system message is gone")
    expect("1" * 20 not in cut, "the turn that does not fit is still there")
    equal(
        cut, text_of(target.ask(body([system, user(PROMPT)], **GREEDY))), "prompt without the turn"
    )
