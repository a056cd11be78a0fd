"""Clients that send slowly, read nothing, go away without a word, or do not speak HTTP."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from glmscope.server.settings import ServerSettings
from tests.server.support import (
    GENERATION,
    STREAM,
    WAIT,
    Connection,
    RunningServer,
    ask,
    eventually,
    service_with,
    serving,
)

IMPATIENT = ServerSettings(receive_seconds=0.4, write_seconds=0.4, max_running=2, max_waiting=2)
# More than the kernel's buffers hold of a stream whose every event repeats all text so far.
RULES = {
    "rules": [
        {"match": "long", "reply": [str(7**1500)[:1400]]},
        {"match": "wait", "reply": "never said", "delay_ms": 3_600_000},
        {"reply": "ok {question}"},
    ]
}


@pytest.fixture(scope="module")
def running() -> Iterator[RunningServer]:
    with serving(service_with(RULES), settings=IMPATIENT) as server:
        yield server


@pytest.fixture
def server(running: RunningServer) -> Iterator[RunningServer]:
    """Whatever a client did, the server answers the next one and has let go of everything."""
    yield running
    answer = running.ask(ask("still there"))
    assert answer.status == 200, answer.json
    assert answer.json["output"]["text"] == "ok still there"
    assert eventually(lambda: not running.server.server_state.connections)
    assert eventually(lambda: not running.server.server_state.tasks)
    assert running.running() == 0


def head(length: int, path: str = GENERATION) -> bytes:
    return b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % (path.encode(), length)


def dribble(connection: Connection, data: bytes, seconds: float = WAIT) -> None:
    """One byte at a time, as long as the server takes them."""
    deadline = time.monotonic() + seconds
    for byte in data:
        connection.socket.sendall(bytes([byte]))
        time.sleep(0.02)
        assert time.monotonic() < deadline


def test_a_connection_that_says_nothing_is_closed(server: RunningServer) -> None:
    with server.connect() as connection:
        begun = time.monotonic()
        assert connection.at_end()
        assert 0.3 < time.monotonic() - begun < WAIT


@pytest.mark.parametrize("sent", [b"P", head(5)[:-2]], ids=["one byte", "almost all"])
def test_a_head_that_stops_gets_408(server: RunningServer, sent: bytes) -> None:
    with server.connect() as connection:
        connection.socket.sendall(sent)
        answer = connection.answer()
        assert answer.error == (408, "RequestTimeOut")
        assert "head" in answer.json["message"]
        assert answer.headers["x-request-id"] == answer.json["request_id"]
        assert connection.at_end()


def test_a_head_that_dribbles_gets_408(server: RunningServer) -> None:
    with server.connect() as connection, pytest.raises(OSError):
        dribble(connection, head(5)[:-1] + b"X" * 5000)


def test_a_body_that_stops_gets_408_and_the_end(server: RunningServer) -> None:
    with server.connect() as connection:
        connection.socket.sendall(head(100) + b'{"model":')
        answer = connection.answer()
        assert answer.error == (408, "RequestTimeOut")
        assert "body" in answer.json["message"]
        assert answer.headers["connection"] == "close"
        assert connection.at_end()


def test_a_body_after_the_answer_is_not_waited_for(
    server: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("glmscope.server.connection._BODY_GRACE_SECONDS", 0.1)
    with server.connect() as connection:
        connection.socket.sendall(head(100, "/nowhere"))
        assert connection.answer().status == 404
        with pytest.raises(OSError):
            dribble(connection, b"x" * 99)


def test_a_body_in_pieces_in_time_is_fine(server: RunningServer) -> None:
    body = json.dumps(ask("slowly")).encode()
    with server.connect() as connection:
        for _ in range(3):
            connection.socket.sendall(head(len(body)))
            for start in range(0, len(body), 20):
                connection.socket.sendall(body[start : start + 20])
                time.sleep(0.01)
            assert connection.answer().json["output"]["text"] == "ok slowly"
        # Between requests the clock does not run.
        time.sleep(2 * IMPATIENT.receive_seconds)
        assert connection.ask(ask("again")).status == 200


def test_requests_sent_ahead_are_answered_in_order(server: RunningServer) -> None:
    bodies = [json.dumps(ask(f"number {number}")).encode() for number in range(20)]
    with server.connect() as connection:
        connection.socket.sendall(b"".join(head(len(body)) + body for body in bodies))
        answers = [connection.answer().json for _ in bodies]
    # Whole, so that a refusal among them says why.
    assert [answer for answer in answers if "output" not in answer] == []
    texts = [answer["output"]["text"] for answer in answers]
    assert texts == [f"ok number {number}" for number in range(20)]


def test_a_request_sent_ahead_by_half_gets_408(server: RunningServer) -> None:
    body = json.dumps(ask("first")).encode()
    with server.connect() as connection:
        connection.socket.sendall(head(len(body)) + body + head(50)[:30])
        assert connection.answer().status == 200
        assert connection.answer().error == (408, "RequestTimeOut")
        assert connection.at_end()


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200),
        b"GET / HTTP/1.1\r\n" + b"X-Many: 1\r\n" * 5000,
        b"GET /" + b"a" * 100_000,
        b"GET / HTTP/1.1\r\nX-Long: " + b"a" * 100_000,
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n\r\n",
        b"\x00" * 50_000,
    ],
    ids=[
        "TLS",
        "many headers",
        "long path",
        "long header",
        "negative",
        "two lengths",
        "vast",
        "zeros",
    ],
)
def test_what_is_not_a_request_gets_400_in_json(server: RunningServer, sent: bytes) -> None:
    with server.connect() as connection:
        connection.socket.sendall(sent)
        answer = connection.answer()
        assert answer.error == (400, "BadRequest.IllegalInput")
        assert answer.headers["x-request-id"] == answer.json["request_id"]
        assert connection.at_end()


def test_a_broken_chunk_after_the_answer_only_closes(server: RunningServer) -> None:
    with server.connect() as connection:
        connection.socket.sendall(
            b"POST /nowhere HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        assert connection.answer().status == 404
        connection.socket.sendall(b"this is no chunk\r\n")
        assert connection.at_end()


@pytest.mark.parametrize("prompt", ["wait", "long"])
@pytest.mark.parametrize("headers", [STREAM, {}], ids=["stream", "plain"])
def test_a_client_that_stops_sending_for_good_frees_its_place(
    server: RunningServer, prompt: str, headers: dict[str, str]
) -> None:
    with server.connect() as connection:
        connection.send(ask(prompt, max_tokens=1500), headers)
        connection.socket.shutdown(socket.SHUT_WR)
        assert eventually(lambda: server.running() == 0)


def test_clients_that_do_not_read_free_their_places(server: RunningServer) -> None:
    body = json.dumps(ask("long", max_tokens=1500)).encode()
    request = head(len(body)).replace(b"Host", b"X-DashScope-SSE: enable\r\nHost") + body
    deaf = []
    for _ in range(IMPATIENT.max_running + IMPATIENT.max_waiting):
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.settimeout(WAIT)
        client.connect(server.address)
        client.sendall(request)
        deaf.append(client)
    for client in deaf:
        # Until the server has taken a client there is none to let go of; what is seen stays unread.
        with suppress(ConnectionError):
            client.recv(1, socket.MSG_PEEK)
    assert eventually(lambda: not server.server.server_state.connections)
    for client in deaf:
        client.close()
