"""How many replies may run and wait at the same time, and who is next."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from glmscope.errors import ModelUnavailable, RequestTimeOut, Throttling


class Turn:
    """A request's place in the line, from admission to the end of its reply."""

    def __init__(self, max_wait_seconds: float) -> None:
        self._max_wait_seconds = max_wait_seconds
        self._came: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def begin(self) -> None:
        """Wait until it is this request's turn. Raises RequestTimeOut when that takes too long."""
        await asyncio.wait({self._came}, timeout=self._max_wait_seconds)
        if not self._came.done():
            raise RequestTimeOut

    def give(self) -> None:
        """Let the request run."""
        self._came.set_result(None)


class Admission:
    """Lets `max_running` replies run and `max_waiting` more requests wait; refuses the others.

    Those who wait are served in rounds: one request of each key, in the order in which the keys
    joined the line, and the requests of one key in order of arrival. However much one key asks
    for, another key's request is next after at most one turn of each key that waits. Of the
    places, one key gets `max_waiting_per_key`, so that there is always room for others; where no
    keys are checked nobody can be told apart, and that bound says nothing.
    """

    def __init__(
        self,
        max_running: int,
        max_waiting: int,
        max_waiting_per_key: int | None = None,
        max_wait_seconds: float = 240.0,
    ) -> None:
        self._max_running = max_running
        self._max_waiting = max_waiting
        self._max_waiting_per_key = max_waiting_per_key
        self._max_wait_seconds = max_wait_seconds
        self._running = 0
        self._waiting = 0
        self._lines: OrderedDict[str | None, deque[Turn]] = OrderedDict()
        """By key, the next one first; no line is empty."""
        self._idle = asyncio.Event()
        self._idle.set()
        self._open = True

    @property
    def running(self) -> int:
        """Requests whose turn it is now."""
        return self._running

    @property
    def waiting(self) -> int:
        """Requests that wait for their turn now."""
        return self._waiting

    @property
    def admitted(self) -> int:
        """Requests that run or wait now."""
        return self._running + self._waiting

    @property
    def waiting_by_key(self) -> Mapping[str | None, int]:
        """The keys that have requests waiting, and how many."""
        return {key: len(line) for key, line in self._lines.items()}

    @property
    def is_open(self) -> bool:
        """Whether requests are still let in."""
        return self._open

    @contextmanager
    def admit(self, key_id: str | None = None) -> Iterator[Turn]:
        """Take a place for the length of the block; `key_id` says on whose behalf.

        Raises Throttling when the line, or the key's share of it, is full, ModelUnavailable once
        closed: both at once. To be called from the event loop.
        """
        turn = self._join(key_id)
        try:
            yield turn
        finally:
            self._leave(key_id, turn)

    def close(self) -> None:
        """Let nobody in any more; who is in stays in."""
        self._open = False

    async def idle(self) -> None:
        """Wait until nobody is left."""
        await self._idle.wait()

    def _join(self, key_id: str | None) -> Turn:
        if not self._open:
            raise ModelUnavailable
        if self._running < self._max_running:
            turn = Turn(self._max_wait_seconds)
            self._run(turn)
        else:
            self._check_room(key_id)
            turn = Turn(self._max_wait_seconds)
            self._lines.setdefault(key_id, deque()).append(turn)
            self._waiting += 1
        self._idle.clear()
        return turn

    def _check_room(self, key_id: str | None) -> None:
        if self._waiting >= self._max_waiting:
            raise Throttling
        share = self._max_waiting_per_key
        if share is not None and key_id is not None and len(self._lines.get(key_id, ())) >= share:
            raise Throttling(
                "Too many requests of this API-key are waiting; please try again later."
            )

    def _leave(self, key_id: str | None, turn: Turn) -> None:
        line = self._lines.get(key_id)
        if line is not None and turn in line:
            line.remove(turn)
            self._waiting -= 1
            if not line:
                del self._lines[key_id]
        else:
            self._running -= 1
            self._run_next()
        if not self.admitted:
            self._idle.set()

    def _run_next(self) -> None:
        if not self._lines:
            return
        key_id, line = self._lines.popitem(last=False)
        turn = line.popleft()
        if line:
            self._lines[key_id] = line
        self._waiting -= 1
        self._run(turn)

    def _run(self, turn: Turn) -> None:
        self._running += 1
        turn.give()
