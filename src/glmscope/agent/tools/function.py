"""A plain Python function as a tool."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import json
import threading
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from glmscope.agent.tool import ToolError, ToolResult
from glmscope.agent.tools.signature import parameters_of
from glmscope.errors import UsageError
from glmscope.text.toolcall import Value

_MOST_THREADS = 16
"""Of one function. A thread cannot be stopped: one whose time is over runs on by itself."""


class FunctionTool:
    """Calls a function with the arguments by name; the model reads what it returns.

    An asynchronous function runs on the event loop, any other in a thread of its own.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        """Name, description and parameters are the function's own, with docstring and type hints.

        Raises UsageError for a function without a docstring, and as `parameters_of` does.
        """
        self.name: str = function.__name__
        self.description: str = inspect.getdoc(function) or ""
        self.parameters: Mapping[str, Any] = parameters_of(function)
        if not self.description:
            raise UsageError(
                f"The function {self.name} has no docstring to tell a model what it does."
            )
        self._function = function
        self._threads = 0

    async def call(self, arguments: Mapping[str, Value]) -> ToolResult:
        """What the function returns: text as it is, a ToolResult as it is, anything else as JSON.

        Raises what the function raises.
        """
        if inspect.iscoroutinefunction(self._function):
            returned = await self._function(**arguments)
        else:
            returned = await self._in_thread(partial(self._function, **arguments))
        if isinstance(returned, ToolResult):
            return returned
        if isinstance(returned, str):
            return ToolResult(returned)
        return ToolResult(json.dumps(returned, ensure_ascii=False))

    async def _in_thread(self, work: Callable[[], object]) -> object:
        """Not in a pool: functions that hang would fill it, and keep the process from ending."""
        if self._threads >= _MOST_THREADS:
            raise ToolError(f"{self.name} is still busy with earlier calls.")
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[object] = loop.create_future()
        context = contextvars.copy_context()

        def settle(result: object, error: BaseException | None) -> None:
            self._threads -= 1
            if ended.cancelled():
                return
            if error is None:
                ended.set_result(result)
            elif isinstance(error, Exception) and not isinstance(error, StopIteration):
                ended.set_exception(error)
            else:  # would end the event loop, or cannot be carried by a future
                ended.set_exception(RuntimeError(type(error).__name__))

        def run() -> None:
            result: object = None
            failure: BaseException | None = None
            try:
                result = context.run(work)
            except BaseException as error:
                failure = error
            if not loop.is_closed():
                loop.call_soon_threadsafe(settle, result, failure)

        self._threads += 1
        threading.Thread(target=run, name=f"tool {self.name}", daemon=True).start()
        return await ended
