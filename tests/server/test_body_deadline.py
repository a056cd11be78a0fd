"""The bound on how long a body may take: it is the client's time, not the server's."""

from __future__ import annotations

import asyncio
import time

import pytest
from starlette.types import Message, Receive, Scope, Send

from glmscope.errors import RequestTimeOut
from glmscope.server.middleware.body_deadline import BodyDeadline

SECONDS = 0.05
WHOLE: Message = {"type": "http.request", "body": b"all", "more_body": False}


async def _unsent(message: Message) -> None:
    raise AssertionError(f"Nothing is to be sent, yet there is {message}.")


def read_through(receive: Receive, busy_seconds: float = 0) -> list[Message]:
    """What an application reads that keeps the whole server busy before it comes to the body."""
    read: list[Message] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        time.sleep(busy_seconds)
        read.append(await receive())

    asyncio.run(BodyDeadline(app, SECONDS)({"type": "http"}, receive, _unsent))
    return read


def test_a_body_that_is_there_counts_however_late_it_is_looked_at() -> None:
    async def receive() -> Message:
        return WHOLE

    assert read_through(receive, busy_seconds=2 * SECONDS) == [WHOLE]


def test_a_body_that_does_not_come_is_late_and_no_longer_waited_for() -> None:
    given_up: list[bool] = []

    async def receive() -> Message:
        try:
            await asyncio.Event().wait()
        finally:
            given_up.append(True)
        return WHOLE

    with pytest.raises(RequestTimeOut):
        read_through(receive)
    assert given_up == [True]
