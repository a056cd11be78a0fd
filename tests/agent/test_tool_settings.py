"""What an operator says about tools, and what becomes of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import structlog

from glmscope.agent.tool import ToolBounds
from glmscope.agent.tools.assemble import open_tools
from glmscope.agent.tools.settings import Credential, HttpSource, McpSource, ToolSettings
from glmscope.cli.config import read_config
from glmscope.cli.tool_config import read_tool_settings
from glmscope.errors import UsageError

WHOLE = """
[tools]
enabled = ["calculator", "forecast"]
entry_points = []
timeout = 10
output = 2000

[tools.timeouts]
forecast = 2.5

[tools.keys]
"*" = ["calculator"]
team-a = ["calculator", "code_interpreter"]

[tools.http.weather]
page = "weather.yaml"
url = "https://api.example/v1"
operations = ["forecast"]
token = "WEATHER_TOKEN"
header = "X-Key"

[tools.mcp.files]
command = ["python", "server.py"]
environment = ["FILES_TOKEN"]

[tools.mcp.remote]
url = "https://mcp.example/mcp"
token = "MCP_TOKEN"
"""


def settings(path: Path, text: str) -> ToolSettings:
    file = path / "glmscope.toml"
    file.write_text(text, "utf-8")
    return read_tool_settings(read_config(file).tools, "glmscope.toml, [tools]", path)


def test_a_whole_section(tmp_path: Path) -> None:
    assert settings(tmp_path, WHOLE) == ToolSettings(
        enabled=frozenset({"calculator", "forecast"}),
        entry_points=frozenset(),
        bounds=ToolBounds(timeout=10.0, timeouts={"forecast": 2.5}, output=2000),
        keys={
            "*": frozenset({"calculator"}),
            "team-a": frozenset({"calculator", "code_interpreter"}),
        },
        http=(
            HttpSource(
                "weather",
                str(tmp_path / "weather.yaml"),
                "https://api.example/v1",
                ("forecast",),
                Credential("WEATHER_TOKEN", "X-Key"),
            ),
        ),
        mcp=(
            McpSource("files", ("python", "server.py"), ("FILES_TOKEN",)),
            McpSource("remote", url="https://mcp.example/mcp", credential=Credential("MCP_TOKEN")),
        ),
    )


def test_without_a_section(tmp_path: Path) -> None:
    assert settings(tmp_path, "") == ToolSettings()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[tools]\nenabeld = []", 'unknown name "enabeld"; did you mean "enabled"'),
        ("[tools]\nenabled = 'calculator'", "enabled is a list of texts"),
        ("[tools]\nenabled = [1]", "enabled is a list of texts"),
        ("[tools]\ntimeout = 0", "timeout is a number of seconds above 0"),
        ("[tools]\ntimeout = true", "timeout is a number of seconds"),
        ("[tools]\noutput = 1.5", "output is a whole number"),
        ("[tools.timeouts]\nx = '1'", "timeouts: x is a number of seconds"),
        ("[tools]\nkeys = 1", "keys is a table"),
        ("[tools.http.w]\nurl = 'http://h'", "http.w needs a page and a url"),
        ("[tools.http.w]\npath = 'x'", 'http.w: unknown name "path"'),
        ("[tools.http.w]\npage = ''\nurl = 'http://h'", "page is text"),
        ("[tools.mcp.m]\nenvironment = []", "mcp.m needs either a command or a url"),
        ("[tools.mcp.m]\ncommand = ['x']\nurl = 'http://h'", "either a command or a url"),
        ("[tools.mcp.m]\ncommand = ['x']\ntoken = 'T'", "gets secrets by environment"),
        ("[tools.mcp.m]\nurl = 'http://h'\nheader = 'X'", "header needs a token"),
    ],
)
def test_a_slip_is_one_sentence_with_its_place(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(UsageError) as error:
        settings(tmp_path, text)
    assert error.value.message.startswith("glmscope.toml, [tools]")
    assert told in error.value.message


async def test_the_built_in_tools_are_there_without_a_word() -> None:
    async with open_tools(ToolSettings(entry_points=frozenset())) as registry:
        assert list(registry.tools) == ["calculator", "current_time"]


async def test_what_is_not_enabled_is_not_there() -> None:
    enabled = frozenset({"current_time"})
    async with open_tools(ToolSettings(enabled, entry_points=frozenset())) as registry:
        assert list(registry.tools) == ["current_time"]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (ToolSettings(enabled=frozenset({"calculater"})), 'enabled: there is no tool "calculater"'),
        (ToolSettings(bounds=ToolBounds(timeouts={"x": 1.0})), 'timeouts: there is no tool "x"'),
        (ToolSettings(keys={"a": frozenset({"x"})}), 'keys.a: there is no tool "x"'),
    ],
)
async def test_names_of_tools_that_are_not_there(given: ToolSettings, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        async with open_tools(given):
            pass


async def test_names_that_are_taken_and_tools_that_cannot_be_offered(tmp_path: Path) -> None:
    names = ["calculator", "interpreter", "fine"]
    paths: dict[str, Any] = {f"/{name}": {"get": {"operationId": name}} for name in names}
    numbers = {"name": "n", "in": "query", "required": True, "schema": {"$ref": "#/components/x"}}
    paths["/bad"] = {"get": {"operationId": "bad", "parameters": [numbers]}}
    no_schema = {"name": "n", "in": "query", "schema": {"type": "whole number"}}
    paths["/none"] = {"get": {"operationId": "none", "parameters": [no_schema]}}
    page = tmp_path / "page.json"
    page.write_text(json.dumps({"openapi": "3.0.0", "paths": paths}), "utf-8")
    api = HttpSource("api", str(page), "http://127.0.0.1:1")
    given = ToolSettings(
        entry_points=frozenset(), keys={"a": frozenset({"code_interpreter"})}, http=(api,)
    )
    with structlog.testing.capture_logs() as logs:
        async with open_tools(given) as registry:
            found = list(registry.tools)
    own = ["calculator", "current_time"]
    assert found == [*own, "api_calculator", "api_interpreter", "fine"]
    assert {log["tool"]: log["reason"] for log in logs} == {
        "bad": "bad.parameters refers to something that it does not hold.",
        "none": "This model cannot follow the JSON schema of none.parameters: "
        'type of "n" of it is not a type of JSON.',
    }
