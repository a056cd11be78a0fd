"""Who gets a websocket, and what is known about it afterwards."""

from __future__ import annotations

import json
import time
from contextlib import ExitStack
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from glmscope.server import connection as server_connection
from glmscope.server.listener import bind
from glmscope.server.loading import unavailable
from glmscope.server.record import RequestRecord
from glmscope.server.settings import ServerSettings
from glmscope.store.keys import KeyStore
from tests.server.support import (
    Answer,
    Connection,
    RunningServer,
    ask,
    eventually,
    service_with,
    serving,
)
from tests.server.websocket_client import PATH, run_task, websocket

UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


def upgrade(connection: Connection, path: str = PATH, **headers: str) -> Answer:
    """Ask for a websocket that is refused."""
    connection.send(b"", {**UPGRADE, "Content-Length": "", **headers}, path, "GET")
    return connection.answer()


@pytest.mark.parametrize("authorization", ["", "Bearer wrong", "Basic x", "Bearer"])
def test_without_a_key_there_is_no_upgrade(server: RunningServer, authorization: str) -> None:
    with server.connect() as connection:
        answer = upgrade(connection, Authorization=authorization)
    assert answer.error == (401, "InvalidApiKey")
    assert answer.headers["x-request-id"] == answer.json["request_id"]
    assert answer.headers["content-type"] == "application/json"


def test_the_reason_phrase_is_what_java_looks_for(server: RunningServer) -> None:
    """With anything else it tries three times more, ten seconds apart."""
    with server.connect() as connection:
        connection.send(b"", {**UPGRADE, "Authorization": "Bearer wrong"}, PATH, "GET")
        assert connection.socket.recv(100).startswith(b"HTTP/1.1 401 Unauthorized\r\n")


@pytest.mark.parametrize("scheme", ["bearer", "BEARER"])
def test_the_scheme_in_any_case(server: RunningServer, scheme: str) -> None:
    with server.connect() as connection:
        key = {"Authorization": f"{scheme} {server.key}"}
        connection.send(b"", {**UPGRADE, **key}, PATH, "GET")
        assert connection.socket.recv(100).startswith(b"HTTP/1.1 101 ")


def test_a_refused_upgrade_is_no_error_of_the_server(
    server: RunningServer, capfd: pytest.CaptureFixture[str]
) -> None:
    with capture_logs() as logs, server.connect() as connection:
        upgrade(connection, Authorization="Bearer wrong")
        assert eventually(lambda: any(line["event"] == "request" for line in logs))
    assert eventually(lambda: not server.server.server_state.tasks)
    (line,) = [line for line in logs if line["event"] == "request"]
    assert (line["status"], line["wire"], line["error"]) == (401, "websocket", "InvalidApiKey")
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("path", ["/", "/api-ws/v1", "/api-ws/v1/inference/x", "/api/v1/models"])
def test_other_paths_have_no_websocket(server: RunningServer, path: str) -> None:
    with server.connect() as connection:
        assert upgrade(connection, path).error == (404, "NotFound")


def test_without_an_upgrade_there_is_nothing_but_advice(server: RunningServer) -> None:
    with server.connect() as connection:
        for method, error in (("GET", (404, "NotFound")), ("POST", (405, "MethodNotAllowed"))):
            connection.send(b"", path=PATH, method=method)
            answer = connection.answer()
            assert answer.error == error
            assert method == "POST" or "upgrade" in answer.json["message"]
        connection.send(b"", {"Authorization": ""}, PATH, "GET")
        assert connection.answer().error == (401, "InvalidApiKey")


def test_only_so_many_websockets_are_open() -> None:
    with serving(settings=ServerSettings(max_websockets=1)) as own:
        with websocket(own) as client:
            with own.connect() as connection:
                answer = upgrade(connection)
            assert answer.error == (429, "Throttling")
            assert answer.headers["retry-after"] == "5"
            assert client.run().error is None

        def another_may() -> bool:
            with own.connect() as connection:
                connection.send(b"", UPGRADE, PATH, "GET")
                return connection.socket.recv(100).startswith(b"HTTP/1.1 101 ")

        assert eventually(another_may)


