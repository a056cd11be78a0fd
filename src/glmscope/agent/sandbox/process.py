"""A sandbox's processes as the server sees them: bubblewrap, and its child, process 1 inside."""

from __future__ import annotations

import asyncio
import json
import os
import platform
import signal
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO

from glmscope.agent.sandbox.bubblewrap import find_bubblewrap, sandbox_command
from glmscope.agent.sandbox.inside.wire import LINE_BYTES
from glmscope.agent.sandbox.limits import SandboxLimits
from glmscope.agent.sandbox.seccomp import seccomp_filter
from glmscope.agent.sandbox.user_ids import UserIds
from glmscope.errors import SandboxUnavailable

OFF = "The code interpreter is off: "
_COMPLAINT_BYTES = 2000
_END_SECONDS = 10.0
_INFO_BYTES = 4096

# Of sandboxes that root starts, a user each.
_USER_IDS = UserIds()


class SandboxProcess:
    """Made by `start`. `uid`: the user that the sandbox is to become, where root starts it."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        stdin: asyncio.StreamWriter,
        stdout: asyncio.StreamReader,
        complaints: IO[bytes],
        info: int,
        uid: int | None,
    ) -> None:
        self.stdin = stdin
        self.uid = uid
        self._process = process
        self._stdout = stdout
        self._reading = asyncio.Lock()
        self._complaints = complaints
        self._info = info
        self._inner: int | None = None
        self._closing: asyncio.Task[None] | None = None
        self._complaint = ""

    @classmethod
    async def start(cls, limits: SandboxLimits, packages: Mapping[str, Path]) -> SandboxProcess:
        """Start bubblewrap. Raises SandboxUnavailable where it is not there."""
        bwrap, program = find_bubblewrap(), seccomp_filter(platform.machine())
        if bwrap is None:
            raise SandboxUnavailable(
                OFF + "it needs bubblewrap (on Debian and Ubuntu: apt-get install bubblewrap)."
            )
        if program is None:
            raise SandboxUnavailable(OFF + f"it does not know {platform.machine()} processors.")
        uid = _USER_IDS.take() if os.geteuid() == 0 else None
        complaints = tempfile.TemporaryFile()  # noqa: SIM115 (closed with the process)
        handle = _readable(program)
        info, info_end = os.pipe()
        command = sandbox_command(
            bwrap, limits, packages, uid=uid, filter_handle=handle, info_handle=info_end
        )
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=complaints,
                pass_fds=[handle, info_end],
                env={},
                limit=LINE_BYTES,
            )
        except BaseException:
            os.close(info)
            complaints.close()
            if uid is not None:
                _USER_IDS.give_back(uid)
            raise
        finally:
            os.close(handle)
            os.close(info_end)
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("A process was started without its pipes.")
        return cls(process, process.stdin, process.stdout, complaints, info, uid)

    @property
    def pid(self) -> int:
        """Of bubblewrap."""
        return self._process.pid

    @property
    def exit_status(self) -> int | None:
        """Of bubblewrap; None until it has ended and has been waited for."""
        return self._process.returncode

    @property
    def ended(self) -> bool:
        """Whether it has gone, or is about to."""
        return self._closing is not None or self._process.returncode is not None

    async def read_line(self) -> bytes:
        """The next line. Raises what `StreamReader.readuntil` raises."""
        async with self._reading:
            return await self._stdout.readuntil(b"\n")

    def find_inner(self) -> None:
        """Take hold of process 1, so that `close` can kill it.

        Killing bubblewrap alone does not end what has become another user.
        """
        os.set_blocking(self._info, False)
        with suppress(OSError, ValueError, KeyError):
            self._inner = os.pidfd_open(json.loads(os.read(self._info, _INFO_BYTES))["child-pid"])

    async def close(self) -> str:
        """Kill everything in it, and wait for that. Returns the last line of its complaints."""
        if self._closing is None:
            self._closing = asyncio.ensure_future(self._close())
        await asyncio.shield(self._closing)
        return self._complaint

    async def _close(self) -> None:
        with self._complaints:
            self._kill()
            try:
                await asyncio.wait_for(self._end(), _END_SECONDS)
            except asyncio.TimeoutError:
                self._kill_bubblewrap()
                with suppress(asyncio.TimeoutError):
                    await asyncio.wait_for(self._process.wait(), _END_SECONDS)
            if self.uid is not None:
                _USER_IDS.give_back(self.uid)
            self._complaint = self._last_complaint()

    def _kill(self) -> None:
        if self._inner is None:
            self.find_inner()
        if self._inner is not None:  # bubblewrap sees it end, and ends itself
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._inner, signal.SIGKILL)
            os.close(self._inner)
        else:
            self._kill_bubblewrap()
        os.close(self._info)
        self.stdin.close()

    def _last_complaint(self) -> str:
        file = self._complaints
        file.seek(max(0, file.seek(0, os.SEEK_END) - _COMPLAINT_BYTES))
        lines = file.read().decode("utf-8", "replace").strip().splitlines()
        return lines[-1] if lines else ""

    def _kill_bubblewrap(self) -> None:
        with suppress(ProcessLookupError):
            self._process.kill()

    async def _end(self) -> None:
        """Process 1 has the other end of this pipe until it is gone."""
        async with self._reading:  # whoever waits for a line comes to its end first
            while await self._stdout.read(LINE_BYTES):
                pass
        await self._process.wait()


def _readable(data: bytes) -> int:
    """A descriptor from which a program reads these bytes; they fit in a pipe."""
    reading, writing = os.pipe()
    os.write(writing, data)
    os.close(writing)
    return reading
