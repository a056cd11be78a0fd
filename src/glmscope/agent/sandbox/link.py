"""Messages to and from the supervisor of one sandbox."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from glmscope.agent.sandbox.inside.wire import Message, WireError, decode, encode
from glmscope.agent.sandbox.limits import SandboxLimits
from glmscope.agent.sandbox.process import OFF, SandboxProcess
from glmscope.errors import SandboxUnavailable


class LinkLostError(Exception):
    """The sandbox has gone, or does not speak as it should."""


class Link:
    """Two pipes. Whatever comes out of them is a stranger's data."""

    def __init__(self, process: SandboxProcess) -> None:
        self._process = process

    @classmethod
    async def open(cls, limits: SandboxLimits, packages: Mapping[str, Path]) -> Link:
        """Start a sandbox, and wait until it is ready. Raises SandboxUnavailable."""
        process = await SandboxProcess.start(limits, packages)
        link = cls(process)
        try:
            await link.send({"uid": process.uid, "limits": asdict(limits)})
            if (await link.receive(limits.start_seconds)).get("event") != "ready":
                raise LinkLostError
            process.find_inner()
        except LinkLostError:
            complaint = await link.close()
            raise SandboxUnavailable(
                f"{OFF}bubblewrap cannot make a sandbox here ({complaint or 'it says nothing'}); "
                "docs/operating.md tells what it needs."
            ) from None
        except BaseException:
            await link.close()
            raise
        return link

    @property
    def pid(self) -> int:
        """Process id of bubblewrap, whose child is the sandbox's process 1."""
        return self._process.pid

    @property
    def lost(self) -> bool:
        """Whether the sandbox has gone."""
        return self._process.ended

    async def send(self, message: Message) -> None:
        """Send a message. Raises LinkLostError."""
        if self.lost:
            raise LinkLostError
        try:
            self._process.stdin.write(encode(message))
            await self._process.stdin.drain()
        except (ConnectionError, RuntimeError):
            raise LinkLostError from None

    async def receive(self, seconds: float) -> Message:
        """The next message. Raises LinkLostError, and where none comes in time, too."""
        try:
            line = await asyncio.wait_for(self._process.read_line(), seconds)
            return decode(line)
        except (
            asyncio.IncompleteReadError,
            asyncio.LimitOverrunError,
            asyncio.TimeoutError,
            ConnectionError,
            WireError,
        ):
            raise LinkLostError from None

    async def close(self) -> str:
        """Kill the sandbox and everything in it. Returns the last line of its complaints."""
        return await self._process.close()
