"""The younger classes of the Python SDK. Sections 5.3 and 7."""

from __future__ import annotations

from typing import Any

from glmscope.conform.check import MismatchError, equal, expect, sdk
from glmscope.conform.checks.sdk_errors import refused
from glmscope.conform.script import FAIL_LATER
from glmscope.conform.sdk.response import joined
from glmscope.conform.sdk.sdk import Sdk, SdkRaisedError
from glmscope.conform.target import CHATGLM3, GREEDY, user

_QUESTION = "Say a few words."
_SHORT = {"max_tokens": 24}


@sdk(50)
def client(sdk: Sdk) -> None:
    sdk.need("Client")
    plain = sdk.call(prompt=_QUESTION, **GREEDY, **_SHORT).text
    for asynchronous in (False, True):
        (answer,) = _create(sdk, asynchronous)
        equal(answer["content"], plain, "text")
        chunks = _create(sdk, asynchronous, stream=True)
        equal("".join(chunk["content"] for chunk in chunks), plain, "deltas joined")
        expect(len(chunks) > 2, "one delta")
        for asked, kind in (
            ({"model": "none"}, "NotFoundError"),
            ({"top_p": 7.5}, "BadRequestError"),
        ):
            _raises(sdk, asynchronous, kind, **asked)


@sdk(50, needs_script=True)
def client_meets_failure(sdk: Sdk) -> None:
    sdk.need("Client")
    for asynchronous in (False, True):
        failing = {"messages": [user(FAIL_LATER)], "max_tokens": 40}
        # Inside a stream it goes by the code alone, and has no class for this one.
        raised = _raises(sdk, asynchronous, "DashScopeError", stream=True, **failing)
        equal(raised.code, "InternalError.Algo", "code of what was raised")


def _create(sdk: Sdk, asynchronous: bool, *, stream: bool = False, **asked: Any) -> Any:
    arguments = {"model": CHATGLM3, "messages": [user(_QUESTION)], **GREEDY, **_SHORT, **asked}
    return sdk.ask(
        "create",
        protocol="dashscope",
        asynchronous=asynchronous,
        stream=stream,
        arguments=arguments,
    )


def _raises(sdk: Sdk, asynchronous: bool, kind: str, **asked: Any) -> SdkRaisedError:
    try:
        _create(sdk, asynchronous, **asked)
    except SdkRaisedError as raised:
        expect(kind in raised.kinds, f"{raised.kinds[0]} raised, wanted {kind}")
        return raised
    raise MismatchError(f"nothing raised, wanted {kind}")


@sdk(51)
def aio_generation(sdk: Sdk) -> None:
    sdk.need("AioGeneration")
    asked = {"prompt": _QUESTION, **GREEDY, **_SHORT}
    plain = sdk.call(**asked).text
    equal(sdk.call(transport="async", **asked).text, plain, "plain")
    equal(sdk.stream(transport="async", **asked)[-1].text, plain, "cumulative")
    for form in ("text", "message"):
        how = {"incremental_output": True, "result_format": form}
        equal(joined(sdk.stream(transport="async", **asked, **how)), plain, f"incremental {form}")
    (response,) = sdk.responses(transport="async", stream=True, prompt="x", top_p=7.5)
    refused(response, 400, "InvalidParameter", "error before a stream")


@sdk(51, needs_script=True)
def aio_generation_meets_failure(sdk: Sdk) -> None:
    sdk.need("AioGeneration")
    last = sdk.responses(transport="async", stream=True, prompt=FAIL_LATER, **GREEDY)[-1]
    equal(last.code, "InternalError.Algo", "code of the last response")
