"""Where a server's tools come from, for as long as it runs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TypeAlias

from glmscope.agent.tool import ToolRegistry
from glmscope.agent.tools.builtin import Calculator, CurrentTime

ToolSource: TypeAlias = Callable[[], AbstractAsyncContextManager[ToolRegistry]]
"""Opens the tools, and lets go of them in the same event loop."""


@asynccontextmanager
async def builtin_tools() -> AsyncIterator[ToolRegistry]:
    """Those that every server has."""
    yield ToolRegistry([Calculator(), CurrentTime()])
