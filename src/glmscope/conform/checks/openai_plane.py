"""The OpenAI-compatible plane. Section 8."""

from __future__ import annotations

import json
from typing import Any

from glmscope.conform.check import MismatchError, equal, expect, sdk, wire
from glmscope.conform.checks.inputs import good
from glmscope.conform.http import Answer
from glmscope.conform.script import CHOOSE
from glmscope.conform.sdk.sdk import Sdk, SdkRaisedError
from glmscope.conform.target import CHATGLM3, Target, text_of, user

_CHAT = "/compatible-mode/v1/chat/completions"
_MODELS = "/compatible-mode/v1/models"
_SAMPLING: dict[str, Any] = {"temperature": 1.0, "seed": 20231128, "max_tokens": 20}
_ASKED: dict[str, Any] = {"model": CHATGLM3, "messages": [user(CHOOSE)], **_SAMPLING}


def _body(**fields: Any) -> dict[str, Any]:
    return {**_ASKED, **fields}


def _chunks(answer: Answer) -> list[Any]:
    lines = [line for line in answer.body.decode("utf-8").split("\n") if line]
    expect(all(line.startswith(("data: ", ":")) for line in lines), "lines without `data: `")
    data = [line.removeprefix("data: ") for line in lines if not line.startswith(":")]
    equal(data[-1], "[DONE]", "the last line")
    return [json.loads(each) for each in data[:-1]]


@wire(67)
def openai_raw(target: Target) -> None:
    plain = good(target.ask(_body(), path=_CHAT), "plain").json
    equal(plain["object"], "chat.completion", "object")
    expect(plain["id"].startswith("chatcmpl-"), f"id {plain['id']}")
    (choice,) = plain["choices"]
    expect(choice["finish_reason"] in ("stop", "length"), "finish_reason")
    native = target.generate(CHOOSE, **_SAMPLING)
    equal(choice["message"]["content"], text_of(native), "text beside the native plane's")
    counts = plain["usage"]
    total = counts["prompt_tokens"] + counts["completion_tokens"]
    equal(counts["total_tokens"], total, "total_tokens")
    _streams(target, choice["message"]["content"])
    _errors_and_models(target)


def _streams(target: Target, text: str) -> None:
    chunks = _chunks(good(target.ask(_body(stream=True), path=_CHAT), "stream"))
    deltas = [chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks]
    equal("".join(deltas), text, "streamed text")
    reasons = [chunk["choices"][0]["finish_reason"] for chunk in chunks]
    expect(set(reasons[:-1]) == {None} and reasons[-1], f"finish reasons {reasons}")
    expect(all(not chunk.get("usage") for chunk in chunks), "usage that nobody asked for")
    counted = _body(stream=True, stream_options={"include_usage": True})
    last = _chunks(good(target.ask(counted, path=_CHAT), "include_usage"))[-1]
    equal(last["choices"], [], "choices of the chunk with usage")
    expect(last["usage"]["completion_tokens"] > 0, "no usage in the last chunk")


def _errors_and_models(target: Target) -> None:
    for what, answer, status, code in (
        ("an unknown model", target.ask(_body(model="none"), path=_CHAT), 404, "model_not_found"),
        (
            "a wrong key",
            target.ask(_body(), {"Authorization": "Bearer wrong"}, path=_CHAT),
            401,
            "invalid_api_key",
        ),
        (
            "a wrong range",
            target.ask(_body(top_p=7), path=_CHAT),
            400,
            "invalid_parameter_error",
        ),
    ):
        equal(answer.status, status, what)
        error = answer.json["error"]
        equal(error["code"], code, what)
        expect({"message", "type", "param"} <= set(error), f"{what}: fields {sorted(error)}")
    listed = good(target.get(_MODELS), "models").json
    equal(listed["object"], "list", "object of models")
    expect(CHATGLM3 in [model["id"] for model in listed["data"]], f"{CHATGLM3} is not listed")


@sdk(67)
def openai_completions(sdk: Sdk) -> None:
    sdk.need("Completions")
    native = sdk.call(prompt=CHOOSE, **_SAMPLING).text
    # It has no argument for a seed.
    asked = {name: _ASKED[name] for name in _ASKED if name != "seed"}
    answer = sdk.ask("complete", arguments={**asked, "extra_body": {"seed": _ASKED["seed"]}})
    equal(answer["content"], native, "text")


@sdk(67)
def openai_client(sdk: Sdk) -> None:
    if "Client" not in sdk.classes:
        return
    native = sdk.call(prompt=CHOOSE, **_SAMPLING).text
    for stream in (False, True):
        for asynchronous in (False, True):
            messages = _create(sdk, stream, asynchronous, _ASKED)
            text = "".join(message["content"] for message in messages)
            equal(text, native, f"text, {stream=}, {asynchronous=}")
    try:
        _create(sdk, False, False, {**_ASKED, "model": "none"})
    except SdkRaisedError as raised:
        expect("NotFoundError" in raised.kinds, f"raised {raised.kinds[0]}")
    else:
        raise MismatchError("an unknown model raised nothing")


def _create(sdk: Sdk, stream: bool, asynchronous: bool, arguments: dict[str, Any]) -> Any:
    return sdk.ask(
        "create",
        protocol="openai",
        stream=stream,
        asynchronous=asynchronous,
        arguments=arguments,
    )
