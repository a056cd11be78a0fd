"""The section [tools] of the configuration file.

[tools]
enabled = ["calculator", "forecast"] # without it: all that there are
timeout = 30                         # seconds of a call
output = 8192                        # characters of an answer

[tools.timeouts]                     # of single tools
forecast = 5

[tools.keys]                         # by a key's id or name; "*": keys that are not listed
"*" = ["calculator"]

[tools.http.weather]                 # an API with an OpenAPI page
page = "weather.yaml"
url = "https://api.example/v1"
token = "WEATHER_TOKEN"              # an environment variable

[tools.mcp.files]                    # an MCP server: a command, or a url
command = ["python", "server.py"]
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from glmscope.agent.tool import ToolBounds
from glmscope.agent.tools.settings import Credential, HttpSource, McpSource, ToolSettings
from glmscope.errors import UsageError
from glmscope.names import check_known

_OWN = ("enabled", "entry_points", "timeout", "timeouts", "output", "keys", "http", "mcp")
_HTTP = ("page", "url", "operations", "token", "header")
_MCP = ("command", "environment", "url", "token", "header")
_DAY = 86_400


def read_tool_settings(table: Mapping[str, Any], place: str, directory: Path) -> ToolSettings:
    """Read the section; `place` names it in errors, files lie below `directory`.

    Raises UsageError, naming the place, for an unknown name and a value of the wrong kind.
    """
    reader = _Table(table, place, _OWN)
    bounds = ToolBounds()
    timeouts = reader.table("timeouts")
    keys = reader.table("keys")
    return ToolSettings(
        enabled=reader.names("enabled"),
        entry_points=reader.names("entry_points"),
        bounds=ToolBounds(
            timeout=reader.seconds("timeout", bounds.timeout),
            timeouts={name: timeouts.seconds(name, 0.0) for name in timeouts.given},
            output=reader.count("output", bounds.output),
        ),
        keys={key: keys.names(key) or frozenset() for key in keys.given},
        http=tuple(_http(*each, directory) for each in reader.tables("http", _HTTP)),
        mcp=tuple(_mcp(*each) for each in reader.tables("mcp", _MCP)),
    )


def _http(name: str, table: _Table, directory: Path) -> HttpSource:
    page, url = table.text("page"), table.text("url")
    if page is None or url is None:
        raise UsageError(f"{table.place} needs a page and a url.")
    if not page.startswith(("http://", "https://")):
        page = str(directory / page)
    return HttpSource(name, page, url, table.texts("operations"), table.credential())


def _mcp(name: str, table: _Table) -> McpSource:
    command, url = table.texts("command"), table.text("url")
    if bool(command) == (url is not None):
        raise UsageError(f"{table.place} needs either a command or a url.")
    environment = table.texts("environment") or ()
    credential = table.credential()
    if command and credential is not None:
        raise UsageError(f"{table.place}: a command gets secrets by environment, not by token.")
    return McpSource(name, command or (), environment, url, credential)


class _Table:
    """One table of the file, read name by name."""

    def __init__(self, given: object, place: str, known: tuple[str, ...] | None = None) -> None:
        """`known`: the names that it may have; None: any."""
        if not isinstance(given, dict):
            raise UsageError(f"{place} is a table.")
        if known is not None:
            check_known(given, known, f"{place}: unknown name")
        self.given: Mapping[str, Any] = given
        self.place = place

    def table(self, name: str) -> _Table:
        """A table within, of any names; empty where there is none."""
        return _Table(self.given.get(name, {}), f"{self.place}, {name}")

    def tables(self, name: str, known: tuple[str, ...]) -> Iterator[tuple[str, _Table]]:
        """The tables within a table within, each of the known names."""
        for each, table in self.table(name).given.items():
            yield each, _Table(table, f"{self.place}, {name}.{each}", known)

    def text(self, name: str) -> str | None:
        value = self.given.get(name)
        if value is not None and (not isinstance(value, str) or not value):
            raise UsageError(f"{self.place}: {name} is text, between quotes.")
        return value

    def texts(self, name: str) -> tuple[str, ...] | None:
        value = self.given.get(name)
        if value is None:
            return None
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise UsageError(f"{self.place}: {name} is a list of texts.")
        return tuple(value)

    def names(self, name: str) -> frozenset[str] | None:
        listed = self.texts(name)
        return None if listed is None else frozenset(listed)

    def seconds(self, name: str, default: float) -> float:
        value = self.given.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < _DAY:
            raise UsageError(f"{self.place}: {name} is a number of seconds above 0.")
        return float(value)

    def count(self, name: str, default: int) -> int:
        value = self.given.get(name, default)
        if type(value) is not int or value < 1:
            raise UsageError(f"{self.place}: {name} is a whole number from 1 on.")
        return value

    def credential(self) -> Credential | None:
        token, header = self.text("token"), self.text("header")
        if token is None and header is not None:
            raise UsageError(f"{self.place}: header needs a token, which it carries.")
        return None if token is None else Credential(token, header)
