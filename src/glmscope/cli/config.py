"""The configuration file: one TOML file for the database, the server, and what each key may ask.

    database = "postgresql://…"          # for every command that opens it

    [serve]                              # the options of `glmscope serve`, as it calls them
    model = ["chatglm3-6b"]
    host = "0.0.0.0"
    port = 8000

    [limits]                             # of each key, unless `glmscope keys set` says otherwise
    requests_per_minute = 60
    storage = "redis://127.0.0.1:6379/0" # counts for several servers; otherwise each for itself

    [tools]                              # what the server runs for a model, see cli/tool_config

A command's own options and the environment come before the file.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Annotated, Any

import typer

from glmscope import paths
from glmscope.errors import UsageError
from glmscope.names import check_known
from glmscope.store.keyinfo import KeyLimits

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


_COUNTS = [limit.name for limit in fields(KeyLimits)]


@dataclass(frozen=True)
class Config:
    """What a configuration file says. `serve` and `tools` are checked by who uses them."""

    database: str | None = None
    serve: Mapping[str, Any] = field(default_factory=dict)
    limits: KeyLimits = field(default_factory=KeyLimits)
    limits_storage: str | None = None
    tools: Mapping[str, Any] = field(default_factory=dict)


def read_config(path: Path | None) -> Config:
    """Read the file at `path`, or the one in the data directory if there is one.

    Raises UsageError, naming file and place, for a file that cannot be read, is not TOML, or holds
    an unknown name or a value of the wrong kind.
    """
    if path is None:
        path = paths.config_path()
        if not path.exists():
            return Config()
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise UsageError(f"The configuration file {path} cannot be read: {reason}.") from None
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"The configuration file {path} is not valid TOML: {error}.") from None
    check_known(content, ("database", "serve", "limits", "tools"), f"{path}: unknown name")
    limits = _table(content, "limits", path)
    check_known(limits, [*_COUNTS, "storage"], f"{path}, [limits]: unknown name")
    return Config(
        database=_text(content, "database", f"{path}"),
        serve=_table(content, "serve", path),
        limits=_key_limits(limits, f"{path}, [limits]"),
        limits_storage=_text(limits, "storage", f"{path}, [limits]"),
        tools=_table(content, "tools", path),
    )


def _apply(context: typer.Context, path: Path | None) -> Path | None:
    """Make the file's values the defaults of the command that is about to run."""
    config = read_config(path)
    place = f"{path or paths.config_path()}, [serve]"
    defaults: dict[str, Any] = {}
    if context.command.name == "serve":
        options = {option.name or "": option for option in context.command.params}
        known = options.keys() - {"config", "database", "help"}
        check_known(config.serve, known, f"{place}: unknown name")
        for name, value in config.serve.items():
            _check_kind(options[name], value, f"{place}: {name}")
        defaults |= config.serve
    if config.database is not None:
        defaults["database"] = config.database
    context.default_map = defaults
    return path


ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        envvar="GLMSCOPE_CONFIG",
        # Before the other options, whose defaults it sets.
        is_eager=True,
        callback=_apply,
        help="Configuration file (TOML); by default glmscope.toml in the data directory.",
    ),
]


def _check_kind(option: object, value: object, place: str) -> None:
    """Refuse what the option would take for something else, since it reads its value from text."""
    is_list = bool(getattr(option, "multiple", False))
    if isinstance(value, dict) or isinstance(value, list) != is_list:
        raise UsageError(f"{place} is a {'list' if is_list else 'single value'}.")
    is_switch = bool(getattr(option, "is_flag", False))
    if isinstance(value, bool) != is_switch:
        raise UsageError(f"{place} is {'true or false' if is_switch else 'not true or false'}.")


def _key_limits(table: Mapping[str, Any], place: str) -> KeyLimits:
    counts = {name: table[name] for name in _COUNTS if name in table}
    for name, value in counts.items():
        if type(value) is not int:
            raise UsageError(f"{place}: {name} is a whole number.")
    try:
        return KeyLimits(**counts)
    except UsageError as error:
        raise UsageError(f"{place}: {error.message}") from None


def _table(content: Mapping[str, Any], name: str, path: Path) -> dict[str, Any]:
    table = content.get(name, {})
    if not isinstance(table, dict):
        raise UsageError(f"{path}: {name} is a table; write [{name}] on a line of its own.")
    return table


def _text(content: Mapping[str, Any], name: str, place: str) -> str | None:
    text = content.get(name)
    if text is not None and not isinstance(text, str):
        raise UsageError(f"{place}: {name} is text, between quotes.")
    return text
