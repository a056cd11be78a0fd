"""What callers of an SDK see when something is wrong. Sections 5.4 and 7."""

from __future__ import annotations

from glmscope.conform.check import equal, expect, sdk
from glmscope.conform.script import FAIL_AT_ONCE, FAIL_LATER
from glmscope.conform.sdk.response import Response
from glmscope.conform.sdk.sdk import Sdk
from glmscope.conform.target import GREEDY

_WRONG = "sk-glmscope-conform-wrong"


def refused(response: Response, status: int, code: str, what: str) -> None:
    """An error as SDK callers see it."""
    equal((response.status, response.code), (status, code), what)
    expect(response.message and isinstance(response.message, str), f"{what}: no message")
    expect(response.request_id, f"{what}: no request_id")


@sdk(6)
def wrong_key(sdk: Sdk) -> None:
    for stream in (False, True):
        (response,) = sdk.responses(prompt="x", api_key=_WRONG, stream=stream)
        refused(response, 401, "InvalidApiKey", f"wrong key, {stream=}")


@sdk(48)
def before_a_stream(sdk: Sdk) -> None:
    for asked, status, code in (
        ({"model": "none"}, 404, "ModelNotFound"),
        ({"top_p": 7.5}, 400, "InvalidParameter"),
    ):
        (response,) = sdk.responses(prompt="x", stream=True, **asked)
        refused(response, status, code, f"stream with {asked}")


@sdk(48, needs_script=True)
def failing_before_a_stream(sdk: Sdk) -> None:
    (response,) = sdk.responses(prompt=FAIL_AT_ONCE, stream=True, **GREEDY)
    refused(response, 500, "InternalError.Algo", "failure before the first token")


@sdk(49, needs_script=True)
def inside_a_stream(sdk: Sdk) -> None:
    responses = sdk.responses(prompt=FAIL_LATER, stream=True, **GREEDY)
    last = responses[-1]
    equal(last.code, "InternalError.Algo", "code of the last response")
    expect(last.message and last.status != 200, f"message {last.message!r}, status {last.status}")
    if sdk.lane is sdk.lane.PYTHON:  # Java's error may overtake queued chunks
        expect(len(responses) > 3, "no text before the error")
    expect(all(response.ok for response in responses[:-1]), "an error that is not the last")
