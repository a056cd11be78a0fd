"""One conversation's sandbox: cells that share their names, and the files under /mnt/data."""

from __future__ import annotations

import asyncio
import base64
import binascii
import itertools
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from glmscope.agent.sandbox.inside.wire import CHUNK_BYTES, Message
from glmscope.agent.sandbox.limits import SandboxLimits
from glmscope.agent.sandbox.link import Link, LinkLostError
from glmscope.agent.sandbox.outcome import CellResult, Output
from glmscope.agent.sandbox.outputs import NonsenseError, Outputs
from glmscope.errors import InvalidParameter, SandboxUnavailable

CODE_BYTES = 2**20
_MARGIN_SECONDS = 15.0  # beyond the time that the supervisor itself grants
_FILE_SECONDS = 60.0
_NAME_BYTES = 255

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class DataFile:
    """A file below /mnt/data: its path from there, and its size in bytes."""

    path: str
    size: int


@dataclass(frozen=True, slots=True)
class Listing:
    """What lies below /mnt/data. `others`: how many links and the like there are beside files."""

    files: tuple[DataFile, ...]
    others: int


class Sandbox:
    """Made by `Sandbox.open` or a `SandboxPool`. One operation at a time; others wait for it.

    An operation that is cancelled is brought to its end all the same, so that the next one finds
    the sandbox in order; a cell is interrupted for that.
    """

    def __init__(self, link: Link, limits: SandboxLimits) -> None:
        self._link = link
        self._limits = limits
        self._lock = asyncio.Lock()
        self._ids = itertools.count(1)
        self._running: int | None = None
        self._operations: set[asyncio.Task[Any]] = set()
        self.last_used = time.monotonic()

    @classmethod
    async def open(
        cls, limits: SandboxLimits | None = None, packages: Mapping[str, Path] | None = None
    ) -> Sandbox:
        """Start a sandbox. Raises SandboxUnavailable. `packages`: as of `packages.importable`."""
        limits = limits or SandboxLimits()
        return cls(await Link.open(limits, packages or {}), limits)

    @property
    def lost(self) -> bool:
        """Whether it is closed or has gone by itself: it takes nothing more then."""
        return self._link.lost

    @property
    def busy(self) -> bool:
        """Whether an operation is going on."""
        return bool(self._operations)

    @property
    def pid(self) -> int:
        """The host's process id of bubblewrap."""
        return self._link.pid

    async def run(self, code: str, on_output: Callable[[Output], None] | None = None) -> CellResult:
        """Run a cell to its end or its limits. `on_output` gets each output as it comes.

        Whatever the cell does is told by `CellResult.ending`; a sandbox that is gone is
        `Ending.LOST`. Raises InvalidParameter where the code itself is too long.
        """
        if len(code.encode("utf-8", "replace")) > CODE_BYTES:
            raise InvalidParameter(f"A cell may have {CODE_BYTES} bytes at most.")
        outputs = Outputs(self._limits, on_output)
        cell = next(self._ids)
        operation = self._begun(self._run(cell, code, outputs))
        try:
            return await asyncio.shield(operation)
        except asyncio.CancelledError:
            if self._running == cell:
                await self._interrupt(cell)
            else:
                operation.cancel()  # its turn has not come
            raise

    async def interrupt(self) -> None:
        """End the running cell, if there is one, as Ctrl-C does; killed if it does not heed."""
        if self._running is not None:
            await self._interrupt(self._running)

    async def put(self, name: str, data: bytes) -> None:
        """Write /mnt/data/`name`, in the place of what has that name.

        Raises InvalidParameter for a name or a size that cannot be, SandboxUnavailable.
        """
        if not _is_name(name):
            raise InvalidParameter("A file's name is one name, without '/'.", param="file")
        chunks = [data[at : at + CHUNK_BYTES] for at in range(0, len(data), CHUNK_BYTES)]
        order = {"op": "put", "name": name, "chunks": len(chunks)}
        await asyncio.shield(self._begun(self._exchange(order, chunks=chunks)))

    async def get(self, path: str, limit: int | None = None) -> bytes:
        """The file /mnt/data/`path`, of `limit` bytes at most; links are not followed.

        Raises InvalidParameter where there is no such file, SandboxUnavailable.
        """
        if not all(map(_is_name, path.split("/"))):
            raise InvalidParameter("A file's path is told from /mnt/data on.", param="file")
        limit = self._limits.disk if limit is None else limit
        order = {"op": "get", "path": path, "limit": limit}
        _, data = await asyncio.shield(self._begun(self._exchange(order, limit=limit)))
        return data

    async def list(self) -> Listing:
        """Every file below /mnt/data, by path. Raises SandboxUnavailable."""
        end, _ = await asyncio.shield(self._begun(self._exchange({"op": "list"})))
        try:
            files = tuple(DataFile(str(path), int(size)) for path, size in end["files"])
            return Listing(files, int(end["others"]))
        except (KeyError, TypeError, ValueError):
            await self._link.close()
            raise SandboxUnavailable("The sandbox has gone.") from None

    async def close(self) -> None:
        """End it, with all that runs in it and all its files. A running cell's ending is LOST."""
        await self._link.close()
        if self._operations:
            await asyncio.wait(self._operations)

    def _begun(self, operation: Coroutine[Any, Any, _T]) -> asyncio.Task[_T]:
        task = asyncio.ensure_future(operation)
        self._operations.add(task)
        task.add_done_callback(self._operations.discard)
        # Where nobody waits any more, nobody asks for an error.
        task.add_done_callback(lambda done: done.cancelled() or done.exception())
        return task

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        async with self._lock:
            self.last_used = time.monotonic()
            try:
                yield
            finally:
                self.last_used = time.monotonic()

    async def _interrupt(self, cell: int) -> None:
        with suppress(LinkLostError):
            await self._link.send({"op": "interrupt", "id": cell})

    async def _run(self, cell: int, code: str, outputs: Outputs) -> CellResult:
        async with self._turn():
            self._running = cell
            try:
                await self._link.send({"op": "run", "id": cell, "code": code})
                return outputs.result(await self._end_of(cell, outputs))
            except (LinkLostError, NonsenseError):
                await self._link.close()
                return outputs.lost()
            finally:
                self._running = None

    async def _end_of(self, cell: int, outputs: Outputs) -> Message:
        limits = self._limits
        # Where the cell before was killed, a new kernel starts first.
        seconds = limits.start_seconds + limits.wall_seconds + limits.interrupt_seconds
        deadline = time.monotonic() + seconds + _MARGIN_SECONDS
        while True:
            message = await self._link.receive(deadline - time.monotonic())
            if message.get("id") != cell:
                raise NonsenseError
            if message.get("event") == "end":
                return message
            outputs.add(message)

    async def _exchange(
        self, order: Message, *, chunks: Sequence[bytes] = (), limit: int = 0
    ) -> tuple[Message, bytes]:
        """Have an order about files carried out; its end, and the data that came with it."""
        number = next(self._ids)
        async with self._turn():
            try:
                await self._link.send({**order, "id": number})
                end, data = await self._file(number, iter(chunks), limit)
            except (LinkLostError, NonsenseError):
                await self._link.close()
                raise SandboxUnavailable("The sandbox has gone.") from None
        refusal = end.get("refusal")
        if refusal is not None:
            raise InvalidParameter(str(refusal), param="file")
        return end, data

    async def _file(
        self, number: int, chunks: Iterator[bytes], limit: int
    ) -> tuple[Message, bytes]:
        data = bytearray()
        deadline = time.monotonic() + _FILE_SECONDS + self._limits.start_seconds
        while True:
            message = await self._link.receive(deadline - time.monotonic())
            event = message.get("event")
            if message.get("id") != number:
                raise NonsenseError
            if event == "end":
                return message, bytes(data)
            if event == "data":
                data += _decoded(message.get("data"))
                if len(data) > limit:
                    raise NonsenseError
            elif event == "more" and (chunk := next(chunks, None)) is not None:
                await self._link.send({"data": base64.b64encode(chunk).decode("ascii")})
            else:
                raise NonsenseError


def _is_name(name: str) -> bool:
    """Whether it can be the name of one file."""
    if name in ("", ".", "..") or "/" in name or "\0" in name:
        return False
    return len(name.encode("utf-8", "replace")) <= _NAME_BYTES


def _decoded(data: object) -> bytes:
    try:
        return base64.b64decode(data if isinstance(data, str) else "", validate=True)
    except (binascii.Error, ValueError):
        raise NonsenseError from None
