"""The contract of tools that the server runs itself: one page.

A tool has a name, a description, a JSON schema of its arguments, and `call`. A registry holds the
tools of a server: it says which of them a key may use, and runs one so that whatever the tool does
ends in a result: arguments are checked before the call, time and output are bounded, and an
exception becomes one sentence for the model.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import structlog

from glmscope.agent.tool_arguments import ArgumentCheck
from glmscope.agent.tool_declaration import declare
from glmscope.chat import tools as chat_tools
from glmscope.chat.place import place_of
from glmscope.errors import AccessDenied, InvalidParameter, UsageError
from glmscope.text.toolcall import Value
from glmscope.text.unicode import mend_surrogates

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ToolFile:
    """A file that a tool made, such as a picture."""

    name: str
    content: bytes
    media_type: str = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a tool answered: the text is for the model, the files are for whoever asked."""

    text: str
    files: tuple[ToolFile, ...] = ()
    is_error: bool = False


class ToolError(Exception):
    """Raised by a tool to say in one sentence, which the model reads, why it has no answer.

    Of any other exception the model reads nothing: what it says may be a secret.
    """


class Tool(Protocol):
    """What a model can call, and the server runs."""

    @property
    def name(self) -> str:
        """1 to 64 letters, digits, underscores, dashes or dots."""

    @property
    def description(self) -> str:
        """What it does, for the model."""

    @property
    def parameters(self) -> Mapping[str, Any]:
        """The JSON schema of the arguments, of type object."""

    async def call(self, arguments: Mapping[str, Value]) -> ToolResult:
        """Run once. The arguments follow `parameters`; calls may overlap; a call may be cancelled.

        Raises ToolError for what the model should read; any other exception is a failure.
        """


@dataclass(frozen=True, slots=True)
class ToolBounds:
    """How long a tool may take, in seconds, and how much it may answer."""

    timeout: float = 30.0
    timeouts: Mapping[str, float] = field(default_factory=dict)
    """Of single tools, by name."""
    output: int = 8192
    """Characters of a result's text; the rest is cut, and the text says so."""
    file_bytes: int = 16 << 20
    """All files of a result together; a file beyond is left out, and the text says so."""


class ToolRegistry:
    """The tools of one server, in their order."""

    def __init__(
        self,
        tools: Iterable[Tool],
        bounds: ToolBounds | None = None,
        allowed: Mapping[str, frozenset[str]] | None = None,
    ) -> None:
        """`allowed`: by a key's id or name, the tools that it may use, and under "*" those of a key
        that is not listed; without "*" such a key uses all.

        Raises UsageError for a name that is no name, for two tools of one name, and for parameters
        that are no schema of an object.
        """
        self._tools: dict[str, Tool] = {}
        self._declarations: dict[str, chat_tools.Tool] = {}
        self._checks: dict[str, ArgumentCheck] = {}
        self._bounds = bounds or ToolBounds()
        self._allowed = allowed or {}
        for tool in tools:
            self._add(tool)

    @property
    def tools(self) -> Mapping[str, Tool]:
        """All tools by name."""
        return self._tools

    def offered(self, key: Iterable[str], requested: Iterable[str]) -> tuple[Tool, ...]:
        """The requested tools, each once; `key`: its id and its name, nothing without keys.

        Raises InvalidParameter for a name that is no tool here, AccessDenied for one that the key
        may not use.
        """
        key, names = tuple(key), tuple(dict.fromkeys(requested))
        for name in names:
            if name not in self._tools:
                raise InvalidParameter(f'This server has no tool "{name[:64]}".', param="plugins")
            if not self.allows(key, name):
                raise AccessDenied(f'This API key may not use the tool "{name}".')
        return tuple(self._tools[name] for name in names)

    def allows(self, key: Iterable[str], name: str) -> bool:
        """Whether the key may use what is called `name`, be it a tool or the code interpreter."""
        lists = [self._allowed[each] for each in key if each in self._allowed]
        if not lists and "*" in self._allowed:
            lists = [self._allowed["*"]]
        return all(name in each for each in lists)

    def declaration(self, tool: Tool) -> chat_tools.Tool:
        """The tool as it is offered to a model; a generated call can be held to it."""
        return self._declarations[tool.name]

    async def run(self, tool: Tool, arguments: Mapping[str, Value]) -> ToolResult:
        """The tool's answer, or why there is none; bounded. Raises nothing but CancelledError."""
        slip = await asyncio.to_thread(self._checks[tool.name].slip, arguments)
        if slip is not None:
            return self._bounded(_error(f"The arguments of {tool.name} are wrong: {slip}."))
        timeout = self._bounds.timeouts.get(tool.name, self._bounds.timeout)
        try:
            result = await asyncio.wait_for(_call(tool, arguments), timeout)
        except asyncio.TimeoutError:
            result = _error(f"{tool.name} gave no answer within {timeout:g} seconds.")
        return self._bounded(result)

    def _add(self, tool: Tool) -> None:
        if tool.name in self._tools:
            raise UsageError(f'Two tools are called "{tool.name}".')
        try:
            self._declarations[tool.name] = declare(tool.name, tool.description, tool.parameters)
        except InvalidParameter as error:
            raise UsageError(f'The tool "{tool.name}" cannot be offered: {error.message}') from None
        self._checks[tool.name] = ArgumentCheck(tool.parameters)
        self._tools[tool.name] = tool

    def _bounded(self, result: ToolResult) -> ToolResult:
        text, most = mend_surrogates(result.text), self._bounds.output
        if len(text) > most:
            text = f"{text[:most]}… [TRUNCATED: {most} of {len(text)} characters]"
        kept: list[ToolFile] = []
        room = self._bounds.file_bytes
        for file in result.files:
            if len(file.content) > room:
                text += f"\n[LEFT OUT: {file.name}, {len(file.content)} bytes]"
            else:
                kept.append(file)
                room -= len(file.content)
        return ToolResult(text, tuple(kept), result.is_error)


def _error(sentence: str) -> ToolResult:
    return ToolResult(sentence, is_error=True)


async def _call(tool: Tool, arguments: Mapping[str, Value]) -> ToolResult:
    try:
        return await tool.call(arguments)
    except ToolError as error:
        return _error(str(error))
    except Exception as error:
        _log.warning("tool_failed", tool=tool.name, reason=place_of(error))
        return _error(f"{tool.name} failed ({type(error).__name__}).")
