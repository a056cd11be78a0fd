"""What runs a model's code: the contract, and the desk of one conversation."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from glmscope.agent.loop_limits import CELL_OUTPUT
from glmscope.agent.plugins import Upload
from glmscope.agent.tool import ToolFile, ToolResult

TRUNCATED = " [TRUNCATED]"
IMAGE = "[Image]"
"""Stands for a picture."""


@dataclass(frozen=True, slots=True)
class CodeOutput:
    """What came of a cell. `notes` are sentences about it, such as that it took too long."""

    text: str
    images: tuple[bytes, ...] = ()
    """PNG files."""
    files: tuple[ToolFile, ...] = ()
    notes: tuple[str, ...] = ()
    is_error: bool = False


class CodeSession(Protocol):
    """One sandbox: cells share their names and the files under /mnt/data."""

    async def run(self, code: str) -> CodeOutput:
        """Run a cell to its end or its limits; cancelling stops it."""
        ...

    async def put(self, name: str, content: bytes) -> None:
        """Write /mnt/data/`name`. Raises InvalidParameter for a name or a size that cannot be."""
        ...

    async def close(self) -> None:
        """End it, with all that runs in it and all its files."""
        ...


class CodeRunner(Protocol):
    """Makes sandboxes."""

    async def open(self) -> CodeSession:
        """Raises SandboxUnavailable, whose message says how to switch it on."""
        ...

    async def close(self) -> None:
        """End all that are left; none is made any more."""
        ...


class CodeDesk:
    """The interpreter of one conversation, whose sandbox is made when first there is code."""

    def __init__(
        self, runner: CodeRunner, *, longest: int = CELL_OUTPUT, fenced: bool = False
    ) -> None:
        """`longest`: characters that the model reads of a cell's text. `fenced`: results are told
        in a fence of their own, as the prompt guide has them."""
        self._runner = runner
        self._longest = longest
        self._fenced = fenced
        self._session: CodeSession | None = None
        self._uploads: list[Upload] = []
        self._lock = asyncio.Lock()
        self._images = 0

    def lay(self, uploads: Iterable[Upload]) -> None:
        """Have these files there when the next code runs."""
        self._uploads += uploads

    async def run(self, code: str) -> ToolResult:
        """What the model reads of a cell, and the pictures and files that it made.

        Raises SandboxUnavailable, and InvalidParameter for a file that cannot be put there.
        """
        async with self._lock:
            if self._session is None:
                self._session = await self._runner.open()
            while self._uploads:
                upload = self._uploads[0]
                await self._session.put(upload.name, upload.content)
                self._uploads.pop(0)
            output = await self._session.run(code)
        pictures = [ToolFile(self._picture_name(), png, "image/png") for png in output.images]
        text = observation(output, longest=self._longest, fenced=self._fenced)
        return ToolResult(text, (*pictures, *output.files), output.is_error)

    async def close(self) -> None:
        """Let go of the sandbox; harmless when there is none, and when called again."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _picture_name(self) -> str:
        self._images += 1
        return f"image-{self._images}.png"


def observation(output: CodeOutput, *, longest: int = CELL_OUTPUT, fenced: bool = False) -> str:
    """What the model reads of a cell, of whose text `longest` characters.

    Source: model specification, section 8.2: a picture is `[Image]`, a longer text is cut; the
    fence is the prompt guide's.
    """
    text = output.text.rstrip()
    if len(text) > longest:
        text = text[:longest] + TRUNCATED
    if fenced and text:
        text = f"```result\n{text}\n```"
    return "\n".join(filter(None, [text, *[IMAGE] * len(output.images), *output.notes]))
