"""Sockets, signals and a clean end."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from glmscope.errors import UsageError
from glmscope.server.listener import bind
from glmscope.server.settings import ServerSettings
from tests.server.support import (
    STREAM,
    WAIT,
    Connection,
    RunningServer,
    ask,
    eventually,
    serving,
)
from tests.support.paths import REPOSITORY


def accepts(server: RunningServer) -> bool:
    try:
        server.connect().close()
    except OSError:
        return False
    return True


def test_an_address_that_cannot_be_had() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=f"port {port}: "):
            bind("127.0.0.1", port)
    with pytest.raises(UsageError, match="from 0 to 65535, not 70000"):
        bind("127.0.0.1", 70_000)
    with pytest.raises(UsageError, match="port 0: "):
        bind("256.0.0.1", 0)


@pytest.mark.parametrize(
    "setting",
    [
        {"max_running": 0},
        {"keep_alive_seconds": 0},
        {"max_wait_seconds": 0},
        {"max_waiting": -1},
        {"max_waiting_per_key": -1},
    ],
    ids=str,
)
def test_settings_that_cannot_work(setting: dict[str, int]) -> None:
    with pytest.raises(UsageError):
        ServerSettings(**setting)


def test_small_events_do_not_wait_for_each_other(server: RunningServer) -> None:
    with server.connect() as connection:
        connection.ask(ask())
        sockets = [
            each.transport.get_extra_info("socket")
            for each in server.server.server_state.connections
        ]
        assert sockets
        assert all(each.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) for each in sockets)


def test_running_replies_finish_while_new_requests_are_refused() -> None:
    settings = ServerSettings(max_running=1, retry_after_seconds=3)
    with serving(settings=settings) as server:
        running, waiting, idle = server.connect(), server.connect(), server.connect()
        assert idle.ask(ask()).status == 200
        running.send(ask("slow", max_tokens=40), STREAM)
        waiting.send(ask("waited"))
        assert eventually(lambda: server.running() == 1)
        time.sleep(0.05)
        server.server.stop()
        assert eventually(lambda: not accepts(server))

        refused = idle.ask(ask())
        assert refused.error == (503, "ModelUnavailable")
        assert refused.headers["retry-after"] == "3"
        idle.send(b"", path="/healthz", method="GET")
        health = idle.answer()
        assert (health.status, health.json["status"]) == (503, "stopping")

        assert running.answer().events[-1]["output"]["finish_reason"] == "length"
        assert waiting.answer().json["output"]["text"].endswith("waited")
        for connection in (running, waiting, idle):
            assert connection.at_end()
            connection.close()


def test_replies_that_take_too_long_are_told_why_they_end() -> None:
    with serving(settings=ServerSettings(drain_seconds=0.1)) as server:
        stream, plain = server.connect(), server.connect()
        stream.send(ask("slow"), STREAM)
        stream.head()
        chunks = stream.chunks()
        next(chunks)
        plain.send(ask("endless silence"))
        assert eventually(lambda: server.running() == 2)
        server.server.stop()
        *_, last = chunks
        assert b"event:error\n:HTTP_STATUS/503\nstatus:503\n" in last
        assert b'"code":"ModelUnavailable"' in last
        assert plain.answer().error == (503, "ModelUnavailable")
        stream.close()
        plain.close()


@contextmanager
def process(*options: str) -> Iterator[tuple[subprocess.Popen[str], tuple[str, int]]]:
    """A server in a process of its own, to be told to stop by signals."""
    command = [sys.executable, "-m", "tests.server.signalled", *options]
    pipe = subprocess.PIPE
    started = subprocess.Popen(command, cwd=REPOSITORY, stdout=pipe, stderr=pipe, text=True)
    try:
        assert started.stdout
        host, port = json.loads(started.stdout.readline())
        yield started, (host, port)
    finally:
        started.kill()
        started.communicate()


@pytest.mark.skipif(os.name != "posix", reason="signals as POSIX has them")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_replies_finish_and_the_process_end_well(number: int) -> None:
    with process() as (started, address):
        connection = Connection(address, None)
        connection.send(ask("slow", max_tokens=30), STREAM)
        connection.head()
        chunks = connection.chunks()
        next(chunks)
        started.send_signal(number)
        *_, last = chunks
        assert b'"finish_reason":"length"' in last
        connection.close()
        out, log = started.communicate(timeout=WAIT)
        assert out == "stopped\n"
        lines = [json.loads(line) for line in log.splitlines()]
        assert [line["event"] for line in lines] == ["draining", "request"]
        assert started.returncode == 0


@pytest.mark.skipif(os.name != "posix", reason="signals as POSIX has them")
def test_a_second_signal_does_not_wait() -> None:
    with process() as (started, address):
        connection = Connection(address, None)
        connection.send(ask("endless silence"))
        time.sleep(0.1)
        started.send_signal(signal.SIGINT)
        probe = threading.Event()
        probe.wait(0.3)
        assert started.poll() is None
        started.send_signal(signal.SIGINT)
        started.communicate(timeout=WAIT)
        assert started.returncode == 0
        connection.close()