def test_one_key_leaves_websockets_to_others(keys: KeyStore) -> None:
    with (
        serving(keys=keys, settings=ServerSettings(max_websockets=4)) as own,
        ExitStack() as opened,
    ):
        for _ in range(3):
            opened.enter_context(websocket(own))
        with own.connect() as connection:
            assert upgrade(connection).error == (429, "Throttling")
        with websocket(replace(own, key=keys.create("another").key)) as client:
            assert client.run().error is None


def test_no_websocket_while_models_are_loaded() -> None:
    with (
        bind("127.0.0.1", 0) as listener,
        unavailable(listener, ServerSettings(), patience=0),
        Connection(listener.getsockname(), None) as connection,
    ):
        answer = upgrade(connection)
    assert answer.error == (503, "ModelUnavailable")
    assert answer.headers["retry-after"] == "5"


def test_a_stopping_server_ends_what_runs_and_takes_nothing_new() -> None:
    with (
        serving() as own,
        websocket(own) as busy,
        websocket(own) as late,
        own.connect() as connection,
    ):
        # The listener closes first, so this connection has to be there already.
        connection.send(b"", path="/healthz", method="GET")
        assert connection.answer().status == 200
        busy.send(run_task("slow", max_tokens=100))
        assert busy.receive()["header"]["event"] == "task-started"
        own.server.stop()
        assert eventually(lambda: late.run().error == "ModelUnavailable")
        answer = upgrade(connection)
        assert answer.error == (503, "ModelUnavailable")
        assert answer.headers["retry-after"] == "5"
        ended = busy.until_over()
        assert ended.events[-1] == "task-finished"
        assert ended.results[-1]["usage"]["output_tokens"] == 100
        with pytest.raises(Exception, match="1012"):
            busy.receive()


def test_a_task_that_outlasts_the_stop_is_told() -> None:
    with serving(settings=ServerSettings(drain_seconds=0.1)) as own, websocket(own) as client:
        client.send(run_task("endless silence"))
        assert client.receive()["header"]["event"] == "task-started"
        own.server.stop()
        assert client.until_over().error == "ModelUnavailable"


def masked_frame(text: str) -> bytes:
    """A text frame of less than 64 KiB as a client sends it, with a mask of zeros."""
    return b"\x81\xfe" + len(text.encode()).to_bytes(2, "big") + bytes(4) + text.encode()


def test_pings_of_a_client_that_does_not_read_do_not_pile_up(server: RunningServer) -> None:
    ping = b"\x89\xfd" + bytes(4 + 125)
    sent = 0
    with server.connect() as connection:
        key = {"Authorization": f"Bearer {server.key}"}
        connection.send(b"", {**UPGRADE, **key}, PATH, "GET")
        assert connection.socket.recv(12).startswith(b"HTTP/1.1 101")
        connection.socket.settimeout(1)
        with pytest.raises(TimeoutError):
            # What is sent ends up in buffers of the kernel, which have an end.
            while sent < 256 * 2**20:
                sent += connection.socket.send(ping * 1000)
        assert sent > 0
    with websocket(server) as client:
        assert client.run().error is None


def test_a_client_that_takes_nothing_of_its_answer_loses_its_place() -> None:
    """As over HTTP, after `write_seconds`."""
    rules = {"rules": [{"reply": "".join(map(str, range(1000)))}]}
    settings = ServerSettings(write_seconds=0.5)
    # Every chunk repeats all log-probabilities: far more in all than the buffers in between hold.
    asked = {"result_format": "message", "logprobs": True, "top_logprobs": 5}
    with serving(service_with(rules), settings=settings) as own, own.connect() as connection:
        connection.send(b"", UPGRADE, PATH, "GET")
        assert connection.socket.recv(12).startswith(b"HTTP/1.1 101")
        connection.socket.sendall(masked_frame(json.dumps(run_task(**asked))))
        assert eventually(lambda: own.running() == 1)
        assert eventually(lambda: own.running() == 0)


