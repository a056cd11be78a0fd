"""An MCP server: what it offers, and calls that outlive its connection."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING

from glmscope.agent.tool import ToolError
from glmscope.agent.tools.mcp_link import LinkError, McpLink
from glmscope.agent.tools.settings import McpSource
from glmscope.text.toolcall import Value

if TYPE_CHECKING:
    from mcp import Client
    from mcp.types import CallToolResult, Tool

_MOST_PAGES = 100


class McpServer:
    """A server, connected anew where the connection has ended."""

    def __init__(self, source: McpSource) -> None:
        self._source = source
        self._link: McpLink | None = None
        self._client: Client | None = None
        self._connecting = asyncio.Lock()

    async def list_tools(self) -> list[Tool]:
        """All that the server describes. Raises LinkError."""
        from mcp import MCPError

        _, client = await self._connected()
        found: list[Tool] = []
        cursor: str | None = None
        try:
            for _ in range(_MOST_PAGES):
                page = await client.list_tools(cursor=cursor)
                found += page.tools
                cursor = page.next_cursor
                if cursor is None:
                    return found
        except MCPError:
            raise LinkError("it does not list its tools") from None
        raise LinkError(f"it lists its tools on more than {_MOST_PAGES} pages")

    async def call(
        self, name: str, arguments: Mapping[str, Value], *, repeatable: bool
    ) -> CallToolResult:
        """Call a tool; where the connection broke, connect once more.

        A call that may have begun is repeated only if the server says that this does no harm.

        Raises ToolError.
        """
        from mcp import MCPError
        from mcp.types import CONNECTION_CLOSED, INVALID_REQUEST

        try:
            link, client = await self._connected()
            try:
                return await client.call_tool(name, dict(arguments))
            except MCPError as error:
                # A server that was started anew knows no session, and has refused the call.
                if error.code not in (CONNECTION_CLOSED, INVALID_REQUEST):
                    raise
                await link.close()
                if error.code == CONNECTION_CLOSED and not repeatable:
                    raise ToolError(
                        f"The connection broke during the call; {name} may have done its work."
                    ) from None
            _, client = await self._connected()
            return await client.call_tool(name, dict(arguments))
        except MCPError as error:
            raise ToolError(f"{name} was refused: {error.message}") from None
        except LinkError as error:
            raise ToolError(f"The server of {name} cannot be reached: {error}.") from None

    async def close(self) -> None:
        """End the connection."""
        if self._link is not None:
            await self._link.close()

    async def _connected(self) -> tuple[McpLink, Client]:
        async with self._connecting:
            if self._link is None or self._client is None or not self._link.alive:
                if self._link is not None:
                    await self._link.close()
                self._link = McpLink(self._source)
                self._client = await self._link.open()
            return self._link, self._client
