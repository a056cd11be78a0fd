"""From a section [tools] to the tools of a server, or of this terminal."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glmscope.cli.config import read_config

if TYPE_CHECKING:
    from glmscope.agent.tool_source import ToolSource


def tool_source(table: Mapping[str, Any], file: Path) -> ToolSource:
    """The tools of a section [tools] of `file`. Raises UsageError for what cannot be read."""
    from glmscope.agent.tools.assemble import open_tools
    from glmscope.cli.tool_config import read_tool_settings

    return partial(open_tools, read_tool_settings(table, f"{file}, [tools]", file.parent))


def tools_of(file: Path) -> ToolSource:
    """As `tool_source`, of a configuration file that is read for its tools alone."""
    return tool_source(read_config(file).tools, file)
