"""Where the calls of one reply are run: tools of the registry, code, and neither of them thrice."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

from glmscope.agent.code_runner import CodeDesk
from glmscope.agent.plugins import CODE_INTERPRETER
from glmscope.agent.tool import Tool, ToolRegistry, ToolResult
from glmscope.chat.events import ToolCall
from glmscope.chat.past_calls import PastCall
from glmscope.chat.trace import Outcome, StepTrace
from glmscope.text.code import INTERPRETER

_AGAIN = "This call was made before, with the same arguments. Its result was:\n"
MOST_ALIKE = 2
"""So often the same call may be made; the second time its result is said again."""


class Workbench:
    """Knows what the server runs for a reply, and what it has run so far."""

    def __init__(
        self,
        registry: ToolRegistry,
        tools: Sequence[Tool],
        desk: CodeDesk | None,
        *,
        closes_desk: bool = True,
    ) -> None:
        """`closes_desk`: with the bench, where no later reply of the conversation needs it."""
        self._closes_desk = closes_desk
        self._registry = registry
        self._tools = {tool.name: tool for tool in tools}
        self._desk = desk
        self._calls: Counter[str] = Counter()
        self._results: dict[str, ToolResult] = {}

    def own(self, call: ToolCall) -> PastCall | None:
        """The call as the history keeps it; None where it is not the server's to run."""
        arguments = json.loads(call.arguments)
        if self._desk is not None and call.name == INTERPRETER:
            return PastCall.of_code(call.id, arguments["code"])
        if call.name in self._tools:
            return PastCall(call.id, call.name, arguments)
        return None

    def note(self, call: PastCall) -> bool:
        """Count the call. False where it has been made too often to be answered once more."""
        key = _key(call)
        self._calls[key] += 1
        return self._calls[key] <= MOST_ALIKE

    async def run(self, call: PastCall) -> tuple[ToolResult, StepTrace]:
        """The result of a call, or that of the same call before.

        Raises what `CodeDesk.run` raises.
        """
        begun = time.monotonic()
        known = self._results.get(_key(call))
        if known is None:
            result = self._results[_key(call)] = await self._result(call)
            outcome: Outcome = "failed" if result.is_error else "done"
        else:
            result, outcome = ToolResult(_AGAIN + known.text, (), known.is_error), "repeated"
        seconds = time.monotonic() - begun
        return result, StepTrace(plugin_name(call), outcome, seconds, len(result.text))

    async def close(self) -> None:
        """Let go of what the calls needed."""
        if self._desk is not None and self._closes_desk:
            await self._desk.close()

    async def _result(self, call: PastCall) -> ToolResult:
        if call.code is None:
            return await self._registry.run(self._tools[call.name], call.arguments)
        if self._desk is None:
            raise RuntimeError("code without an interpreter")
        return await self._desk.run(call.code)


def plugin_name(call: PastCall) -> str:
    """What requests call the plugin that a call is for."""
    return call.name if call.code is None else CODE_INTERPRETER


def _key(call: PastCall) -> str:
    asked: Any = call.arguments if call.code is None else call.code
    return json.dumps([call.name, asked], sort_keys=True)
