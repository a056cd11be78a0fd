"""What reaches standard error: from us, from libraries, from asyncio; and what does not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

PROGRAM = """
import asyncio, gc, logging, sys
import structlog
from glmscope.errors import ModelFilesError
from glmscope.server.logs import configure_logs

configure_logs(texts="--texts" in sys.argv)

def fail():
    raise ValueError("private words")

def fail_ourselves():
    try:
        fail()
    except ValueError as error:
        raise ModelFilesError("our own words") from error

ours, theirs = structlog.get_logger("glmscope.ours"), logging.getLogger("theirs")
for log in (ours, theirs):
    try:
        fail_ourselves()
    except ModelFilesError:
        log.exception("it failed")
ours.info("one\\nline", path="/a\\nb")
theirs.info("too fine to be logged")

async def main():
    task = asyncio.create_task(asyncio.to_thread(fail))
    await asyncio.sleep(0.1)
    asyncio.get_running_loop().call_soon(lambda words: fail(), "private words")
    await asyncio.sleep(0.1)
    del task
    gc.collect()

asyncio.run(main())
"""


def logged(*options: str) -> tuple[str, list[dict[str, Any]]]:
    """The raw log and its lines."""
    command = [sys.executable, "-c", PROGRAM, *options]
    result = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=30, check=True)
    assert result.stdout == ""
    return result.stderr, [json.loads(line) for line in result.stderr.splitlines()]


def test_every_line_is_an_object_whoever_wrote_it() -> None:
    raw, lines = logged()
    assert [line["event"] for line in lines] == [
        "it failed",
        "it failed",
        "one\nline",
        "Exception in callback main.<locals>.<lambda>",
        "Task exception was never retrieved",
    ]
    assert [line["level"] for line in lines] == ["error", "error", "info", "error", "error"]
    assert all(line["timestamp"].endswith("Z") for line in lines)
    assert [line.get("logger") for line in lines[:2]] == [None, "theirs"]
    assert lines[2]["path"] == "/a\nb"
    assert "too fine" not in raw


def test_failures_are_told_by_kind_and_place() -> None:
    raw, lines = logged()
    for line in lines[:2]:
        failure = line["failure"]
        assert failure["error"] == "ModelFilesError"
        assert failure["message"] == "our own words"
        assert failure["at"][-1].endswith("fail_ourselves")
        assert failure["cause"]["error"] == "ValueError"
        assert failure["cause"]["at"][-1].endswith(" fail")
    assert [line["failure"]["error"] for line in lines[3:]] == ["ValueError", "ValueError"]
    assert "private words" not in raw


def test_with_texts_exceptions_speak() -> None:
    _raw, lines = logged("--texts")
    assert "ValueError: private words" in lines[0]["exception"]
    assert "ValueError: private words" in lines[1]["exception"]
    assert "private words" in lines[3]["event"]


@pytest.mark.skipif(os.name != "posix", reason="needs a pseudo-terminal")
def test_a_terminal_is_not_steered_by_what_a_client_sent() -> None:
    program = """
import structlog
from glmscope.server.logs import configure_logs
configure_logs()
structlog.get_logger().info("request", path="/\\x1b]0;title\\x07")
"""
    ours, theirs = os.openpty()
    subprocess.run([sys.executable, "-c", program], stderr=theirs, timeout=30, check=True)
    os.close(theirs)
    shown = os.read(ours, 10_000).decode()
    os.close(ours)
    assert "request" in shown
    assert r"/\x1b]0;title\x07" in shown
    assert "\x1b]0;" not in shown
