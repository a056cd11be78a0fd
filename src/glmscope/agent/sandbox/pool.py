"""The sandboxes of a server: one a conversation, a bounded number, none kept for nothing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Hashable, Iterable
from contextlib import suppress

from glmscope.agent.sandbox.limits import SandboxLimits
from glmscope.agent.sandbox.packages import DEFAULT_PACKAGES, importable
from glmscope.agent.sandbox.sandbox import Sandbox
from glmscope.agent.sandbox.trial import probe
from glmscope.errors import SandboxUnavailable, Throttling

_RETRY_SECONDS = 10.0


class SandboxPool:
    """Hands out sandboxes by conversation, and closes those that nobody has used for a while.

    `maximum`: how many there may be, the spare one included. `spare`: whether one is kept ready, so
    that a conversation's first cell does not wait for a Python to start.
    """

    def __init__(
        self,
        limits: SandboxLimits | None = None,
        *,
        packages: Iterable[str] = DEFAULT_PACKAGES,
        maximum: int = 8,
        idle_seconds: float = 900.0,
        spare: bool = True,
    ) -> None:
        self._limits = limits or SandboxLimits()
        self._packages = importable(packages)
        self._maximum = maximum
        self._idle_seconds = idle_seconds
        self._keeps_spare = spare
        self._trial: asyncio.Task[None] | None = None
        self._spare: asyncio.Task[Sandbox] | None = None
        self._sandboxes: dict[Hashable, asyncio.Task[Sandbox]] = {}
        self._sweeper: asyncio.Task[None] | None = None
        self._closing: set[asyncio.Task[None]] = set()
        self._closed = False

    async def probe(self) -> None:
        """Try out a sandbox, once. Raises SandboxUnavailable; the next call tries again then."""
        if self._trial is None or (self._trial.done() and self._trial.exception()):
            self._trial = asyncio.ensure_future(probe())
        await asyncio.shield(self._trial)

    async def of(self, conversation: Hashable) -> Sandbox:
        """The conversation's sandbox, a new one where it has none or has lost it.

        `conversation`: whatever tells one from another; who may ask for which is the caller's
        matter. Raises SandboxUnavailable, and Throttling where there are too many.
        """
        await self.probe()
        task = self._sandboxes.get(conversation)
        if task is None or _gone(task):
            task = self._sandboxes[conversation] = self._taken()
        try:
            return await asyncio.shield(task)
        finally:
            self._begin_spare()

    async def end(self, conversation: Hashable) -> None:
        """Close the conversation's sandbox, if it has one; to its end even where cancelled."""
        await asyncio.shield(self._let_go(self._sandboxes.pop(conversation, None)))

    async def close(self) -> None:
        """Close everything. Nothing is handed out afterwards."""
        self._closed = True
        if self._sweeper is not None:
            self._sweeper.cancel()
        for task in (*self._sandboxes.values(), self._spare):
            self._let_go(task)
        self._sandboxes.clear()
        self._spare = None
        if self._trial is not None:
            await asyncio.wait({self._trial})  # it has a sandbox, too
        await asyncio.shield(asyncio.gather(*self._closing))

    def _taken(self) -> asyncio.Task[Sandbox]:
        """The spare one, or one that is being started. Raises Throttling, SandboxUnavailable."""
        if self._closed:
            raise SandboxUnavailable("The server is stopping.")
        for name in [name for name, task in self._sandboxes.items() if _gone(task)]:
            self._let_go(self._sandboxes.pop(name))
        if self._sweeper is None:
            self._sweeper = asyncio.ensure_future(self._sweep())
        spare, self._spare = self._spare, None
        if spare is not None and not _gone(spare):
            return spare
        self._let_go(spare)
        if len(self._sandboxes) >= self._maximum:
            raise Throttling(
                f"All {self._maximum} sandboxes of the code interpreter are in use.",
                retry_after=_RETRY_SECONDS,
            )
        return self._begun()

    def _let_go(self, task: asyncio.Task[Sandbox] | None) -> asyncio.Task[None]:
        """Close what is of no more use, without waiting; `close` waits for it."""
        closing = asyncio.ensure_future(_close(task))
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)
        return closing

    def _begun(self) -> asyncio.Task[Sandbox]:
        task = asyncio.ensure_future(Sandbox.open(self._limits, self._packages))
        # Where nobody waits for a spare one, nobody asks for its error.
        task.add_done_callback(lambda done: done.cancelled() or done.exception())
        return task

    def _begin_spare(self) -> None:
        room = len(self._sandboxes) < self._maximum
        if self._keeps_spare and room and not self._closed and self._spare is None:
            self._spare = self._begun()

    async def _sweep(self) -> None:
        """Close what has been idle too long."""
        while True:
            await asyncio.sleep(min(self._idle_seconds, 60.0) / 4)
            now = time.monotonic()
            for conversation, task in list(self._sandboxes.items()):
                if _gone(task) or (task.done() and _idle(task.result(), now) > self._idle_seconds):
                    self._let_go(self._sandboxes.pop(conversation))


def _idle(sandbox: Sandbox, now: float) -> float:
    return 0.0 if sandbox.busy else now - sandbox.last_used


def _gone(task: asyncio.Task[Sandbox]) -> bool:
    """Whether it failed to start, or has been lost since."""
    return task.done() and (task.cancelled() or bool(task.exception()) or task.result().lost)


async def _close(task: asyncio.Task[Sandbox] | None) -> None:
    if task is not None:
        with suppress(SandboxUnavailable):
            await (await task).close()
