"""Many clients, and clients that leave. Sections 5.4 and 7."""

from __future__ import annotations

import contextlib
import select
import time
from collections.abc import Iterator

from glmscope.conform.check import MismatchError, Skip, expect, wire
from glmscope.conform.checks.doors import is_error
from glmscope.conform.checks.inputs import good
from glmscope.conform.http import Connection
from glmscope.conform.script import LONG
from glmscope.conform.target import GREEDY, STREAM, Target, body

_MOST = 512
"""So many questions at once are asked before a limit is given up on."""
_STEP = 32
_FREED_SECONDS = 1.0
_PATIENCE = 10
"""On a busy machine a second is short: as many short questions may be asked besides."""


@contextlib.contextmanager
def _crowd(target: Target) -> Iterator[list[Connection]]:
    """Connections, all of which are closed in the end."""
    connections: list[Connection] = []
    try:
        yield connections
    finally:
        for connection in connections:
            connection.close()


def _ask(target: Target, connections: list[Connection], stream: bool) -> None:
    connection = target.connect()
    connections.append(connection)
    target.send(connection, body(LONG, **GREEDY), STREAM if stream else None)


def _readable(connections: list[Connection], seconds: float) -> list[Connection]:
    poll = select.poll()
    by_number = {each.socket.fileno(): each for each in connections}
    for number in by_number:
        poll.register(number, select.POLLIN)
    return [by_number[number] for number, _ in poll.poll(seconds * 1000)]


@wire(65, needs_script=True, alone=True)
def overload(target: Target) -> None:
    with _crowd(target) as connections:
        while len(connections) < _MOST:
            for _ in range(_STEP):
                _ask(target, connections, stream=False)
            refused = _readable(connections, 0.3)
            if refused:
                break
        else:
            raise Skip(f"{_MOST} long questions at once were all let in")
        for connection in refused:
            answer = connection.answer()
            is_error(answer, 429, "Throttling", "overload")
            expect(int(answer.headers.get("retry-after", "0")) > 0, "429 without Retry-After")
    _wait_until_free(target)


@wire(52, needs_script=True, alone=True)
def leaving_frees(target: Target) -> None:
    allowed = _FREED_SECONDS + _PATIENCE * _short_question_seconds(target)
    for stream in (True, False):
        with _crowd(target) as connections, target.connect() as waiting:
            _fill(target, connections, waiting, stream)
            for connection in connections:
                connection.close()
            if not _readable([waiting], allowed):
                kind = "streams" if stream else "plain calls"
                raise MismatchError(f"no slot {allowed:.1f} s after {kind} were left")
            good(waiting.answer(), "the question that waited")
    _wait_until_free(target)


def _short_question_seconds(target: Target) -> float:
    started = time.monotonic()
    good(target.generate("short", **GREEDY), "a short question")
    return time.monotonic() - started


def _fill(target: Target, connections: list[Connection], waiting: Connection, stream: bool) -> None:
    """Ask long questions until one more short question has to wait for a slot."""
    while len(connections) < _MOST:
        for _ in range(_STEP):
            _ask(target, connections, stream)
        time.sleep(0.2)  # until all of them have begun
        target.send(waiting, body("short", **GREEDY))
        if not _readable([waiting], 0.5):
            return
        answer = waiting.answer()
        if answer.status == 429:
            break
        good(answer, "a short question")
    raise Skip("no number of long questions makes another one wait")


def _wait_until_free(target: Target) -> None:
    """Leave the server to the next check as it was."""
    deadline = time.monotonic() + 10
    while target.generate("short", **GREEDY).status == 429:
        if time.monotonic() > deadline:
            raise MismatchError("still overloaded 10 s after every client left")
        time.sleep(0.1)
