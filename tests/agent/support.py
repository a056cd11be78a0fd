"""Tools, sandboxes and scripts for the tests of this room."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from glmscope.agent.agent import Agent
from glmscope.agent.code_runner import CodeOutput
from glmscope.agent.loop_limits import LoopLimits
from glmscope.agent.tool import Tool, ToolBounds, ToolRegistry, ToolResult
from glmscope.chat.events import PluginCall, PluginResult, ReplyEvent
from glmscope.chat.service import ChatService
from glmscope.engine.engine import Engine
from glmscope.text.code import write_code
from glmscope.text.toolcall import Value, write_fenced_call
from tests.chat.support import scripted, serve


class Adder:
    """Adds two numbers; counts how often it was asked."""

    name = "add"
    description = "adds two whole numbers"
    parameters: Mapping[str, Any] = {
        "type": "object",
        "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
        "required": ["a", "b"],
    }

    def __init__(self) -> None:
        self.calls = 0

    async def call(self, arguments: Mapping[str, Value]) -> ToolResult:
        self.calls += 1
        a, b = arguments["a"], arguments["b"]
        assert isinstance(a, int)
        assert isinstance(b, int)
        return ToolResult(str(a + b))


class Answering:
    """Answers with a text, or never does."""

    description = "says a text"
    parameters: Mapping[str, Any] = {"type": "object", "properties": {}}

    def __init__(self, name: str, text: str | None) -> None:
        self.name = name
        self.text = text
        self.running = 0

    async def call(self, arguments: Mapping[str, Value]) -> ToolResult:
        self.running += 1
        try:
            if self.text is None:
                await asyncio.sleep(3600)
            return ToolResult(self.text or "")
        finally:
            self.running -= 1


class Sandboxes:
    """Hands out sandboxes that play what a function says of the code."""

    def __init__(self, play: Callable[[str], CodeOutput] = lambda code: CodeOutput(code)) -> None:
        self.play = play
        self.opened: list[PlayedSandbox] = []

    async def open(self) -> PlayedSandbox:
        self.opened.append(PlayedSandbox(self.play))
        return self.opened[-1]

    async def close(self) -> None:
        pass


class PlayedSandbox:
    def __init__(self, play: Callable[[str], CodeOutput]) -> None:
        self._play = play
        self.files: dict[str, bytes] = {}
        self.ran: list[str] = []
        self.closed = 0
        self.stopped = 0

    async def run(self, code: str) -> CodeOutput:
        assert not self.closed
        self.ran.append(code)
        try:
            if code == "forever":
                await asyncio.sleep(3600)
        except asyncio.CancelledError:
            self.stopped += 1
            raise
        return self._play(code)

    async def put(self, name: str, content: bytes) -> None:
        self.files[name] = content

    async def close(self) -> None:
        self.closed += 1


def call_of(name: str, **arguments: Value) -> str:
    return f"{name}\n {write_fenced_call(arguments)}"


def code_of(code: str) -> str:
    return f"interpreter\n {write_code(code)}"


def service_of(rules: Sequence[Mapping[str, Any]]) -> ChatService:
    return serve(engine_of(rules))


def engine_of(rules: Sequence[Mapping[str, Any]]) -> Engine:
    return scripted(script=json.dumps({"rules": list(rules)}))


def agent_of(
    rules: Sequence[Mapping[str, Any]],
    *tools: Tool,
    runner: Sandboxes | None = None,
    limits: LoopLimits | None = None,
    bounds: ToolBounds | None = None,
    **more: Any,
) -> Agent:
    return Agent(service_of(rules), ToolRegistry(tools, bounds), runner, limits, **more)


def steps(events: Sequence[ReplyEvent]) -> list[tuple[str, str]]:
    """Calls and results in order: ("call", arguments) and ("result", text)."""
    found = []
    for event in events:
        if isinstance(event, PluginCall):
            found.append((event.call.name, event.call.arguments))
        elif isinstance(event, PluginResult):
            found.append(("=", event.text))
    return found
