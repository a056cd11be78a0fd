"""The tools that every server has: they compute, and reach for nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from typing import Any, ClassVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from glmscope.agent.tool import ToolError, ToolResult
from glmscope.agent.tools.arithmetic import ArithmeticSlip, calculate
from glmscope.text.toolcall import Value


class Calculator:
    """Arithmetic."""

    name = "calculator"
    description = (
        "Computes an arithmetic expression: + - * / // % **, parentheses, pi, e, and sqrt, sin, "
        "cos, tan (radians), log (natural, or of a base given second), exp, abs, round, min, max."
    )
    parameters: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "properties": {
            "expression": {"type": "string", "description": "For example (1 + 2) * sqrt(16)"}
        },
        "required": ["expression"],
    }

    async def call(self, arguments: Mapping[str, Value]) -> ToolResult:
        """The value; floats with fifteen digits, so that 0.1 + 0.2 is 0.3."""
        try:
            value = calculate(str(arguments["expression"]))
        except ArithmeticSlip as slip:
            raise ToolError(str(slip)) from None
        return ToolResult(str(value) if isinstance(value, int) else f"{value:.15g}")


class CurrentTime:
    """The time of day."""

    name = "current_time"
    description = "Tells the current date, time and weekday, in a time zone or where the server is."
    parameters: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "properties": {
            "timezone": {
                "type": "string",
                "description": "IANA name of a time zone, for example Asia/Shanghai",
            }
        },
        "required": [],
    }

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(timezone.utc)) -> None:
        """`now`: a clock that knows its time zone."""
        self._now = now

    async def call(self, arguments: Mapping[str, Value]) -> ToolResult:
        """Date, time, offset, weekday, and the zone's name where one was given."""
        name = arguments.get("timezone")
        time = self._now().astimezone(None if name is None else _zone(str(name)))
        told = f"{time.isoformat(sep=' ', timespec='seconds')} {time:%A}"
        return ToolResult(told if name is None else f"{told} ({name})")


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    # A name that is a directory or no path at all is looked for all the same.
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ToolError(
            f'There is no time zone "{name[:64]}"; names look like Asia/Shanghai.'
        ) from None
