"""A tool of an MCP server, and what its answers become."""

from __future__ import annotations

import base64
import binascii
import json
import mimetypes
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from glmscope.agent.tool import ToolError, ToolFile, ToolResult
from glmscope.agent.tools.mcp_server import McpServer
from glmscope.text.toolcall import Value

if TYPE_CHECKING:
    from mcp.types import ContentBlock, Tool


class McpTool:
    """A tool as its server describes it."""

    def __init__(self, described: Tool, server: McpServer) -> None:
        self.name = described.name
        self.description = described.description or described.title or described.name
        self.parameters: Mapping[str, Any] = described.input_schema
        hints = described.annotations
        self._repeatable = hints is not None and bool(hints.read_only_hint or hints.idempotent_hint)
        self._server = server

    async def call(self, arguments: Mapping[str, Value]) -> ToolResult:
        """Texts as one text; pictures, sound and other data as files. Raises ToolError."""
        result = await self._server.call(self.name, arguments, repeatable=self._repeatable)
        parts = [
            _read(part, f"{self.name}-{number}") for number, part in enumerate(result.content, 1)
        ]
        if not parts and result.structured_content is not None:
            parts = [json.dumps(result.structured_content, ensure_ascii=False)]
        files = tuple(part for part in parts if isinstance(part, ToolFile))
        text = "\n".join(_told(part) for part in parts)
        return ToolResult(text, files, result.is_error)


def _read(part: ContentBlock, name: str) -> str | ToolFile:
    if part.type == "text":
        return part.text
    if part.type == "resource_link":
        return f"[{part.name}: {part.uri}]"
    if part.type != "resource":
        return _file(name, part.data, part.mime_type)
    held: object = getattr(part.resource, "text", None)
    if isinstance(held, str):
        return held
    kind = part.resource.mime_type or "application/octet-stream"
    return _file(name, getattr(part.resource, "blob", ""), kind)


def _file(name: str, data: str, kind: str) -> ToolFile:
    try:
        content = base64.b64decode(data, validate=True)
    except binascii.Error:
        raise ToolError("The answer holds data that cannot be read.") from None
    return ToolFile(name + (mimetypes.guess_extension(kind) or ""), content, kind)


def _told(part: str | ToolFile) -> str:
    if isinstance(part, str):
        return part
    return f"[{part.name}, {part.media_type}, {len(part.content)} bytes]"
