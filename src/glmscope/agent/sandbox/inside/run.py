"""One cell, from the first byte of its code to the moment when everything stands still again."""

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
_DRAIN_BYTES = 2**20
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
            kept = True
            while self._ending is None:
                kept = self._take({key.fd for key, _ in selector.select(_TICK_SECONDS)})
                now = time.monotonic()
                if self._server.interrupts(self._cell):
                    self._stop("interrupted", now)
                if now >= next_look:
                    next_look = now + _TICK_SECONDS
                    self._look(watch, now, late=now - began > self._limits["wall_seconds"])
                if now >= self._kill_at and self._ending is None:
                    self._ending, kept = self._reason, False
        return self._finish(watch, began, kept)

    def _take(self, ready: set[int]) -> bool:
        """Take what has come; False where the kernel is lost.

        Programs write before the cell goes on, so what they wrote comes first.
        """
        if self._kernel.raw in ready:
            self._take_raw()
        if not {self._kernel.replies, self._kernel.ended} & ready:
            return True
        try:
            lines = self._kernel.read_replies()
            for line in lines or ():
                self._handle(decode(line))
        except WireError:
            lines = None
        if self._kernel.ended not in ready and lines is not None:
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

        What a cell's threads say after it, or what it has forged, does not reach the next cell.
        """
        drained = 0
        while drained < _DRAIN_BYTES and (size := self._take_raw()):
            drained += size
        try:
            while drained < _DRAIN_BYTES and (lines := self._kernel.read_replies()):
                drained += sum(map(len, lines))
                for line in lines:
                    self._handle(decode(line))
        except WireError:
            self._detail = _MISUSED
            return False
        return True

    def _finish(self, watch: Watch, began: float, kept: bool) -> bool:
        signal_all(signal.SIGSTOP)
        seconds, cpu = time.monotonic() - began, watch.cpu
        ending = self._ending
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
