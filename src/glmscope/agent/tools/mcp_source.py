"""Where tools of MCP servers come from."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from glmscope.agent.tools.http_source import check_address
from glmscope.agent.tools.mcp_link import LinkError
from glmscope.agent.tools.mcp_server import McpServer
from glmscope.agent.tools.mcp_tool import McpTool
from glmscope.agent.tools.settings import McpSource
from glmscope.errors import UsageError


@asynccontextmanager
async def open_mcp(source: McpSource) -> AsyncIterator[list[McpTool]]:
    """The tools of a server, listed once, as long as the context lasts.

    Raises UsageError for a server that cannot be started or reached, for an address that is none,
    and without the extra.
    """
    where = f"[tools.mcp.{source.name}]"
    try:
        import mcp  # noqa: F401
    except ImportError:
        raise UsageError(f"{where} needs more packages: pip install 'glmscope[mcp]'") from None
    if source.url is not None:
        check_address(source.url, where)
    server = McpServer(source)
    try:
        try:
            described = await server.list_tools()
        except LinkError as error:
            raise UsageError(f"{where}: the MCP server cannot be used: {error}.") from None
        yield [McpTool(each, server) for each in described]
    finally:
        await server.close()
