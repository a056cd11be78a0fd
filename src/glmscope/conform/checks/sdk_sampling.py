"""Sampling, limits and stops through an SDK. Section 3.3."""

from __future__ import annotations

import json
from typing import Any

from glmscope.conform.check import equal, expect, sdk
from glmscope.conform.script import (
    ALMOST,
    ALMOST_REPLY,
    CHOOSE,
    DIGITS,
    DIGITS_REPLY,
    STOP,
    STOP_WORD,
    STOPPED_REPLY,
)
from glmscope.conform.sdk.response import Response, joined
from glmscope.conform.sdk.sdk import Sdk
from glmscope.conform.target import GREEDY

_SHORT: dict[str, Any] = {"max_tokens": 24}
_UNREADABLE = "\N{REPLACEMENT CHARACTER}"
_SEEDS = range(12)
_MESSAGE = {"result_format": "message"}


@sdk(19)
def seeds(sdk: Sdk) -> None:
    asked = {"prompt": CHOOSE, "seed": 20231128, "temperature": 1.0, **_SHORT}
    text = sdk.call(**asked).text
    equal(sdk.call(**asked).text, text, "the same seed again")
    equal(sdk.stream(**asked)[-1].text, text, "the same seed, streamed")
    pieces = sdk.stream(incremental_output=True, **asked)
    equal(joined(pieces), text, "the same seed, in pieces")
    equal(sdk.call(transport="websocket", **asked).text, text, "the same seed over websocket")
    others = {sdk.call(**{**asked, "seed": seed}).text for seed in _SEEDS}
    expect(len(others) > 1, f"{len(_SEEDS)} seeds, one text")


@sdk(20)
def greedy(sdk: Sdk) -> None:
    asked = {"prompt": CHOOSE, **_SHORT}
    texts = {sdk.call(**asked, **how).text for how in (GREEDY, GREEDY, {"top_k": 1}, {"top_k": 1})}
    equal(len(texts), 1, "texts of temperature=0 and top_k=1")


@sdk(21)
def max_tokens(sdk: Sdk) -> None:
    response = sdk.call(prompt=DIGITS, max_tokens=5, **GREEDY)
    equal((response.tokens[1], response.finish_reason), (5, "length"), "tokens and reason")


@sdk(22)
def max_length(sdk: Sdk) -> None:
    response = sdk.call(prompt=DIGITS, max_length=5, **GREEDY)
    equal((response.tokens[1], response.finish_reason), (5, "length"), "tokens and reason")
    sdk.call(prompt=DIGITS, max_length=100_000, **GREEDY)


@sdk(23, needs_script=True)
def stops(sdk: Sdk) -> None:
    stop: Any
    for stop in (STOP_WORD, [STOP_WORD], ["nowhere", STOP_WORD, "gamma"]):
        _stopped(sdk.call(prompt=STOP, stop=stop, **GREEDY), STOPPED_REPLY, stop)
    almost = sdk.call(prompt=ALMOST, stop=STOP_WORD, **GREEDY)
    _stopped(almost, ALMOST_REPLY, "a word that only begins like the stop word")
    # One digit is one token: the last ids of "5" and "56" alone are the digits themselves.
    five, six = (
        sdk.ask("tokenize", arguments={"model": "chatglm3-6b", "prompt": digit})["output"][
            "token_ids"
        ][-1]
        for digit in "56"
    )
    for stop in ([[five]], [[999999], [five, six]]):
        _stopped(sdk.call(prompt=DIGITS, stop=stop, **GREEDY), "1234", stop)


def _stopped(response: Response, text: str, stop: Any) -> None:
    equal(response.text.lstrip("\n "), text, f"text with stop {stop!r}")
    equal(response.finish_reason, "stop", f"finish_reason with stop {stop!r}")


@sdk(25, needs_script=True)
def penalties(sdk: Sdk) -> None:
    asked = {"prompt": CHOOSE, "seed": 7, "temperature": 1.0, **_SHORT}
    text = sdk.call(**asked).text
    for how in ({"repetition_penalty": 1.0}, {"presence_penalty": 0}):
        equal(sdk.call(**asked, **how).text, text, f"{how}, which changes nothing,")
    for how in ({"repetition_penalty": 1.8}, {"presence_penalty": 1.5}):
        expect(sdk.call(**asked, **how).text != text, f"{how} changes nothing")


@sdk(26)
def several_choices(sdk: Sdk) -> None:
    asked = {"prompt": CHOOSE, "n": 2, "seed": 3, "temperature": 1.0, **_SHORT, **_MESSAGE}
    plain = sdk.call(**asked).choices
    equal([choice["index"] for choice in plain], [0, 1], "indexes")
    texts = {choice["index"]: choice["message"]["content"] for choice in plain}
    # Cumulative by the server, and by the SDK from the pieces that it asks for.
    for how in ({}, {"incremental_output": False}):
        last: dict[int, str] = {}
        for response in sdk.stream(**asked, **how):
            for choice in response.choices:
                last[choice.get("index", 0)] = choice["message"]["content"]
        equal(last, texts, f"streamed choices with {how}")


@sdk(27)
def logprobs(sdk: Sdk) -> None:
    asked = {"prompt": DIGITS, "logprobs": True, "top_logprobs": 2, **_MESSAGE, **GREEDY, **_SHORT}
    (choice,) = sdk.call(**asked).choices
    content = choice["logprobs"]["content"]
    for token in content:
        _is_token(token)
        expect(len(token["top_logprobs"]) <= 2, "more alternatives than asked for")
        for each in token["top_logprobs"]:
            _is_token(each)
    text = choice["message"]["content"].replace(_UNREADABLE, "")
    equal(_spelled(content), text, "tokens joined by their bytes")
    streamed = [
        token
        for response in sdk.stream(incremental_output=True, **asked)
        for each in response.choices
        for token in (each.get("logprobs") or {}).get("content") or []
    ]
    equal(_spelled(streamed), text, "streamed tokens joined by their bytes")
    (bare,) = sdk.call(**{**asked, "logprobs": False, "top_logprobs": 0}).choices
    expect(not bare.get("logprobs"), "log-probabilities that nobody asked for")


def _spelled(content: list[Any]) -> str:
    """Without what is no UTF-8, which a model may well say."""
    spelled = b"".join(bytes(token["bytes"]) for token in content)
    return spelled.decode("utf-8", errors="replace").replace(_UNREADABLE, "")


def _is_token(token: Any) -> None:
    expect({"token", "bytes", "logprob"} <= set(token), f"fields {sorted(token)}")
    value = token["logprob"]
    expect(-10_000 < value <= 0, f"logprob {value}")
    json.dumps(value, allow_nan=False)


@sdk(30, needs_script=True)
def output_count(sdk: Sdk) -> None:
    response = sdk.call(prompt=DIGITS, **GREEDY)
    tokens = sdk.ask("tokenize", arguments={"model": "chatglm3-6b", "prompt": response.text})[
        "output"
    ]["token_ids"]
    expect(DIGITS_REPLY in response.text, f"another answer: {response.text!r}")
    equal(response.tokens[1], len(tokens), "output tokens without the end token")
