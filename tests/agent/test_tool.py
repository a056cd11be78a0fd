"""The registry: whatever a tool does ends in a bounded result."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest
import structlog

from glmscope.agent.tool import ToolBounds, ToolError, ToolFile, ToolRegistry, ToolResult
from glmscope.agent.tools.builtin import Calculator, CurrentTime
from glmscope.errors import AccessDenied, InvalidParameter, UsageError

CITY: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "city": {"type": "string", "maxLength": 10},
        "days": {"type": "integer", "maximum": 7, "multipleOf": 1},
    },
    "required": ["city"],
}


class Weather:
    """A tool that does as a test wants."""

    name = "weather"
    description = "The weather of a city."

    def __init__(
        self,
        does: Callable[[], Awaitable[ToolResult]] | None = None,
        parameters: Mapping[str, Any] = CITY,
    ) -> None:
        self.calls: list[Mapping[str, Any]] = []
        self.parameters = parameters
        self._does = does

    async def call(self, arguments: Mapping[str, Any]) -> ToolResult:
        self.calls.append(arguments)
        return ToolResult("晴") if self._does is None else await self._does()


def raising(error: BaseException) -> Weather:
    async def does() -> ToolResult:
        raise error

    return Weather(does)


async def run(tool: Weather, bounds: ToolBounds | None = None) -> ToolResult:
    return await ToolRegistry([tool], bounds).run(tool, {"city": "北京"})


async def test_a_call_has_its_arguments_and_gives_its_result() -> None:
    tool = Weather()
    assert await run(tool) == ToolResult("晴")
    assert tool.calls == [{"city": "北京"}]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({}, "'city' is a required property"),
        ({"city": 5}, "['city']: 5 is not of type 'string'"),
        ({"city": "北京", "days": 9}, "['days']: 9 is greater than the maximum of 7"),
        ({"city": "a" * 5000}, "is too long"),
    ],
)
async def test_arguments_are_checked_before_the_call(arguments: dict[str, Any], told: str) -> None:
    tool = Weather()
    result = await ToolRegistry([tool]).run(tool, arguments)
    assert result.is_error
    assert result.text.startswith("The arguments of weather are wrong: ")
    assert told in result.text
    assert len(result.text) < 400
    assert tool.calls == []


async def test_a_schema_neither_fetches_nor_matches_patterns() -> None:
    elsewhere = {"type": "object", "properties": {"a": {"$ref": "http://127.0.0.1:9/schema"}}}
    tool = Weather(parameters=elsewhere)
    result = await ToolRegistry([tool]).run(tool, {"a": 1})
    assert "refers to something that it does not hold" in result.text
    slow = {"type": "object", "properties": {"a": {"type": "string", "pattern": "^(a+)+$"}}}
    tool = Weather(parameters=slow)
    assert not (await ToolRegistry([tool]).run(tool, {"a": "a" * 40 + "b"})).is_error


async def test_a_tool_that_takes_too_long_is_cancelled() -> None:
    cancelled = asyncio.Event()

    async def does() -> ToolResult:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()
        raise AssertionError

    result = await run(Weather(does), ToolBounds(timeouts={"weather": 0.01}))
    assert result == ToolResult("weather gave no answer within 0.01 seconds.", is_error=True)
    assert cancelled.is_set()


async def test_cancelling_the_run_cancels_the_tool() -> None:
    begun, cancelled = asyncio.Event(), asyncio.Event()

    async def does() -> ToolResult:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()
        raise AssertionError

    running = asyncio.create_task(run(Weather(does)))
    await begun.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert cancelled.is_set()


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ToolError("There is no such city."), "There is no such city."),
        (ValueError("postgres://user:secret@host"), "weather failed (ValueError)."),
        (TimeoutError("of its own"), "weather failed (TimeoutError)."),
    ],
)
async def test_an_exception_is_one_sentence_without_its_secret(error: Exception, text: str) -> None:
    with structlog.testing.capture_logs() as logs:
        assert await run(raising(error)) == ToolResult(text, is_error=True)
    assert "secret" not in str(logs)
    assert [log["event"] for log in logs] == (
        [] if isinstance(error, ToolError) else ["tool_failed"]
    )


async def test_output_is_cut_with_the_count_said() -> None:
    async def does() -> ToolResult:
        files = ToolFile("a.png", bytes(60)), ToolFile("b.png", bytes(60)), ToolFile("c", bytes(9))
        return ToolResult("字" * 53_210, files)

    result = await run(Weather(does), ToolBounds(output=1024, file_bytes=100))
    cut = "字" * 1024 + "… [TRUNCATED: 1024 of 53210 characters]"
    assert result.text == cut + "\n[LEFT OUT: b.png, 60 bytes]"
    assert [file.name for file in result.files] == ["a.png", "c"]


async def test_halves_of_characters_do_not_pass() -> None:
    async def does() -> ToolResult:
        return ToolResult("a\ud83d")

    assert (await run(Weather(does))).text == "a\ufffd"


def test_what_is_offered() -> None:
    tools = Calculator(), CurrentTime(), Weather()
    allowed = {
        "id-1": frozenset({"weather", "calculator"}),
        "team": frozenset({"calculator", "code_interpreter"}),
    }
    registry = ToolRegistry(tools, allowed=allowed)
    calculator, clock, weather = tools
    assert registry.offered((), ["weather", "current_time", "weather"]) == (weather, clock)
    assert registry.offered(("id-1", "other"), ["weather"]) == (weather,)
    assert registry.offered(("id-1", "team"), ["calculator"]) == (calculator,)
    with pytest.raises(AccessDenied, match='may not use the tool "weather"'):
        registry.offered(("id-1", "team"), ["weather"])
    with pytest.raises(InvalidParameter, match='no tool "nosuch"'):
        registry.offered((), ["nosuch"])
    assert registry.allows(("x", "team"), "code_interpreter")
    assert not registry.allows(("id-1",), "code_interpreter")


def test_a_list_for_keys_that_have_none() -> None:
    allowed = {"*": frozenset({"calculator"}), "id-1": frozenset({"weather"})}
    registry = ToolRegistry([Calculator(), Weather()], allowed=allowed)
    assert registry.allows((), "calculator")
    assert not registry.allows(("id-2", "name"), "weather")
    assert registry.allows(("id-1", "name"), "weather")
    assert not registry.allows(("id-1", "name"), "calculator")


def test_two_tools_of_one_name_and_a_name_that_is_none() -> None:
    with pytest.raises(UsageError, match='Two tools are called "calculator"'):
        ToolRegistry([Calculator(), Calculator()])
    tool = Weather()
    tool.name = "no name"
    with pytest.raises(UsageError, match="letters, digits"):
        ToolRegistry([tool])
    with pytest.raises(UsageError, match="object"):
        ToolRegistry([Weather(parameters={"type": "string"})])


def test_a_model_is_held_to_what_it_can_be_held_to() -> None:
    """A divisor cannot be followed by sampling: it is checked, and left out of the declaration."""
    tool = Weather()
    shown = ToolRegistry([tool]).declaration(tool).shown
    assert shown["parameters"]["properties"] == {
        "city": {"type": "string", "maxLength": 10},
        "days": {"type": "integer", "maximum": 7},
    }
    assert shown["parameters"]["required"] == ["city"]


@pytest.mark.parametrize(
    ("given", "held"),
    [
        ({"type": "string", "pattern": "^a", "minLength": 2}, {"type": "string", "minLength": 2}),
        ({"type": "string", "maxLength": 5000}, {"type": "string"}),
        ({"type": "integer", "minimum": 1, "maximum": 2, "multipleOf": 1},
         {"type": "integer", "minimum": 1, "maximum": 2}),
        ({"type": "number", "minimum": -90.5}, {"type": "number", "minimum": -90.5}),
        ({"type": "number", "minimum": 1e15}, {"type": "number"}),
        ({"type": ["string", "null"], "format": "date", "pattern": "2"},
         {"format": "date", "type": ["string", "null"]}),
        ({"$ref": "#/$defs/Point"}, {"$ref": "#/$defs/Point"}),
        ({"$ref": "https://elsewhere/x"}, {}),
        ({"oneOf": [{"type": "string", "pattern": "x"}, {"type": "null"}]},
         {"anyOf": [{"type": "string"}, {"type": "null"}]}),
        ({"allOf": [{"type": "integer", "multipleOf": 2}]}, {"type": "integer"}),
        ({"type": "array", "items": {"type": "number", "multipleOf": 2}, "uniqueItems": True},
         {"type": "array", "items": {"type": "number"}}),
        ({"properties": {"x": {"not": {}}}, "minProperties": 1},
         {"type": "object", "properties": {"x": {}}}),
        ({"enum": [1, 2], "multipleOf": 1}, {"enum": [1, 2]}),
    ],
)  # fmt: skip
def test_a_schema_with_demands_that_sampling_cannot_follow(
    given: dict[str, Any], held: dict[str, Any]
) -> None:
    parameters = {
        "type": "object",
        "properties": {"a": given, "b": {"type": "string", "pattern": "."}},
        "$defs": {"Point": {"type": "object", "properties": {"x": {"type": "number"}}}},
    }
    tool = Weather(parameters=parameters)
    assert ToolRegistry([tool]).declaration(tool).parameters["properties"]["a"] == held
