"""The three ways of streaming through an SDK. Sections 5.2 and 5.3."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from glmscope.conform.check import equal, expect, sdk
from glmscope.conform.sdk.response import Response, joined
from glmscope.conform.sdk.sdk import Sdk
from glmscope.conform.target import GREEDY, user

_ASKED: dict[str, Any] = {"prompt": "写几句话。Say a few words.", "max_tokens": 24, **GREEDY}
_FORMS = ("text", "message")


def _cumulative(responses: list[Response], plain: str) -> None:
    texts = [response.text for response in responses]
    for earlier, later in pairwise(texts):
        expect(later.startswith(earlier), f"{earlier!r} does not begin {later!r}")
    equal(texts[-1], plain, "the last chunk")
    expect(len(set(texts)) > 2, f"only {len(set(texts))} different chunks")


@sdk(39)
def cumulative_by_default(sdk: Sdk) -> None:
    for form in _FORMS:
        asked = {**_ASKED, "result_format": form}
        _cumulative(sdk.stream(**asked), sdk.call(**asked).text)


@sdk(40)
def incremental(sdk: Sdk) -> None:
    for form in _FORMS:
        asked = {**_ASKED, "result_format": form}
        pieces = sdk.stream(incremental_output=True, **asked)
        equal(joined(pieces), sdk.call(**asked).text, f"pieces joined, form {form}")
        expect(len(pieces) > 2, "only one piece")


@sdk(41)
def explicitly_cumulative(sdk: Sdk) -> None:
    for form in _FORMS:
        asked = {**_ASKED, "result_format": form}
        _cumulative(sdk.stream(incremental_output=False, **asked), sdk.call(**asked).text)


@sdk(42)
def messages_in_streams(sdk: Sdk) -> None:
    asked = {"messages": [user("Say a few words.")], "max_tokens": 24, **GREEDY}
    for how in ({}, {"incremental_output": True}):
        for response in sdk.stream(result_format="message", **asked, **how):
            message = response.choices[0]["message"]
            equal(message.get("role"), "assistant", "role")
            expect(isinstance(message.get("content"), str), f"content {message.get('content')!r}")
