"""Sandboxes as the desk of a conversation uses them: code in; texts, pictures and files out."""

from __future__ import annotations

import mimetypes

from glmscope.agent.code_runner import CodeOutput, CodeSession
from glmscope.agent.sandbox import CellResult, Ending, Sandbox, SandboxPool
from glmscope.agent.tool import ToolFile

MOST_FILES = 16
"""Files that a cell may hand out."""
MOST_BYTES = 4 * 2**20
"""Of the files that a cell hands out, all together."""


class SandboxRunner:
    """Makes one sandbox of a pool for each conversation."""

    def __init__(self, pool: SandboxPool) -> None:
        self._pool = pool

    async def open(self) -> CodeSession:
        """Raises SandboxUnavailable, and Throttling where there are too many."""
        conversation = object()
        return _Session(self._pool, conversation, await self._pool.of(conversation))

    async def close(self) -> None:
        """Close the pool."""
        await self._pool.close()


class _Session:
    """One conversation's sandbox; files that a cell made or changed come with its output."""

    def __init__(self, pool: SandboxPool, conversation: object, sandbox: Sandbox) -> None:
        self._pool = pool
        self._conversation = conversation
        self._sandbox = sandbox
        self._known: dict[str, int] = {}
        """Sizes of files by path, as they were after the last cell."""

    async def run(self, code: str) -> CodeOutput:
        result = await self._sandbox.run(code)
        files, notes = ((), ()) if self._sandbox.lost else await self._new_files()
        return CodeOutput(
            text=result.text(),
            images=tuple(image.png for image in result.images),
            files=files,
            notes=(*result.notes, *notes),
            is_error=_failed(result),
        )

    async def put(self, name: str, content: bytes) -> None:
        await self._sandbox.put(name, content)
        self._known[name] = len(content)

    async def close(self) -> None:
        await self._pool.end(self._conversation)

    async def _new_files(self) -> tuple[tuple[ToolFile, ...], tuple[str, ...]]:
        """Files whose size is not what it was, within bounds; and a sentence about the others."""
        listing = await self._sandbox.list()
        new = [file for file in listing.files if self._known.get(file.path) != file.size]
        self._known = {file.path: file.size for file in listing.files}
        files: list[ToolFile] = []
        room = MOST_BYTES
        for file in new:
            if len(files) < MOST_FILES and file.size <= room:
                content = await self._sandbox.get(file.path, file.size)
                kind = mimetypes.guess_type(file.path)[0] or "application/octet-stream"
                files.append(ToolFile(file.path, content, kind))
                room -= len(content)
        left_out = len(new) - len(files)
        return tuple(files), (f"{left_out} files are not handed out.",) if left_out else ()


def _failed(result: CellResult) -> bool:
    return result.ending is not Ending.DONE
