"""Clients that go away."""

from __future__ import annotations

import socket
import struct
import time

import pytest
from structlog.testing import capture_logs

from glmscope.server.settings import ServerSettings
from tests.server.support import STREAM, Connection, ask, eventually, serving


def reset(connection: Connection) -> None:
    """Close with RST, as a client that is killed may."""
    linger = struct.pack("ii", 1, 0)
    connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    connection.close()


@pytest.mark.parametrize("leave", [Connection.close, reset])
@pytest.mark.parametrize("headers", [STREAM, {}], ids=["stream", "plain"])
@pytest.mark.parametrize("prompt", ["slow", "endless silence"])
def test_a_client_that_leaves_frees_its_place_within_a_second(prompt, headers, leave) -> None:
    settings = ServerSettings(max_running=1, max_waiting=0, drain_seconds=0)
    with serving(settings=settings) as server, capture_logs() as logs:
        connection = server.connect()
        connection.send(ask(prompt), headers)
        assert eventually(lambda: server.running() == 1)
        leave(connection)
        assert eventually(lambda: server.running() == 0)
        assert server.ask(ask()).status == 200
        assert eventually(lambda: len(logs) == 2)
    assert logs[0]["disconnected"] is True
    assert {line["log_level"] for line in logs} == {"info"}


def test_a_client_that_leaves_while_it_waits_loses_its_place() -> None:
    settings = ServerSettings(max_running=1, max_waiting=1)
    with serving(settings=settings) as server:
        running, waiting = server.connect(), server.connect()
        running.send(ask("slow"), STREAM)
        assert eventually(lambda: server.running() == 1)
        waiting.send(ask(), STREAM)
        assert eventually(lambda: server.waiting() == 1)
        assert server.ask(ask()).status == 429
        waiting.close()
        with server.connect() as next_one:
            # Refused until the server has noticed; then it waits for the running one.
            assert eventually(lambda: _is_waiting(next_one))
            running.close()
            assert next_one.answer().status == 200


def _is_waiting(connection: Connection) -> bool:
    """Ask; whether the server did not refuse at once."""
    connection.send(ask())
    connection.socket.settimeout(0.2)
    try:
        connection.socket.recv(1, socket.MSG_PEEK)
    except TimeoutError:
        return True
    finally:
        connection.socket.settimeout(10)
    assert connection.answer().status == 429
    return False


def test_many_that_vanish_leave_nothing_behind() -> None:
    with serving() as server:
        for number in range(40):
            connection = server.connect()
            connection.send(ask("slow"), STREAM if number % 2 else {})
            if number % 4 == 1:
                connection.head()
                next(connection.chunks())
            reset(connection) if number % 3 else connection.close()
        assert eventually(lambda: server.running() == 0)
        assert server.ask(ask()).status == 200


def test_a_client_that_leaves_in_the_middle_of_its_body() -> None:
    with serving() as server, capture_logs() as logs:
        connection = server.connect()
        connection.send(b'{"model":', {"Content-Length": "1000"})
        time.sleep(0.05)
        connection.close()
        assert eventually(lambda: len(logs) == 1)
        assert logs[0]["status"] == 499
        assert server.ask(ask()).status == 200
