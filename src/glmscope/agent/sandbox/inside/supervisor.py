"""Process 1 of a sandbox: takes orders from the server, one a line, and answers in lines.

Between cells everything but this process is stopped, so that nothing that a cell left behind goes
on working. Signals from inside do not reach process 1, and its memory and files cannot be opened.
"""

from __future__ import annotations

import base64
import os
import select
import signal
import time
from collections.abc import Iterator

from . import files
from .confine import confine_supervisor
from .kernel_process import KernelProcess, signal_all
from .run import Run
from .wire import Lines, Message, WireError, decode, encode

_SERVER_OUT = 1
_READ_BYTES = 65_536


class ServerGoneError(Exception):
    """The pipe from the server is closed: there is nobody left to work for."""


class Server:
    """The pipes of the server."""

    handle = 0

    def __init__(self) -> None:
        self._lines = Lines()
        self._waiting: list[bytes] = []

    def next(self) -> Message:
        """Wait for the next order."""
        while not self._waiting:
            data = os.read(self.handle, _READ_BYTES)
            if not data:
                raise ServerGoneError
            self._waiting += self._lines.feed(data)
        return decode(self._waiting.pop(0))

    def interrupts(self, cell: int) -> bool:
        """Whether an order to end this cell has come. Does not wait."""
        while self._waiting or select.select([self.handle], [], [], 0)[0]:
            order = self.next()
            if order["op"] == "interrupt" and order["id"] == cell:
                return True
        return False

    def send(self, message: Message) -> None:
        """Answer."""
        data = memoryview(encode(message))
        while data:
            data = data[os.write(_SERVER_OUT, data) :]


class Supervisor:
    """Carries out the orders."""

    def __init__(self, server: Server, limits: Message) -> None:
        self._server = server
        self._limits = limits
        self._kernel = self._started()

    def serve(self) -> None:
        """Until the server goes."""
        self._server.send({"event": "ready"})
        while True:
            order = self._server.next()
            operation = order["op"]
            if operation == "run":
                self._run(order)
            elif operation != "interrupt":  # one that came too late
                self._files(operation, order)

    def _started(self) -> KernelProcess:
        """A kernel that has imported its libraries and stands still. Raises TimeoutError."""
        kernel = KernelProcess(self._limits)
        deadline = time.monotonic() + self._limits["start_seconds"]
        while True:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([kernel.replies], [], [], left)[0]:
                raise TimeoutError("The kernel does not start.")
            lines = kernel.read_replies()
            if lines is None:
                said = kernel.read_raw().decode("utf-8", "replace").splitlines()
                raise TimeoutError("The kernel does not start: " + "".join(said[-1:]))
            if any(decode(line).get("event") == "ready" for line in lines):
                signal_all(signal.SIGSTOP)
                return kernel

    def _run(self, order: Message) -> None:
        run = Run(self._kernel, self._limits, self._server, order["id"])
        if not run.run(order["code"]):
            self._kernel = self._started()

    def _files(self, operation: str, order: Message) -> None:
        answer: Message = {"id": order["id"], "event": "end"}
        try:
            if operation == "list":
                answer["files"], answer["others"] = files.listing()
            elif operation == "get":
                for data in files.read(order["path"], order["limit"]):
                    self._server.send({"id": order["id"], "event": "data", "data": _text(data)})
            elif operation == "put":
                files.write(order["name"], self._incoming(order))
        except files.FileRefusedError as refusal:
            answer["refusal"] = str(refusal)
        self._server.send(answer)

    def _incoming(self, order: Message) -> Iterator[bytes]:
        for _ in range(order["chunks"]):
            self._server.send({"id": order["id"], "event": "more"})
            yield base64.b64decode(self._server.next()["data"])


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def main() -> None:
    """The first line tells the limits and whom to become."""
    os.closerange(3, 1024)
    server = Server()
    try:
        first = server.next()
        confine_supervisor(first["uid"])
        Supervisor(server, first["limits"]).serve()
    except (ServerGoneError, BrokenPipeError, WireError):
        return  # with process 1 everything in the sandbox ends
