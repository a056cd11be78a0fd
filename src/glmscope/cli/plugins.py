"""From options and settings to the tools and the interpreter of a server, or of this terminal."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from glmscope.cli.config import read_config
from glmscope.errors import SandboxUnavailable, UsageError

if TYPE_CHECKING:
    from glmscope.agent.sandbox_runner import SandboxRunner
    from glmscope.agent.tool_source import ToolSource

_PLUGINS = "Plugins"

InterpreterOption = Annotated[
    bool,
    typer.Option(
        "--interpreter",
        help="Run the code of models that ask for it, in a sandbox (needs bubblewrap).",
        rich_help_panel=_PLUGINS,
    ),
]
ToolsOption = Annotated[
    Path | None,
    typer.Option(
        "--tools",
        metavar="FILE",
        help="Tools that the model may call: a file with a section [tools].",
        rich_help_panel=_PLUGINS,
    ),
]


def code_runner() -> SandboxRunner:
    """What runs code, once a sandbox was tried out. Raises UsageError where none can be had."""
    from glmscope.agent.sandbox import SandboxPool, probe
    from glmscope.agent.sandbox_runner import SandboxRunner

    try:
        asyncio.run(probe())
    except SandboxUnavailable as error:
        raise UsageError(error.message) from None
    return SandboxRunner(SandboxPool())


def tool_source(table: Mapping[str, Any], file: Path) -> ToolSource:
    """The tools of a section [tools] of `file`. Raises UsageError for what cannot be read."""
    from glmscope.agent.tools.assemble import open_tools
    from glmscope.cli.tool_config import read_tool_settings

    return partial(open_tools, read_tool_settings(table, f"{file}, [tools]", file.parent))


def tools_of(file: Path) -> ToolSource:
    """As `tool_source`, of a configuration file that is read for its tools alone."""
    return tool_source(read_config(file).tools, file)
