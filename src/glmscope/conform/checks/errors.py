"""Refusals on plain HTTP. Sections 5.4 and 7."""

from __future__ import annotations

import re
from collections.abc import Iterator

from glmscope.conform.check import equal, expect, wire
from glmscope.conform.checks.doors import is_error
from glmscope.conform.checks.inputs import good
from glmscope.conform.http import Answer
from glmscope.conform.script import FAIL_AT_ONCE, FAIL_LATER
from glmscope.conform.target import GENERATION, STREAM, Target, body

_TRACE = re.compile(r"Traceback|\.py\b|File \"|line \d+|site-packages|/usr/|/home/|Error\(|<class ")
_HUGE = 32 * 1024 * 1024


@wire(63)
def refused_at_the_door(target: Target) -> None:
    asynchronous = target.ask(body("x"), {"X-DashScope-Async": "enable"})
    is_error(asynchronous, 403, "AccessDenied", "X-DashScope-Async")
    for path in (
        "/api/v1/tasks/0000",
        "/api/v1/services/aigc/text-generation/generations",
        "/api/v1/services/embeddings/text-embedding/text-embedding",
        "/api/v1/deployments",
        "/api/v1/files",
        "/api/v1/nothing",
        "/nothing/at/all",
    ):
        is_error(target.get(path), 404, "NotFound", path)
        is_error(target.ask(body("x"), path=path), 404, "NotFound", f"POST {path}")
    for method in ("GET", "PUT", "DELETE"):
        refused = target.ask(b"", path=GENERATION, method=method)
        is_error(refused, 405, "MethodNotAllowed", method)


@wire(64)
def bodies(target: Target) -> None:
    for what, sent in (
        ("broken JSON", b'{"model": "chatglm3-6b", '),
        ("a JSON array", b"[1, 2]"),
        ("a JSON string", b'"x"'),
        ("an empty body", b""),
        ("bytes that are not UTF-8", b'{"model": "\xff\xfe"}'),
        ("NaN", b'{"model": NaN}'),
        ("deep nesting", b'{"model":' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
    ):
        found = target.ask(sent)
        is_error(found, 400, str(found.json.get("code")), what)
        expect(found.json["code"].startswith(("BadRequest", "InvalidParameter")), f"{what}: code")
    _too_large(target)
    good(target.generate("still there?", max_tokens=2), "after bad bodies")


def _too_large(target: Target) -> None:
    with target.connect() as connection:
        declared = {**target.headers(), "Content-Length": str(_HUGE)}
        connection.send("POST", GENERATION, declared, b"{")
        is_error(connection.answer(), 413, "BadRequest.TooLarge", "a body of 32 MiB")


def _mistakes(target: Target) -> Iterator[Answer]:
    yield target.ask(b"{")
    yield target.ask({"model": "../../etc/passwd", "input": {"prompt": "x"}})
    yield target.ask(body("x"), {"Authorization": f"Bearer {target.key}x"})
    yield target.ask(body("x", top_p="$(id)"))
    yield target.ask(body([{"role": "user", "content": {"a": 1}}]))
    yield target.get("/api/v1/../../etc/passwd")
    yield target.ask(b"", method="DELETE")
    yield target.ask(body(FAIL_AT_ONCE))
    yield target.ask(body(FAIL_LATER), STREAM)


@wire(66, needs_script=True)
def nothing_leaks(target: Target) -> None:
    for answer in _mistakes(target):
        text = answer.body.decode("utf-8")
        expect(not _TRACE.search(text), f"looks like a trace: {text[:200]}")
        expect(target.key not in text, "the key in an error text")
    equal(target.ask(body(FAIL_AT_ONCE)).status, 500, "a failure before the first token")
