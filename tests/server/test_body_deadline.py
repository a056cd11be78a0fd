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


@pytest.mark.parametrize("turns", [0, 2])
def test_a_body_that_is_there_counts_however_late_it_is_looked_at(turns: int) -> None:
    """Of a large body, the server's own reading takes turns of the loop to go on."""
    read: list[Message] = []

    async def receive() -> Message:
        for _ in range(turns):
            await asyncio.sleep(0)
        return WHOLE

    async def busy(scope: Scope, receive: Receive, send: Send) -> None:
        time.sleep(2 * SECONDS)
        read.append(await receive())

    asyncio.run(BodyDeadline(busy, SECONDS)({"type": "http"}, receive, _unsent))
    assert read == [WHOLE]


def test_a_body_that_does_not_come_is_late_and_no_longer_waited_for() -> None:
    given_up: list[bool] = []

    async def receive() -> Message:
        try:
            await asyncio.Event().wait()
        finally:
            given_up.append(True)
        return WHOLE

    async def reading(scope: Scope, receive: Receive, send: Send) -> None:
        with pytest.raises(RequestTimeOut):
            await receive()
        await asyncio.sleep(0)
        assert given_up == [True]

    asyncio.run(BodyDeadline(reading, SECONDS)({"type": "http"}, receive, _unsent))
    assert given_up == [True]
