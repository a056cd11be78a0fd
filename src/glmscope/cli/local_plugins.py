"""Tools and the interpreter of one conversation in this process."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

from glmscope.agent.agent import Agent
from glmscope.agent.code_runner import CodeDesk, CodeRunner
from glmscope.agent.loop import AgentReply
from glmscope.agent.loop_limits import LoopLimits
from glmscope.agent.plugins import CODE_INTERPRETER, PluginRequest
from glmscope.agent.tool import ToolRegistry
from glmscope.agent.tool_source import ToolSource
from glmscope.chat.reply import Reply
from glmscope.chat.request import ChatRequest
from glmscope.chat.service import ChatService


class LocalPlugins:
    """All tools of a source are offered, and the interpreter where there is one."""

    def __init__(
        self,
        service: ChatService,
        loop: asyncio.AbstractEventLoop,
        tools: ToolSource | None,
        runner: CodeRunner | None,
        limits: LoopLimits | None,
    ) -> None:
        self._loop = loop
        self._stack = AsyncExitStack()
        self._runner = runner
        self._agent = Agent(service, ToolRegistry(()), runner, limits)
        names: list[str] = []
        if tools is not None:
            registry = loop.run_until_complete(self._stack.enter_async_context(tools()))
            self._agent.use(registry)
            names += registry.tools
        if runner is not None:
            names.append(CODE_INTERPRETER)
        self._request = PluginRequest(tuple(names))
        self._desk: CodeDesk | None = None

    def prepare(self, request: ChatRequest) -> Reply | AgentReply:
        """A reply in which the model may call what there is."""
        if self._desk is None and self._runner is not None:
            self._desk = self._agent.desk()
        return self._agent.prepare(request, self._request, desk=self._desk)

    def forget(self) -> None:
        """Let go of the sandbox; the next code gets a new one."""
        desk, self._desk = self._desk, None
        if desk is not None:
            self._loop.run_until_complete(desk.close())

    def close(self) -> None:
        """Let go of everything."""
        self.forget()
        self._loop.run_until_complete(self._agent.close())
        self._loop.run_until_complete(self._stack.aclose())
