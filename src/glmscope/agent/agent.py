"""Replies for which the server runs tools of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from glmscope.agent.code_runner import CodeDesk, CodeRunner
from glmscope.agent.loop import AgentReply
from glmscope.agent.loop_limits import LoopLimits
from glmscope.agent.plugins import CODE_INTERPRETER, PluginRequest, announce
from glmscope.agent.tool import Tool, ToolRegistry
from glmscope.agent.workbench import Workbench
from glmscope.chat.reply import Reply
from glmscope.chat.request import ChatRequest
from glmscope.chat.service import ChatService, ServedModel
from glmscope.chat.tools import ToolOffer
from glmscope.errors import AccessDenied, InvalidParameter, SandboxUnavailable


class Agent:
    """Puts models and tools together; where a request wants no plugins, it is not in the way.

    `runner` None: code of a model is not run; `why_no_code` says how to switch that on.
    """

    def __init__(
        self,
        service: ChatService,
        registry: ToolRegistry,
        runner: CodeRunner | None = None,
        limits: LoopLimits | None = None,
        *,
        why_no_code: str = "The code interpreter is off.",
        fenced: bool = False,
    ) -> None:
        """`fenced`: results of code are told in a fence of their own; see `CodeDesk`."""
        self._service = service
        self._registry = registry
        self._runner = runner
        self._limits = limits or LoopLimits()
        self._why_no_code = why_no_code
        self._fenced = fenced

    @property
    def models(self) -> Mapping[str, ServedModel]:
        """Those of the service."""
        return self._service.models

    def use(self, registry: ToolRegistry) -> None:
        """From now on, these are the tools: some are known only once a server has started."""
        self._registry = registry

    async def close(self) -> None:
        """Let go of what runs code."""
        if self._runner is not None:
            await self._runner.close()

    def desk(self) -> CodeDesk:
        """An interpreter for several replies of one conversation, whose reader closes it.

        Raises SandboxUnavailable where code is not run.
        """
        if self._runner is None:
            raise SandboxUnavailable(self._why_no_code)
        return CodeDesk(self._runner, longest=self._limits.cell_output, fenced=self._fenced)

    def prepare(
        self,
        request: ChatRequest,
        plugins: PluginRequest | None = None,
        key: Iterable[str] = (),
        desk: CodeDesk | None = None,
    ) -> Reply | AgentReply:
        """As `ChatService.prepare`; with plugins a reply in as many turns as it takes.

        `key`: the id and the name of who asks, as the registry's lists have them. With `desk` the
        conversation's own interpreter is used, and left open. Raises as `ChatService.prepare`,
        InvalidParameter for plugins that there are not or that do not go together with the rest,
        AccessDenied for those that the key may not use, SandboxUnavailable where code is not run.
        """
        if plugins is None or not plugins.names:
            return self._service.prepare(request)
        key = tuple(key)
        _check(request)
        tools = self._registry.offered(key, [n for n in plugins.names if n != CODE_INTERPRETER])
        runs_code = CODE_INTERPRETER in plugins.names
        if runs_code and not self._registry.allows(key, CODE_INTERPRETER):
            raise AccessDenied("This API key may not use the code interpreter.")
        bench = Workbench(
            self._registry,
            tools,
            self._desk(plugins, desk) if runs_code else None,
            closes_desk=desk is None,
        )
        request = replace(
            request,
            messages=announce(request.messages, plugins.uploads),
            tools=self._offer(request.tools, tools, runs_code),
        )
        return AgentReply(self._service.prepare, request, bench, self._limits)

    def _desk(self, plugins: PluginRequest, desk: CodeDesk | None) -> CodeDesk:
        desk = desk or self.desk()
        desk.lay(plugins.uploads)
        return desk

    def _offer(self, own: ToolOffer | None, tools: Iterable[Tool], runs_code: bool) -> ToolOffer:
        """The client's tools and the server's; one call a turn, as the network was trained."""
        own = own or ToolOffer(())
        declared = tuple(self._registry.declaration(tool) for tool in tools)
        return replace(own, tools=(*own.tools, *declared), several=False, interpreter=runs_code)


def _check(request: ChatRequest) -> None:
    """Refuse what a reply in several turns has no place for."""
    if request.n != 1:
        raise InvalidParameter("n should be 1 where plugins are used.", param="n")
    if request.logprobs is not None:
        raise InvalidParameter("logprobs cannot be combined with plugins.", param="logprobs")
    if request.tools is not None and request.tools.as_text:
        raise InvalidParameter(
            'tools with plugins need result_format to be "message".', param="result_format"
        )
