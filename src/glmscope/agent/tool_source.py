"""Where a server's tools come from, for as long as it runs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TypeAlias

from glmscope.agent.agent import Agent
from glmscope.agent.tool import ToolRegistry
from glmscope.agent.tools.builtin import Calculator, CurrentTime

ToolSource: TypeAlias = Callable[[], AbstractAsyncContextManager[ToolRegistry]]
"""Opens the tools, and lets go of them in the same event loop."""


class OpenedTools:
    """Gives an agent its tools, opened by whoever comes first.

    That is the server that runs the application, so that what the operator has to mend is told in
    one sentence; elsewhere it is the application's own lifespan.
    """

    def __init__(self, agent: Agent, source: ToolSource) -> None:
        self._agent = agent
        self._source = source
        self._is_open = False

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Have them for the length of the block. Raises UsageError for tools that fail."""
        if self._is_open:
            yield
            return
        async with self._source() as registry:
            self._agent.use(registry)
            self._is_open = True
            yield


@asynccontextmanager
async def builtin_tools() -> AsyncIterator[ToolRegistry]:
    """Those that every server has."""
    yield ToolRegistry([Calculator(), CurrentTime()])
