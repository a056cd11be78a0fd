"""Functions and entry points as tools."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Optional

import pytest

from glmscope.agent.tool import Tool, ToolBounds, ToolError, ToolRegistry, ToolResult
from glmscope.agent.tools.entry_points import load_entry_points
from glmscope.agent.tools.function import FunctionTool
from glmscope.errors import UsageError


def forecast(
    city: Annotated[str, "in Chinese"],
    days: int = 3,
    unit: Literal["C", "F"] = "C",
    places: Optional[list[str]] = None,  # noqa: UP045 - the older spelling is read as well
    extra: dict[str, float] | None = None,
) -> dict[str, Any]:
    """The forecast of a city.

    In a unit.
    """
    return {"city": city, "days": days, "unit": unit, "places": places, "extra": extra}


def test_the_schema_is_read_from_the_signature() -> None:
    tool = FunctionTool(forecast)
    assert tool.name == "forecast"
    assert tool.description == "The forecast of a city.\n\nIn a unit."
    null = {"type": "null"}
    assert tool.parameters == {
        "type": "object",
        "properties": {
            "city": {"type": "string", "description": "in Chinese"},
            "days": {"type": "integer", "default": 3},
            "unit": {"enum": ["C", "F"], "default": "C"},
            "places": {
                "anyOf": [{"type": "array", "items": {"type": "string"}}, null],
                "default": None,
            },
            "extra": {
                "anyOf": [{"type": "object", "additionalProperties": {"type": "number"}}, null],
                "default": None,
            },
        },
        "required": ["city"],
        "additionalProperties": False,
    }


def untold(city: str) -> str:
    return city


def unhinted(city) -> str:  # type: ignore[no-untyped-def]
    """Of a city."""
    return str(city)


def of_bytes(content: bytes) -> str:
    """Of bytes."""
    return str(content)


def of_many(*cities: str) -> str:
    """Of cities."""
    return str(cities)


@pytest.mark.parametrize(
    ("function", "told"),
    [
        (untold, "untold has no docstring"),
        (unhinted, 'unhinted has no type hint for "city"'),
        (of_bytes, 'parameter "content": .*bytes.* is no type that JSON has'),
        (of_many, "cannot be given by name"),
    ],
)
def test_a_function_that_cannot_be_a_tool(function: Any, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        FunctionTool(function)


async def run(
    function: Any, arguments: Mapping[str, Any], bounds: ToolBounds | None = None
) -> ToolResult:
    tool = FunctionTool(function)
    return await ToolRegistry([tool], bounds).run(tool, arguments)


async def test_what_a_function_returns() -> None:
    def result(kind: str) -> object:
        """As wanted."""
        return {"text": "晴", "result": ToolResult("it", is_error=True), "none": None}[kind]

    assert await run(result, {"kind": "text"}) == ToolResult("晴")
    assert await run(result, {"kind": "result"}) == ToolResult("it", is_error=True)
    assert await run(result, {"kind": "none"}) == ToolResult("null")
    told = '{"city": "北京", "days": 2, "unit": "C", "places": null, "extra": null}'
    assert await run(forecast, {"city": "北京", "days": 2}) == ToolResult(told)


async def test_an_asynchronous_function_runs_on_the_loop() -> None:
    async def where() -> str:
        """Where it runs."""
        await asyncio.sleep(0)
        return threading.current_thread().name

    assert await run(where, {}) == ToolResult(threading.current_thread().name)


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ToolError("Closed on Sundays."), "Closed on Sundays."),
        (KeyError("secret"), "leave failed (KeyError)."),
        (SystemExit(3), "leave failed (RuntimeError)."),
        (StopIteration(), "leave failed (RuntimeError)."),
        (KeyboardInterrupt(), "leave failed (RuntimeError)."),
    ],
)
async def test_what_a_function_raises(error: BaseException, text: str) -> None:
    def leave() -> str:
        """Leaves."""
        raise error

    assert await run(leave, {}) == ToolResult(text, is_error=True)


async def test_functions_that_hang_are_waited_for_no_longer_and_bounded_in_number() -> None:
    release = threading.Event()

    def hang() -> str:
        """Hangs."""
        release.wait()
        return "late"

    tool = FunctionTool(hang)
    registry = ToolRegistry([tool], ToolBounds(timeout=0.05))
    results = await asyncio.gather(*(registry.run(tool, {}) for _ in range(20)))
    texts = [result.text for result in results]
    assert texts.count("hang gave no answer within 0.05 seconds.") == 16
    assert texts.count("hang is still busy with earlier calls.") == 4
    release.set()
    while (result := await registry.run(tool, {})).is_error:
        await asyncio.sleep(0.01)
    assert result.text == "late"


PACKAGE = '''
from glmscope.agent.tool import Tool, ToolResult

class Shout:
    name = "shout"
    description = "Says it loudly."
    parameters = {"type": "object", "properties": {"text": {"type": "string"}}}

    async def call(self, arguments):
        return ToolResult(arguments["text"].upper())

def whisper(text: str) -> str:
    """Says it quietly."""
    return text.lower()

def several() -> list[Tool]:
    return [Shout(), whisper]

broken = 5
'''


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A directory as an installer leaves it, with a module and its entry points."""
    (tmp_path / "voices_of_test.py").write_text(PACKAGE, "utf-8")
    information = tmp_path / "voices-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: voices\nVersion: 1.0\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield information / "entry_points.txt"
    import sys

    sys.modules.pop("voices_of_test", None)


def install(file: Path, **points: str) -> None:
    lines = [f"{name} = {target}" for name, target in points.items()]
    file.write_text("[glmscope.tools]\n" + "\n".join(lines) + "\n", "utf-8")


async def test_an_installed_package_brings_tools(package: Path) -> None:
    install(package, one="voices_of_test:Shout", two="voices_of_test:whisper")
    registry = ToolRegistry(load_entry_points())
    assert list(registry.tools) == ["shout", "whisper"]
    shout, whisper = registry.tools.values()
    assert await registry.run(shout, {"text": "Hi"}) == ToolResult("HI")
    assert await registry.run(whisper, {"text": "Hi"}) == ToolResult("hi")


def test_a_function_that_returns_tools_is_called_for_them(package: Path) -> None:
    install(package, both="voices_of_test:several")
    assert [tool.name for tool in load_entry_points()] == ["shout", "whisper"]


def test_only_the_named_entry_points_are_loaded(package: Path) -> None:
    install(package, good="voices_of_test:whisper", bad="voices_of_test:nosuch")
    tools: list[Tool] = load_entry_points({"good"})
    assert [tool.name for tool in tools] == ["whisper"]
    with pytest.raises(UsageError, match='No installed package has an entry point "other"'):
        load_entry_points({"other"})


@pytest.mark.parametrize(
    ("target", "told"),
    [
        ("voices_of_test:nosuch", "cannot be loaded: AttributeError"),
        ("no_module_of_test:x", "cannot be loaded: ModuleNotFoundError"),
        ("voices_of_test:broken", "int is neither a tool nor a function"),
    ],
)
def test_an_entry_point_that_is_no_tool(package: Path, target: str, told: str) -> None:
    install(package, voice=target)
    with pytest.raises(UsageError, match=f'The entry point "voice" of voices.*{told}'):
        load_entry_points()
