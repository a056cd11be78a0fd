"""Every family of checks notices a server that breaks its rule."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from glmscope.conform.check import CHECKS, Lane
from glmscope.conform.checks import register_all
from glmscope.conform.run import Outcome, run_one
from glmscope.conform.script import LONG, SILENCE, script_text
from glmscope.conform.sdk.python import PythonSdk
from glmscope.conform.target import Target
from glmscope.server.app import create_app
from glmscope.server.settings import ServerSettings
from glmscope.store.database import open_database
from glmscope.store.keys import KeyStore
from tests.conform.mutation import (
    AtEnd,
    Blind,
    Holding,
    Mutating,
    Mutation,
    OnBytes,
    OnFrame,
    OnJson,
    OnRequest,
    OnStart,
)
from tests.server import support

register_all()

# Small enough that a crowd of clients is soon one; silences shorter than the script's own.
SETTINGS = ServerSettings(max_running=64, max_waiting=8, keep_alive_seconds=0.1)

BUSY_TRIES = 3


def rules() -> Any:
    """The conformance script with silences and long replies that tests can wait for."""
    script = json.loads(script_text())
    by_question = {str(rule.get("match")): rule for rule in script["rules"]}
    by_question[SILENCE]["delay_ms"] = 400
    by_question[LONG]["repeat"] = 12
    return script


def breakable_app(*arguments: Any, **options: Any) -> FastAPI:
    app = create_app(*arguments, **options)
    app.add_middleware(Mutating)
    return app


@pytest.fixture(scope="module")
def target(store: Path) -> Iterator[Target]:
    with pytest.MonkeyPatch.context() as patch, open_database(store) as database:
        patch.setattr(support, "create_app", breakable_app)
        with support.serving(support.service_with(rules()), KeyStore(database), SETTINGS) as server:
            yield Target.at(server.url, str(server.key))


@pytest.fixture(scope="module")
def sdk(target: Target) -> Iterator[PythonSdk]:
    pytest.importorskip("dashscope")
    with PythonSdk(target, Path(sys.executable)) as running:
        yield running


@pytest.fixture(autouse=True)
def unbroken() -> Iterator[None]:
    yield
    Mutating.current = Mutation()


def outcome(number: int, lane: Lane, subject: Any) -> tuple[Outcome, str]:
    group = [check for check in CHECKS if (check.number, check.lane) == (number, lane)]
    assert group
    # A check that could not bring about what it looks at, on a busy machine, is tried again.
    for _ in range(BUSY_TRIES):
        found, said = run_one(group, subject, plays_script=True)
        if found is not Outcome.SKIPPED:
            break
    return found, said


def fails(number: int, lane: Lane, subject: Any, mutation: Mutation, reason: str) -> None:
    """The check passes on the unbroken server, and fails for this very reason on the broken."""
    assert outcome(number, lane, subject) == (Outcome.PASSED, "")
    Mutating.current = mutation
    found, said = outcome(number, lane, subject)
    assert found is Outcome.FAILED
    assert re.search(reason, said), said


def edit(path: str, value: Any) -> Any:
    """A change that sets what stands at `path` (a.b.0.c), where it is there."""

    def change(document: Any) -> Any:
        *way, last = path.split(".")
        place = document
        for name in way:
            try:
                place = place[int(name) if isinstance(place, list) else name]
            except (KeyError, IndexError, TypeError):
                return document
        if isinstance(place, dict) and callable(value) and last in place:
            place[last] = value(place[last])
        elif isinstance(place, dict) and not callable(value):
            place[last] = value
        return document

    return change


def drop(*names: str) -> Any:
    """A change that takes parameters or inputs out of a request."""

    def change(document: Any) -> Any:
        for part in ("parameters", "input"):
            for name in names:
                document.get(part, {}).pop(name, None)
        return document

    return change


def status(old: int, new: int) -> Mutation:
    return OnStart(lambda found, headers: (new if found == old else found, headers))


def header(name: str, value: str | None) -> Mutation:
    def change(found: int, headers: dict[str, str]) -> tuple[int, dict[str, str]]:
        kept = {each: headers[each] for each in headers if each != name}
        return found, kept if value is None else {**kept, name: value}

    return OnStart(change)


def replace(old: bytes, new: bytes) -> Mutation:
    return OnBytes(lambda data: data.replace(old, new))


def without_system(document: Any) -> Any:
    messages = document.get("input", {}).get("messages", [])
    messages[:] = [message for message in messages if message["role"] != "system"]
    return document


def first_part(document: Any) -> Any:
    for message in document["input"].get("messages", []):
        if isinstance(message["content"], list):
            message["content"] = message["content"][:1]
    return document


def one_token_without_parameters(document: Any) -> Any:
    if document.get("parameters") is None:
        document["parameters"] = {"max_tokens": 1}
    return document


def one_token_for_the_unknown(document: Any) -> Any:
    if "nobody_knows_this" in document["parameters"]:
        document["parameters"]["max_tokens"] = 1
    return document


def only(event: str, change: Any) -> Mutation:
    return OnFrame(lambda frame: change(frame) if frame["header"]["event"] == event else frame)


RAW = [
    pytest.param(3, status(405, 404), "405", id="wrong verb"),
    pytest.param(4, status(401, 403), "403", id="other schemes forbidden"),
    pytest.param(5, header("x-request-id", "other"), "x-request-id", id="other request id"),
    pytest.param(5, OnJson(edit("request_id", "1234")), "request_id 1234", id="no UUID"),
    pytest.param(7, status(200, 400), "400", id="headers refused"),
    pytest.param(11, OnRequest(drop("history")), "history", id="history dropped"),
    pytest.param(13, OnRequest(drop("messages")), "both", id="the prompt wins"),
    pytest.param(14, replace(b"BadRequest.EmptyInput", b"InvalidParameter"), "no input", id="code"),
    pytest.param(15, status(404, 400), "unknown model", id="unknown model is 400"),
    pytest.param(16, OnRequest(one_token_without_parameters), "{}", id="null is not {}"),
    pytest.param(17, OnRequest(one_token_for_the_unknown), "unknown", id="unknown name matters"),
    pytest.param(18, OnRequest(drop("top_p")), "top_p=0", id="range not checked"),
    pytest.param(18, replace(b"top_p", b"something"), "named", id="parameter not named"),
    pytest.param(24, OnRequest(drop("stop")), "stop 'HALT'", id="stop text shown"),
    pytest.param(28, OnRequest(first_part), "parts", id="one part of several"),
    pytest.param(31, replace(b"[1, 6000]", b"[1, 10]"), "range not named", id="other range"),
    pytest.param(32, OnRequest(without_system), "system message", id="system cut away"),
    pytest.param(33, OnRequest(drop("history")), "history", id="ChatGLM2 without history"),
    pytest.param(35, OnRequest(drop("enable_search")), "enable_search", id="search ignored"),
    pytest.param(36, header("content-type", "text/plain"), "stream with", id="stream type"),
    pytest.param(37, replace(b"event:", b"event: "), "no event", id="space after colon"),
    pytest.param(37, replace(b"\n", b"\r\n"), "no event", id="CRLF"),
    pytest.param(37, replace(b"id:1\n", b"id:0\n"), "ids", id="ids from 0"),
    pytest.param(38, header("content-encoding", "gzip"), "encoded", id="compressed"),
    pytest.param(38, header("cache-control", None), "no-cache", id="cached"),
    pytest.param(43, replace(b'"null"', b"null"), "running chunks", id="JSON null"),
    pytest.param(44, OnJson(edit("usage.output_tokens", 1.5)), "integers", id="count is a float"),
    pytest.param(44, header("x-request-id", "other"), "x-request-id", id="id of a stream"),
    pytest.param(45, Holding(), "first chunk", id="stream held back"),
    pytest.param(46, replace("𠮷".encode(), b"\xef\xbf\xbd"), "U\\+FFFD", id="cut characters"),
    pytest.param(47, AtEnd(b"data:[DONE]\n\n"), "DONE", id="DONE"),
    pytest.param(52, Blind(), "no slot", id="slots never freed"),
    pytest.param(53, replace(b":keep-alive\n\n", b""), "without a comment", id="no comment"),
    pytest.param(63, header("content-type", "text/html"), "Content-Type", id="HTML error"),
    pytest.param(63, OnBytes(lambda _data: b"<html>"), "not JSON", id="HTML body"),
    pytest.param(64, status(400, 500), "500", id="500 for broken JSON"),
    pytest.param(65, header("retry-after", None), "Retry-After", id="no Retry-After"),
    pytest.param(66, OnJson(edit("message", 'File "a.py", line 3')), "trace", id="trace"),
    pytest.param(67, replace(b"data: [DONE]", b"data: [OVER]"), "last line", id="OpenAI DONE"),
    pytest.param(67, OnJson(edit("usage.total_tokens", 1)), "total_tokens", id="OpenAI total"),
    pytest.param(
        54, only("result-generated", edit("payload.output.text", "x")), "websocket", id="text"
    ),
    pytest.param(
        55,
        only("result-generated", lambda f: None if '"1"' in json.dumps(f) else f),
        "call 1",
        id="lost frame",
    ),
    pytest.param(
        56, only("task-started", lambda f: {"header": f["header"]}), "task-started", id="payload"
    ),
    pytest.param(
        56, only("task-finished", edit("payload.output", "")), "task-finished", id="with output"
    ),
    pytest.param(56, OnFrame(edit("header.task_id", "other")), "task_id", id="other task id"),
    pytest.param(
        57, only("task-failed", edit("header.error_message", "")), "error_message", id="no message"
    ),
    pytest.param(59, only("task-failed", lambda _frame: None), "neither an answer", id="silence"),
]

SDK = [
    pytest.param(1, OnJson(edit("output.index", 0)), "KeyError|keys|Type", id="one more key"),
    pytest.param(6, replace(b"InvalidApiKey", b"Wrong"), "Wrong", id="code of a wrong key"),
    pytest.param(9, replace(b'"finish_reason"', b'"reason"'), "", id="no finish_reason"),
    pytest.param(10, OnRequest(drop("history")), "prompt made of history", id="no history"),
    pytest.param(19, OnRequest(drop("seed")), "seed", id="seed ignored"),
    pytest.param(20, OnRequest(drop("top_k", "temperature")), "greedy|texts", id="never greedy"),
    pytest.param(21, OnRequest(drop("max_tokens")), "tokens", id="no limit"),
    pytest.param(21, replace(b'"length"', b'"stop"'), "reason", id="limit called a stop"),
    pytest.param(23, OnRequest(drop("stop")), "with stop", id="stop ignored"),
    pytest.param(25, OnRequest(drop("presence_penalty")), "presence_penalty", id="penalty ignored"),
    pytest.param(26, OnJson(edit("output.choices.1.index", 0)), "indexes", id="same index twice"),
    pytest.param(
        27,
        OnJson(edit("output.choices.0.logprobs.content.0.bytes", [65])),
        "joined by their bytes",
        id="other bytes",
    ),
    pytest.param(29, replace("\u2028".encode(), b" "), "odd characters", id="U+2028"),
    pytest.param(
        30, OnJson(edit("usage.output_tokens", lambda n: n + 1)), "output tokens", id="end counted"
    ),
    pytest.param(
        39, OnJson(edit("output.text", lambda text: text[-3:])), "does not begin", id="pieces"
    ),
    pytest.param(
        40, OnRequest(drop("incremental_output")), "pieces joined", id="incremental ignored"
    ),
    pytest.param(41, OnRequest(drop("incremental_output")), "begin|last chunk", id="merged twice"),
    pytest.param(
        42, OnJson(edit("output.choices.0.message.content", None)), "content", id="no content"
    ),
    pytest.param(48, status(404, 200), "", id="error with status 200"),
    pytest.param(49, replace(b"event:error", b"event: error"), "TypeError", id="space in error"),
    pytest.param(50, status(404, 500), "InternalServerError", id="class of an exception"),
    pytest.param(51, OnRequest(drop("incremental_output")), "incremental", id="async modes"),
    pytest.param(
        54, only("result-generated", edit("payload.output.text", "x")), "websocket", id="SDK text"
    ),
    pytest.param(57, OnFrame(edit("header.error_code", "X")), "X", id="code over websocket"),
    pytest.param(
        60, OnJson(edit("output.token_ids", lambda ids: ids[1:])), "token", id="a token short"
    ),
    pytest.param(61, OnJson(edit("output.total", 7)), "total", id="total of models"),
    pytest.param(62, OnRequest(drop("history")), "prompt", id="conversation forgotten"),
    pytest.param(67, OnJson(edit("choices.0.message.content", "x")), "text", id="OpenAI text"),
    pytest.param(68, replace(b"question 9,", b"question 8,"), "answer", id="crossed answers"),
]


@pytest.mark.parametrize(("number", "mutation", "reason"), RAW)
def test_a_raw_check_fails(target: Target, number: int, mutation: Mutation, reason: str) -> None:
    fails(number, Lane.WIRE, target, mutation, reason)


@pytest.mark.parametrize(("number", "mutation", "reason"), SDK)
def test_an_sdk_check_fails(sdk: PythonSdk, number: int, mutation: Mutation, reason: str) -> None:
    fails(number, Lane.PYTHON, sdk, mutation, reason)
