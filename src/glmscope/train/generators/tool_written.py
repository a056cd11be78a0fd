"""Tools that somebody wrote whole, with what people say to them and talk that is near.

The tables `[[tool]]` of `tools_scenes_*.toml` have no slots: every question has its own values,
word for word. Tools that stand next to each other there are near each other, and the words of a
question decide between them. What a dialogue makes of them is in `tool_written_scene.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from glmscope.text.toolcall import Value
from glmscope.train.generators.tool_values import Language
from glmscope.train.toml_file import read_toml


@dataclass(frozen=True)
class Ask:
    """What somebody says to a tool, and what is passed on of it."""

    question: str
    arguments: Mapping[str, Value]


@dataclass(frozen=True)
class WrittenTool:
    """A tool as its table has it."""

    name: str
    about: str
    parameters: tuple[tuple[str, str, str], ...]
    """Name, type and description of each."""
    optional: frozenset[str]
    asks: tuple[Ask, ...]
    plain: tuple[tuple[str, str], ...]
    """What needs no tool, with its answer."""
    apart: frozenset[str]
    """Tools that are not offered beside it: some question could be meant for either."""
    knowing: bool
    """Whether it could be asked what talk asks."""
    place: int
    """Where it stands among those of its language."""


def read_written(data: Path) -> dict[Language, tuple[WrittenTool, ...]]:
    """The tools of all `tools_scenes_*.toml` in `data`; a file's name ends in its language.

    Raises ValueError for a question whose arguments do not fit the parameters.
    """
    found: dict[Language, list[WrittenTool]] = {"zh": [], "en": []}
    for path in sorted(data.glob("tools_scenes_*.toml")):
        language: Language = "zh" if path.stem.endswith("_zh") else "en"
        for entry in read_toml(path)["tool"]:
            found[language].append(_tool(entry, len(found[language])))
    return {language: tuple(tools) for language, tools in found.items()}


def _tool(entry: Mapping[str, Any], place: int) -> WrittenTool:
    tool = WrittenTool(
        name=entry["name"],
        about=entry["about"],
        parameters=tuple((name, of_type, about) for name, of_type, about in entry["parameters"]),
        optional=frozenset(entry.get("optional", ())),
        asks=tuple(Ask(question, arguments) for question, arguments in entry["asks"]),
        plain=tuple((question, answer) for question, answer in entry["plain"]),
        apart=frozenset(entry.get("apart", ())),
        knowing=entry.get("knowing", False),
        place=place,
    )
    names = {name for name, _, _ in tool.parameters}
    for ask in tool.asks:
        if not names - tool.optional <= set(ask.arguments) <= names:
            raise ValueError(f"Tool {tool.name}: the arguments of “{ask.question}” do not fit.")
    return tool
