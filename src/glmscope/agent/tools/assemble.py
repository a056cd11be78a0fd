"""All tools of a server, from everywhere that the operator's settings name."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import structlog

from glmscope.agent.plugins import CODE_INTERPRETER
from glmscope.agent.tool import Tool, ToolRegistry, ToolResult
from glmscope.agent.tool_arguments import ArgumentCheck
from glmscope.agent.tool_declaration import declare
from glmscope.agent.tools.builtin import Calculator, CurrentTime
from glmscope.agent.tools.entry_points import load_entry_points
from glmscope.agent.tools.http_source import open_http
from glmscope.agent.tools.mcp_source import open_mcp
from glmscope.agent.tools.settings import ToolSettings
from glmscope.errors import InvalidParameter, UsageError
from glmscope.names import check_known
from glmscope.text.toolcall import Value

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

_TAKEN = (CODE_INTERPRETER, "interpreter")
"""Names that mean something else to a wire or to the model."""
_NO_NAME = re.compile(r"[^A-Za-z0-9_.-]")


@asynccontextmanager
async def open_tools(settings: ToolSettings | None = None) -> AsyncIterator[ToolRegistry]:
    """Everything that is enabled, connected as long as the context lasts.

    A tool of an API or an MCP server whose name is taken gets its source's name in front; one that
    no model can be offered is left out, and the log says so.

    Raises UsageError for what the operator can mend, with the place in the settings.
    """
    settings = settings or ToolSettings()
    collection = _Collection()
    async with AsyncExitStack() as stack:
        collection.add(Calculator())
        collection.add(CurrentTime())
        for tool in load_entry_points(settings.entry_points):
            _check(tool)
            collection.add(tool)
        for api in settings.http:
            collection.add_all(await stack.enter_async_context(open_http(api)), api.name)
        for server in settings.mcp:
            collection.add_all(await stack.enter_async_context(open_mcp(server)), server.name)
        tools = collection.tools
        if settings.enabled is not None:
            check_known(settings.enabled, tools, "[tools] enabled: there is no tool")
            tools = {name: tool for name, tool in tools.items() if name in settings.enabled}
        check_known(settings.bounds.timeouts, tools, "[tools] timeouts: there is no tool")
        for key, names in settings.keys.items():
            complaint = f"[tools] keys.{key}: there is no tool"
            check_known(names, [*tools, CODE_INTERPRETER], complaint)
        yield ToolRegistry(tools.values(), settings.bounds, settings.keys)


class _Collection:
    """Tools by the names under which they are offered."""

    def __init__(self) -> None:
        self.tools: dict[str, Tool] = {}

    def add(self, tool: Tool) -> None:
        """Raises UsageError for a name that is taken."""
        if tool.name in self.tools or tool.name in _TAKEN:
            raise UsageError(f'The name "{tool.name}" of a tool is taken.')
        self.tools[tool.name] = tool

    def add_all(self, tools: Iterable[Tool], source: str) -> None:
        """The tools of a source, under names that are free and can be offered."""
        for tool in tools:
            name = _NO_NAME.sub("_", tool.name)
            if name in self.tools or name in _TAKEN:
                name = f"{source}_{name}"
            renamed = _Renamed(tool, name)
            try:
                _check(renamed)
                self.add(renamed)
            except UsageError as error:
                _log.warning("tool_left_out", tool=tool.name, source=source, reason=error.message)


class _Renamed:
    """A tool under another name."""

    def __init__(self, tool: Tool, name: str) -> None:
        self.name = name
        self.description = tool.description
        self.parameters: Mapping[str, Any] = tool.parameters
        self._tool = tool

    async def call(self, arguments: Mapping[str, Value]) -> ToolResult:
        return await self._tool.call(arguments)


def _check(tool: Tool) -> None:
    """Raises UsageError for a tool that no model can be offered, or whose schema is none."""
    try:
        declare(tool.name, tool.description, tool.parameters)
    except InvalidParameter as error:
        raise UsageError(error.message) from None
    ArgumentCheck(tool.parameters).check_schema(f"{tool.name}.parameters")
