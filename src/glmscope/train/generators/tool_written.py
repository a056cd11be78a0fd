"""Tools that somebody wrote whole, with what people say to them and talk that is near.

The tables `[[tool]]` of `tools_scenes_*.toml` have no slots: every question has its own values,
word for word. Tools that stand next to each other there are near each other, and the words of a
question decide between them. What a dialogue makes of them is in `tool_written_scene.py`.
"""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from glmscope.text.toolcall import Value
from glmscope.train.generators.tool_values import Language
from glmscope.train.toml_file import read_toml

_COMMON_SHARE = 0.03
"""Words that more of the tools have in name and description say nothing of what a tool is about."""


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
    hand: str
    """The file it comes from: whoever wrote that has told its own tools apart."""
    subjects: frozenset[str] = frozenset()
    """Words of its name and description that few tools have, in Chinese two signs each."""

    def may_be_meant_with(self, other: WrittenTool) -> bool:
        """Whether some question to one could as well be meant for the other."""
        if self.name == other.name or self.name in other.apart or other.name in self.apart:
            return True
        return self.hand != other.hand and bool(self.subjects & other.subjects)


def read_written(data: Path) -> dict[Language, tuple[WrittenTool, ...]]:
    """The tools of all `tools_scenes_*.toml` in `data`; a file's name ends in its language.

    Raises ValueError for a question whose arguments do not fit the parameters.
    """
    found: dict[Language, list[WrittenTool]] = {"zh": [], "en": []}
    for path in sorted(data.glob("tools_scenes_*.toml")):
        language: Language = "zh" if path.stem.endswith("_zh") else "en"
        for entry in read_toml(path)["tool"]:
            found[language].append(_tool(entry, len(found[language]), path.stem))
    return {language: tuple(_with_subjects(tools)) for language, tools in found.items()}


def _with_subjects(tools: Sequence[WrittenTool]) -> Iterable[WrittenTool]:
    words = [_words(f"{tool.name} {tool.about}") for tool in tools]
    counts = Counter(word for of_tool in words for word in of_tool)
    few = {word for word, count in counts.items() if count <= max(2, _COMMON_SHARE * len(tools))}
    for tool, of_tool in zip(tools, words, strict=True):
        yield dataclasses.replace(tool, subjects=frozenset(of_tool & few))


def _words(text: str) -> set[str]:
    """Latin words, also out of `book_table` and `bookTable`, and every two Chinese signs."""
    latin = re.findall(r"[A-Z]?[a-z]{2,}", text)
    chinese = re.findall(r"(?=([一-鿿]{2}))", text)
    return {word.lower() for word in latin} | set(chinese)


def _tool(entry: Mapping[str, Any], place: int, hand: str) -> WrittenTool:
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
        hand=hand,
    )
    names = {name for name, _, _ in tool.parameters}
    for ask in tool.asks:
        if not names - tool.optional <= set(ask.arguments) <= names:
            raise ValueError(f"Tool {tool.name}: the arguments of “{ask.question}” do not fit.")
    return tool
