"""Scenes that somebody wrote whole: simple tools, what people say to them, and talk that is near.

The tables `[[tool]]` of `tools_scenes_*.toml` have no slots: every question has its own values,
word for word. Tools that stand next to each other there are near each other, and the words of a
question decide between them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glmscope.text.prompt import PromptMessage
from glmscope.text.toolcall import Value, write_fenced_call
from glmscope.train.dialogue import Dialogue
from glmscope.train.generators.tool_dress import styled
from glmscope.train.generators.tool_values import Language
from glmscope.train.toml_file import read_toml

if TYPE_CHECKING:
    from glmscope.train.generators.tool_scene import Scene

_NEAR = 3
"""So far apart tools of the same file are near each other."""
_OFFERED = {1: 12, 2: 25, 3: 30, 4: 20, 5: 13}
"""How many tools are offered, by weight."""
_ASKED = (1, 1, 2, 2, 3, 4)
_PLAIN_SHARE = 0.25
"""How many turns need no tool."""
_RESTYLED_SHARE = 0.3
_UNMARKED_SHARE = 0.2
"""How many questions have no mark at their end."""
_BARE_SHARE = 0.15
"""How often parameters have no description."""
_ERRORS = ("not found", "timeout", "server error")
_ANSWERS_ALL = re.compile("encyclop|wiki|web|internet|question|knowledge|search_online", re.I)
"""Names of tools that common knowledge may well be asked of."""


@dataclass(frozen=True)
class WrittenTool:
    """A tool as its table has it; `place` is where that stands, among those of its language."""

    name: str
    about: str
    parameters: tuple[tuple[str, str, str], ...]
    optional: frozenset[str]
    asks: tuple[tuple[str, Mapping[str, Value]], ...]
    plain: tuple[tuple[str, str], ...]
    place: int


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
        entry["name"],
        entry["about"],
        tuple((name, type_name, about) for name, type_name, about in entry["parameters"]),
        frozenset(entry.get("optional", ())),
        tuple((question, arguments) for question, arguments in entry["asks"]),
        tuple((question, answer) for question, answer in entry["plain"]),
        place,
    )
    names = {name for name, _, _ in tool.parameters}
    for question, arguments in tool.asks:
        if not names - tool.optional <= set(arguments) <= names:
            raise ValueError(f"Tool {tool.name}: the arguments of “{question}” do not fit.")
    return tool


def written_scene(scene: Scene) -> Dialogue:
    """One to four turns under one to five written tools; most of them ask for one of these."""
    rng = scene.rng
    tools = _offered(scene)
    style = rng.choice(("snake", "camel")) if rng.random() < _RESTYLED_SHARE else ""
    bare = rng.random() < _BARE_SHARE
    names = {tool.name: _restyled(tool.name, style) for tool in tools}
    messages = [scene.system([_described(tool, names[tool.name], style, bare) for tool in tools])]
    kind = "tool_none"
    for turn in _turns(scene, tools):
        if messages[-1].metadata:
            messages += _failed(scene)
        if isinstance(turn, tuple):
            question, answer = turn
            messages += [PromptMessage("user", question), PromptMessage("assistant", answer)]
            continue
        tool, number = turn.tool, turn.number
        question, arguments = tool.asks[number]
        call = {_restyled(name, style): value for name, value in _in_order(tool, arguments)}
        messages += [
            PromptMessage("user", _as_typed(scene, question, arguments)),
            PromptMessage("assistant", write_fenced_call(call), names[tool.name]),
        ]
        kind = "tool_several"
    return Dialogue(kind, tuple(messages))


@dataclass(frozen=True)
class _Call:
    tool: WrittenTool
    number: int


def _offered(scene: Scene) -> list[WrittenTool]:
    """Tools for one dialogue, about half of the others near the first."""
    rng, known = scene.rng, scene.material.written[scene.language]
    first = rng.choice(known)
    (number,) = rng.choices(list(_OFFERED), weights=list(_OFFERED.values()))
    around = [tool for tool in known if 0 < abs(tool.place - first.place) <= _NEAR]
    offered = {first.name: first}
    for _ in range(number - 1):
        other = rng.choice(around if rng.random() < 0.5 else known)
        offered.setdefault(other.name, other)
    tools = list(offered.values())
    rng.shuffle(tools)
    return tools


def _turns(scene: Scene, tools: Sequence[WrittenTool]) -> Iterator[_Call | tuple[str, str]]:
    """What is said, one after another: calls, each once, and plain questions with answers."""
    rng = scene.rng
    calls = [_Call(tool, number) for tool in tools for number in range(len(tool.asks))]
    talk = [pair for tool in tools for pair in tool.plain]
    if any(_ANSWERS_ALL.search(tool.name) for tool in tools):
        talk = []
    for _ in range(rng.choice(_ASKED)):
        drawn: list[Any] = talk if talk and rng.random() < _PLAIN_SHARE else calls
        yield drawn.pop(rng.randrange(len(drawn)))


def _failed(scene: Scene) -> list[PromptMessage]:
    """A tool that could not help, and what is said then: that fits every call."""
    error = scene.rng.choice(_ERRORS)
    reply = scene.phrase("nothing" if error == "not found" else "failed")
    observation = PromptMessage("observation", json.dumps({"error": error}))
    return [observation, PromptMessage("assistant", reply)]


def _described(tool: WrittenTool, name: str, style: str, bare: bool) -> dict[str, Any]:
    properties = {
        _restyled(parameter, style): {"type": type_name, **({} if bare else {"description": about})}
        for parameter, type_name, about in tool.parameters
    }
    required = [
        _restyled(parameter, style)
        for parameter, _, _ in tool.parameters
        if parameter not in tool.optional
    ]
    schema = {"type": "object", "properties": properties, "required": required}
    return {"name": name, "description": tool.about, "parameters": schema}


def _restyled(name: str, style: str) -> str:
    """`getWeather` as get_weather and back; as it is without a style."""
    if not style:
        return name
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().strip("_")
    return styled(re.sub("_+", " ", words), style)


def _in_order(tool: WrittenTool, arguments: Mapping[str, Value]) -> Iterator[tuple[str, Value]]:
    """The arguments as the description has them."""
    for name, _, _ in tool.parameters:
        if name in arguments:
            yield name, arguments[name]


def _as_typed(scene: Scene, question: str, arguments: Mapping[str, Value]) -> str:
    """The question, now and then without its last mark, where that is no part of a value."""
    unmarked = question.rstrip("。？?.!！")
    whole = all(value in unmarked for value in arguments.values() if isinstance(value, str))
    return unmarked if whole and scene.rng.random() < _UNMARKED_SHARE else question
