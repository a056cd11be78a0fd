"""Paths, keys and headers on plain HTTP. Sections 1 and 2."""

from __future__ import annotations

import json
import re
from typing import Any

from glmscope.conform.check import equal, expect, wire
from glmscope.conform.http import Answer
from glmscope.conform.target import CHATGLM3, GENERATION, SHORT, Target, body, text_of

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_QUESTION = "conform: who answers"


def is_error(answer: Answer, status: int, code: str, what: str) -> Any:
    """The error body of section 7, with a UUID that the header repeats; returns the body."""
    equal((answer.status, answer.json.get("code")), (status, code), what)
    expect(
        answer.headers.get("content-type", "").startswith("application/json"),
        f"{what}: Content-Type {answer.headers.get('content-type')}",
    )
    found = answer.json
    for name in ("message", "request_id"):
        expect(isinstance(found.get(name), str) and found[name], f"{what}: no {name}")
    expect(_UUID.fullmatch(found["request_id"]), f"{what}: request_id {found['request_id']}")
    equal(answer.headers.get("x-request-id"), found["request_id"], f"{what}: x-request-id")
    return found


@wire(3)
def paths(target: Target) -> None:
    question = body(_QUESTION, **SHORT)
    for path in (GENERATION, GENERATION + "/", GENERATION.replace("/services", "//services")):
        answer = target.ask(question, path=path)
        equal(answer.status, 200, f"POST {path}")
    is_error(target.get(GENERATION), 405, "MethodNotAllowed", "GET on generation")


@wire(4)
def schemes(target: Target) -> None:
    question = body(_QUESTION, **SHORT)
    for scheme in ("Bearer", "bearer", "BEARER"):
        answer = target.ask(question, {"Authorization": f"{scheme} {target.key}"})
        equal(answer.status, 200, f"scheme {scheme}")
    for scheme in ("Basic", "Token"):
        answer = target.ask(question, {"Authorization": f"{scheme} {target.key}"})
        is_error(answer, 401, "InvalidApiKey", f"scheme {scheme}")


@wire(5)
def no_key(target: Target) -> None:
    answer = target.ask(body(_QUESTION), {"Authorization": ""})
    is_error(answer, 401, "InvalidApiKey", "no key")


@wire(7)
def header_names(target: Target) -> None:
    raw = json.dumps(body(_QUESTION, **SHORT)).encode()
    for change in (str.upper, str.lower):
        names = {change("Authorization"): f"Bearer {target.key}"}
        names[change("Content-Type")] = "application/json"
        names[change("X-DashScope-SSE")] = "enable"
        names[change("X-DashScope-WorkSpace")] = "anywhere"
        names["X-Nobody-Knows-This"] = "1"
        with target.connect() as connection:
            connection.send("POST", GENERATION, names, raw)
            answer = connection.answer()
        equal(answer.status, 200, "odd header names")
        kind = answer.headers.get("content-type", "")
        expect(kind.startswith("text/event-stream"), f"not seen as a stream: {kind}")


@wire(8)
def encodings(target: Target) -> None:
    question = {"model": CHATGLM3, "input": {"prompt": "写一个字😀"}, "parameters": SHORT}
    escaped = json.dumps(question).encode()
    raw = json.dumps(question, ensure_ascii=False).encode("utf-8")
    answers = [
        target.ask(sent, {"Content-Type": kind})
        for sent in (escaped, raw)
        for kind in ("application/json", "application/json; charset=utf-8")
    ]
    for answer in answers:
        equal(answer.status, 200, "status")
    found = {(text_of(answer), str(answer.json["usage"])) for answer in answers}
    equal(len(found), 1, "different answers to one question in four spellings")