@pytest.mark.parametrize("reused", [False, True])
def test_the_time_for_a_request_ends_with_the_handshake(
    reused: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A websocket lives for longer, on a connection of its own or on one that asked before."""
    monkeypatch.setattr(server_connection, "_BODY_GRACE_SECONDS", 0.0)
    settings = ServerSettings(receive_seconds=0.5)
    with serving(settings=settings) as own, own.connect() as connection:
        if reused:
            assert connection.ask(ask()).status == 200
        connection.send(b"", UPGRADE, PATH, "GET")
        assert connection.head()[0] == 101
        time.sleep(1)
        connection.socket.sendall(masked_frame(json.dumps(run_task())))
        assert b"task-started" in connection.socket.recv(1000)


class Notes:
    def __init__(self) -> None:
        self.ended: list[tuple[RequestRecord, int, float]] = []

    def finished(self, record: RequestRecord, status: int, seconds: float) -> None:
        self.ended.append((record, status, seconds))


def test_every_task_is_a_request_with_a_record(keys: KeyStore) -> None:
    notes = Notes()
    with serving(keys=keys, observers=[notes]) as own, websocket(own) as client:
        client.send(run_task(task_id="done"))
        client.until_over()
        client.send(run_task("fail later", "none", task_id="failed"))
        client.until_over()
        client.send("no JSON")
        client.until_over()
        client.send(run_task("slow", task_id="left"))
        client.receive()
        client.receive()
        client.connection.close()
        assert eventually(lambda: len(notes.ended) == 4)
    done, failed, nonsense, left = notes.ended
    assert {record.wire for record, *_ in notes.ended} == {"websocket"}
    assert all(record.key for record, *_ in notes.ended)
    assert (done[1], done[0].request_id, done[0].model) == (200, "done", "chatglm3-6b")
    assert (done[0].stream, done[0].finish_reason, done[0].disconnected) == (True, "stop", False)
    assert done[0].usage
    assert done[0].usage.output_tokens == 10
    assert done[0].first_token_seconds is not None
    assert (failed[1], failed[0].error, failed[0].stream) == (500, "InternalError.Algo", False)
    assert (nonsense[1], nonsense[0].error) == (400, "BadRequest.IllegalInput")
    assert (left[1], left[0].request_id, left[0].disconnected) == (200, "left", True)
    assert left[0].usage
    assert left[0].finish_reason is None


def test_a_client_that_closes_after_its_answer_has_not_left_early(keys: KeyStore) -> None:
    """So does the Python SDK after a plain call, before task-finished."""
    notes = Notes()
    with serving(keys=keys, observers=[notes]) as own, websocket(own) as client:
        client.send(run_task(streaming="none"))
        client.receive()
        client.receive()
        client.connection.close()
        assert eventually(lambda: len(notes.ended) == 1)
    ((record, status, _seconds),) = notes.ended
    assert (status, record.finish_reason, record.disconnected) == (200, "stop", False)


def test_neither_prompt_nor_key_is_logged(keys: KeyStore) -> None:
    prompt = "a very private question"
    with capture_logs() as logs, serving(keys=keys) as own, websocket(own) as client:
        client.run(prompt)
        client.run(f"{prompt} fail later")
        client.run(prompt, top_p=9)
        client.send(prompt)
        client.until_over()
        client.send(run_task(task_id=prompt))
        client.until_over()
    logged = json.dumps(logs)
    assert len([line for line in logs if line["event"] == "request"]) == 5
    assert prompt not in logged
    assert str(own.key) not in logged
