"""How many replies may run and wait at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from glmscope.errors import ModelUnavailable, Throttling


class Turn:
    """A request's place in the line, from admission to the end of its reply."""

    def __init__(self, slots: asyncio.Semaphore) -> None:
        self._slots = slots
        self._running = False

    async def begin(self) -> None:
        """Wait, in order of arrival, until one more reply may run."""
        await self._slots.acquire()
        self._running = True

    def end(self) -> None:
        """Let the next one in."""
        if self._running:
            self._slots.release()


class Admission:
    """Lets `max_running` replies run and `max_waiting` more requests wait; refuses the others."""

    def __init__(self, max_running: int, max_waiting: int) -> None:
        self._limit = max_running + max_waiting
        self._slots = asyncio.Semaphore(max_running)
        self._idle = asyncio.Event()
        self._idle.set()
        self._admitted = 0
        self._open = True

    @property
    def admitted(self) -> int:
        """Requests that run or wait now."""
        return self._admitted

    @property
    def is_open(self) -> bool:
        """Whether requests are still let in."""
        return self._open

    @contextmanager
    def admit(self) -> Iterator[Turn]:
        """Take a place in the line for the length of the block.

        Raises Throttling when the line is full, ModelUnavailable once closed: both at once.
        """
        if not self._open:
            raise ModelUnavailable
        if self._admitted >= self._limit:
            raise Throttling
        self._admitted += 1
        self._idle.clear()
        turn = Turn(self._slots)
        try:
            yield turn
        finally:
            turn.end()
            self._admitted -= 1
            if not self._admitted:
                self._idle.set()

    def close(self) -> None:
        """Let nobody in any more; who is in stays in."""
        self._open = False

    async def idle(self) -> None:
        """Wait until nobody is left."""
        await self._idle.wait()
