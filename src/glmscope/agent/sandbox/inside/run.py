"""One cell, from the first byte of its code to the moment when everything stands still again.

A cell that ends by itself may leave processes and threads behind, which go on with the next. One
that has to be ended may not: where anything that it started outlives the interrupt, everything is
killed, the kernel and its variables, too.
"""

from __future__ import annotations

import select
import selectors
import signal
import time
from typing import Protocol

from .budget import Budget
from .kernel_process import KernelProcess, signal_all
from .watch import Watch
from .wire import Message, WireError, decode

_TICK_SECONDS = 0.05
_DEATH_SECONDS = 1.0
_MISUSED = "its connection was closed or misused"
_DRAIN_READS = 128  # of 64 KiB: more than pipes hold, even as wide as users may make them
_ENDINGS = ("done", "failed", "interrupted")
_MENDABLE = ("wall_time", "cpu_time", "interrupted")  # an interrupt may do


class Server(Protocol):
    """Who wants the cell to be run."""

    handle: int

    def send(self, message: Message) -> None:
        """Pass a message on."""

    def interrupts(self, cell: int) -> bool:
        """Whether the cell is to end."""


class Run:
    """Watches a cell run, and passes on what it shows."""

    def __init__(self, kernel: KernelProcess, limits: Message, server: Server, cell: int) -> None:
        self._kernel = kernel
        self._limits = limits
        self._server = server
        self._cell = cell
        self._budget = Budget(limits)
        self._ending: str | None = None
        self._reason: str | None = None  # why we are ending it
        self._kill_at = float("inf")
        self._detail: str | None = None

    def run(self, code: str) -> bool:
        """Run the cell to its end. Returns whether the kernel is still there."""
        began = time.monotonic()
        watch = Watch(self._limits)
        signal_all(signal.SIGCONT)
        self._kernel.run(self._cell, code)
        kernel = (self._kernel.replies, self._kernel.raw, self._kernel.ended)
        with selectors.DefaultSelector() as selector:
            for handle in (self._server.handle, *kernel):
                selector.register(handle, selectors.EVENT_READ)
            next_look = began + _TICK_SECONDS
            while True:
                kept = self._take({key.fd for key, _ in selector.select(_TICK_SECONDS)})
                if not kept or self._over(watch):
                    break
                now = time.monotonic()
                if self._server.interrupts(self._cell):
                    self._stop("interrupted", now)
                if now >= next_look:
                    next_look = now + _TICK_SECONDS
                    self._look(watch, now, late=now - began > self._limits["wall_seconds"])
                if now >= self._kill_at:
                    kept = False
                    break
        return self._finish(watch, began, kept)

    def _over(self, watch: Watch) -> bool:
        """Whether the cell has ended, and everything that it started where it is we who end it."""
        return self._ending is not None and not (self._reason and watch.left())

    def _take(self, ready: set[int]) -> bool:
        """Take what has come; False where the kernel is lost.

        Programs write before the cell goes on, so what they wrote comes first.
        """
        if self._kernel.raw in ready:
            self._take_raw()
        if not {self._kernel.replies, self._kernel.ended} & ready:
            return True
        try:
            connected = self._take_replies()
        except WireError:
            connected = False
        if self._kernel.ended not in ready and connected:
            return True
        # A process that ends closes its pipes first, a moment before it is known to have ended.
        if not select.select([self._kernel.ended], [], [], _DEATH_SECONDS)[0]:
            self._detail = _MISUSED
        self._ending = "died"
        return False

    def _take_raw(self) -> int:
        data = self._kernel.read_raw()
        self._text("stdout", data.decode("utf-8", "replace"))
        return len(data)

    def _take_replies(self) -> bool:
        """Take the messages that have come; False at the end of them. Raises WireError."""
        lines = self._kernel.read_replies()
        for line in lines or ():
            self._handle(decode(line))
        return lines is not None

    def _handle(self, message: Message) -> None:
        event = message.get("event")
        if event == "text":
            self._text(message.get("stream"), message.get("text"))
        elif event == "image":
            self._send(self._budget.image(message.get("data")))
        elif event == "done" and message.get("id") == self._cell:
            ending = message.get("ending")
            self._ending = ending if ending in _ENDINGS else "failed"

    def _text(self, stream: object, text: object) -> None:
        self._send(self._budget.text(stream, text))

    def _send(self, message: Message | None) -> None:
        if message:
            self._server.send({"id": self._cell, **message})

    def _look(self, watch: Watch, now: float, *, late: bool) -> None:
        self._kernel.reap()
        reason = watch.excess() or ("wall_time" if late else None)
        if reason:
            self._stop(reason, now)

    def _stop(self, reason: str, now: float) -> None:
        """Begin to end the cell: by an interrupt where that may do, else at once."""
        if reason not in _MENDABLE:
            self._reason, self._kill_at = reason, now
        elif self._reason is None:
            self._reason, self._kill_at = reason, now + self._limits["interrupt_seconds"]
            self._kernel.interrupt()

    def _take_rest(self) -> bool:
        """Take what was written up to the end; False where the kernel is lost.

        What a cell's threads say after it, or what it has forged, does not reach the next cell; nor
        does the half of a message that somebody whom we ended has left behind.
        """
        pipes = [self._kernel.raw, self._kernel.replies]
        try:
            for _ in range(_DRAIN_READS):
                ready = select.select(pipes, [], [], 0)[0]
                if not ready:
                    return not (self._reason and self._kernel.in_line)
                if self._kernel.raw in ready and not self._take_raw():
                    pipes.remove(self._kernel.raw)
                if self._kernel.replies in ready and not self._take_replies():
                    pipes.remove(self._kernel.replies)
        except WireError:
            pass
        self._detail = _MISUSED
        return False

    def _finish(self, watch: Watch, began: float, kept: bool) -> bool:
        signal_all(signal.SIGSTOP)
        seconds, cpu = time.monotonic() - began, watch.cpu
        ending = self._ending
        # Now that nothing can start anything: what we ended leaves nobody behind.
        kept = kept and not (self._reason and watch.left())
        kept = self._take_rest() and kept
        status = None if kept else self._kernel.close()
        self._server.send(
            {
                "id": self._cell,
                "event": "end",
                "ending": self._reason or (ending if kept else "died"),
                "detail": self._detail or status if self._reason is None else None,
                "variables_kept": kept,
                "omitted_bytes": self._budget.omitted_bytes,
                "omitted_images": self._budget.omitted_images,
                "seconds": round(seconds, 3),
                "cpu_seconds": round(cpu, 3),
            }
        )
        return kept
