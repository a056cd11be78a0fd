"""Frames that are none, too large, in pieces, or beside a task."""

from __future__ import annotations

import json

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.frames import CloseCode

from glmscope.server.settings import ServerSettings
from tests.server.support import WAIT, RunningServer, eventually, serving
from tests.server.websocket_client import ANSWER, fragments, further_input, run_task, websocket


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ("", "BadRequest.IllegalInput"),
        ("{", "BadRequest.IllegalInput"),
        ("[1, 2]", "BadRequest.IllegalInput"),
        ('{"header": NaN}', "BadRequest.IllegalInput"),
        ("[" * 100_000, "BadRequest.IllegalInput"),
        (b"\x00\xff", "BadRequest.IllegalInput"),
        ("{}", "InvalidParameter"),
        ('{"header": "run-task"}', "InvalidParameter"),
        ('{"header": {}}', "InvalidParameter"),
        ('{"header": {"action": ["run-task"], "task_id": 7}}', "InvalidParameter"),
        ('{"header": {"action": "fly", "task_id": "x"}}', "InvalidParameter"),
        ('{"header": {"action": "run-task", "task_id": "\\ud800"}}', "InvalidParameter"),
        ('{"header": {"action": "run-task"}}', "InvalidParameter"),
    ],
)
def test_nonsense_is_refused_and_the_connection_goes_on(
    server: RunningServer, frame: str | bytes, code: str
) -> None:
    with websocket(server) as client:
        client.send(frame)
        failed = client.receive()["header"]
        assert (failed["event"], failed["error_code"]) == ("task-failed", code)
        assert isinstance(failed["task_id"], str)
        assert client.run().texts[-1] == ANSWER


@pytest.mark.parametrize("frame", [b"\xff\xfe", [b"\xe4", b"abc"]], ids=["whole", "fragments"])
def test_text_that_is_not_utf_8_ends_only_its_connection(
    server: RunningServer, frame: bytes | list[bytes], caplog: pytest.LogCaptureFixture
) -> None:
    with websocket(server) as client:
        client.connection.send(frame, text=True)
        with pytest.raises(ConnectionClosed) as closed:
            client.receive()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == CloseCode.INVALID_DATA
    assert caplog.records == []  # a client's mistake, nothing that went wrong here
    with websocket(server) as client:
        assert client.run().texts[-1] == ANSWER


def test_frames_that_are_too_large() -> None:
    settings = ServerSettings(max_body_bytes=5_000)
    with serving(settings=settings) as own:
        with websocket(own) as client:
            client.send(run_task("x" * 5_000))
            assert client.until_over().error == "BadRequest.TooLarge"
            assert client.run().texts[-1] == ANSWER
            client.send(run_task("x" * 20_000))
            with pytest.raises(Exception, match="1009"):
                client.receive()
        with websocket(own) as client:
            assert client.run().texts[-1] == ANSWER


def test_fragmented_frames(server: RunningServer) -> None:
    with websocket(server) as client:
        prompt = "in pieces, 一块一块 😀"
        client.send(fragments(json.dumps(run_task(prompt), ensure_ascii=False), 3))
        assert client.until_over().texts[-1] == f"\n You said: {prompt}"


def test_further_input_is_ignored(server: RunningServer) -> None:
    with websocket(server) as client:
        client.send(further_input("finish-task", "unknown"))
        client.send(run_task("slow", "duplex", task_id="first", max_tokens=10))
        assert client.receive()["header"]["event"] == "task-started"
        client.send(further_input("continue-task", "first"))
        client.send(further_input("finish-task", "first"))
        assert client.until_over().events[-1] == "task-finished"
        client.send(further_input("finish-task", "first"))
        assert client.run().texts[-1] == ANSWER


def test_pings_are_answered_while_a_task_runs(server: RunningServer) -> None:
    with websocket(server) as client:
        client.send(run_task("endless silence"))
        assert client.receive()["header"]["event"] == "task-started"
        assert eventually(lambda: server.running() == 1)
        assert client.connection.ping().wait(WAIT)
        assert server.running() == 1
