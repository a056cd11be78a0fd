"""Frames that nobody should send: each is answered in words or ignored, the next task is run."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed

from tests.hard.hostile import GOOD, JSON, RAW, spoiled
from tests.server.support import GENERATION, RunningServer, eventually, service_with, serving
from tests.server.websocket_client import run_task, websocket

QUICK = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
TASK_ID = "a-task"


@pytest.fixture(scope="module")
def running() -> Iterator[RunningServer]:
    with serving(service_with({"rules": [{"reply": "ok {question}"}]})) as server:
        yield server


@pytest.fixture
def server(running: RunningServer) -> Iterator[RunningServer]:
    yield running
    with websocket(running) as client:
        assert client.run("still there").texts[-1] == "ok still there"
    assert eventually(lambda: running.running() == 0)


def survives(server: RunningServer, *frames: str | bytes | list[str]) -> None:
    """The same connection still runs a task, and no frame was answered as a failure of ours."""
    with websocket(server) as client:
        for frame in frames:
            client.send(frame)
        told: list[dict[str, Any]] = []
        # While a spoiled task is running, a second one is refused: ask until it is over.
        for _ in range(100):
            last = client.run("marker")
            told += last.frames
            if "ok marker" in str(last.results):
                break
            time.sleep(0.01)
        else:
            raise AssertionError("the task was never run")
    codes = {frame["header"].get("error_code") for frame in told}
    assert not {code for code in codes if code and code.startswith("InternalError")}


@pytest.mark.parametrize("name", RAW)
def test_raw_frames(server: RunningServer, name: str) -> None:
    frame = RAW[name]
    survives(server, frame, frame.decode("utf-8", "replace"))


def test_fragments(server: RunningServer) -> None:
    survives(server, list(json.dumps(run_task("in pieces", "out"))))


@QUICK
@given(frames=st.lists(JSON, max_size=3))
def test_any_json(server: RunningServer, frames: list[object]) -> None:
    survives(server, *map(json.dumps, frames))


@QUICK
@given(body=spoiled(GENERATION), streaming=st.sampled_from(["none", "out", "in", "duplex"]))
def test_spoiled_tasks(server: RunningServer, body: object, streaming: str) -> None:
    header = {"action": "run-task", "task_id": TASK_ID, "streaming": streaming}
    survives(server, json.dumps({"header": header, "payload": body}))


@QUICK
@given(
    header=st.fixed_dictionaries(
        {"action": st.sampled_from(["run-task", "continue-task", "finish-task"]) | JSON},
        optional={"task_id": JSON, "streaming": JSON, "attributes": JSON},
    )
)
def test_spoiled_headers(server: RunningServer, header: dict[str, object]) -> None:
    survives(server, json.dumps({"header": header, "payload": GOOD[GENERATION]}))


@pytest.mark.parametrize("text", [True, False], ids=["text", "binary"])
def test_too_large_a_frame(server: RunningServer, text: bool) -> None:
    frame = b" " * 9 * 1024 * 1024
    with websocket(server) as client, pytest.raises(ConnectionClosed):
        client.send(frame.decode() if text else frame)
        client.receive()
