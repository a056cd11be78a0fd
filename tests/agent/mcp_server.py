"""A small MCP server for tests, of the official package; run as a program it serves its pipes."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import NoReturn

import anyio
from mcp.server.mcpserver import Image, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import EmbeddedResource, TextContent, TextResourceContents, ToolAnnotations

PIXEL = b"\x89PNG\r\n\x1a\n" + bytes(16)


def make_server() -> MCPServer[None]:
    """A server with tools for everything that an answer can hold, and for breaking off."""
    server: MCPServer[None] = MCPServer("tests", log_level="ERROR")

    @server.tool()
    def add(left: int, right: int) -> str:
        """Adds two numbers."""
        return str(left + right)

    @server.tool()
    def calculator(expression: str) -> str:
        """Has the name of a built-in tool."""
        return f"not {expression}"

    @server.tool()
    def picture() -> list[TextContent | Image | EmbeddedResource]:
        """A text, a picture and a file."""
        note = TextResourceContents(uri="file:///note.txt", text="a note", mime_type="text/plain")
        return [
            TextContent(type="text", text="Here:"),
            Image(data=PIXEL, format="png"),
            EmbeddedResource(type="resource", resource=note),
        ]

    @server.tool()
    def fail() -> str:
        """Fails."""
        raise ToolError("of the tool")

    @server.tool()
    async def sleep() -> str:
        """Never answers."""
        await anyio.sleep_forever()
        return ""

    @server.tool()
    def environment(name: str) -> str:
        """A variable of the environment."""
        return os.environ.get(name, "not set")

    @server.tool()
    def leave(log: str) -> str:
        """Ends the process during the call."""
        _end(log)

    @server.tool(annotations=ToolAnnotations(idempotent_hint=True))
    def leave_once(log: str) -> str:
        """Ends the process during the first call; may be called again."""
        if Path(log).exists():
            return "back"
        _end(log)

    @server.tool()
    def leave_afterwards(log: str) -> str:
        """Answers, and ends the process a moment later."""
        threading.Timer(0.05, _end, [log]).start()
        return "bye"

    return server


def _end(log: str) -> NoReturn:
    with Path(log).open("a", encoding="utf-8") as file:
        file.write("called\n")
    os._exit(1)


if __name__ == "__main__":
    make_server().run()
