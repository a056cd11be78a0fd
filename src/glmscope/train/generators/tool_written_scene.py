"""Dialogues about tools that were written whole (`tool_written.py`): calls, and talk between."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from glmscope.text.prompt import PromptMessage
from glmscope.text.toolcall import write_fenced_call
from glmscope.train.dialogue import Dialogue
from glmscope.train.generators.tool_dress import styled
from glmscope.train.generators.tool_result import draw_error
from glmscope.train.generators.tool_scene import Scene, as_many_as_fit, rough_length
from glmscope.train.generators.tool_written import Ask, WrittenTool

_NEAR = 3
"""So far apart tools of one language are near each other."""
_OFFERED = {1: 12, 2: 25, 3: 30, 4: 20, 5: 13}
"""How many tools are offered at most, by weight."""
_TURNS = (1, 2, 3, 4, 5, 6)
_PLAIN_SHARE = 0.25
"""How many turns need no tool."""
_RESTYLED_SHARE = 0.3
_UNMARKED_SHARE = 0.2
"""How many questions have no mark at their end."""
_BARE_SHARE = 0.15
"""How often parameters have no description."""
_LONGEST = 600
"""About how many tokens a dialogue may have."""


@dataclass(frozen=True)
class _Outfit:
    """How the tools of one dialogue are written: in a style of names, or as they are."""

    style: str
    bare: bool

    def name(self, written: str) -> str:
        """`getWeather` as get_weather and back; as it is without a style."""
        if not self.style:
            return written
        words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", written).lower().strip("_")
        return styled(re.sub("_+", " ", words), self.style)

    def description(self, tool: WrittenTool) -> dict[str, Any]:
        """The tool as a system message offers it."""
        properties = {
            self.name(name): {"type": of_type, **({} if self.bare else {"description": about})}
            for name, of_type, about in tool.parameters
        }
        required = [self.name(name) for name, _, _ in tool.parameters if name not in tool.optional]
        schema = {"type": "object", "properties": properties, "required": required}
        return {"name": self.name(tool.name), "description": tool.about, "parameters": schema}

    def call(self, tool: WrittenTool, ask: Ask) -> PromptMessage:
        """The call, with the arguments in the order of the description."""
        arguments = {
            self.name(name): ask.arguments[name]
            for name, _, _ in tool.parameters
            if name in ask.arguments
        }
        return PromptMessage("assistant", write_fenced_call(arguments), self.name(tool.name))


def written_scene(scene: Scene) -> Dialogue:
    """One to six turns under one to five written tools; most of them ask for one of these.

    A call that something follows has failed: what is said then fits every tool.
    """
    rng = scene.rng
    style = rng.choice(("snake", "camel")) if rng.random() < _RESTYLED_SHARE else ""
    outfit = _Outfit(style, rng.random() < _BARE_SHARE)
    tools = _offered(scene)
    descriptions = as_many_as_fit([outfit.description(tool) for tool in tools])
    tools = tools[: len(descriptions)]
    messages = [scene.system(descriptions)]
    for turn in _turns(scene, outfit, tools):
        part = [*(_failed(scene) if messages[-1].metadata else ()), *turn]
        if len(messages) > 1 and rough_length([*messages, *part]) > _LONGEST:
            break
        messages += part
    called = any(message.metadata for message in messages)
    return Dialogue("tool_several" if called else "tool_none", tuple(messages))


def _offered(scene: Scene) -> list[WrittenTool]:
    """Tools for one dialogue, about half of the others near the first."""
    rng, known = scene.rng, scene.material.written[scene.language]
    tools = [rng.choice(known)]
    (number,) = rng.choices(list(_OFFERED), weights=list(_OFFERED.values()))
    near = [tool for tool in known if 0 < abs(tool.place - tools[0].place) <= _NEAR]
    for _ in range(number - 1):
        other = rng.choice(near if rng.random() < 0.5 else known)
        if not any(tool.may_be_meant_with(other) for tool in tools):
            tools.append(other)
    rng.shuffle(tools)
    return tools


def _turns(
    scene: Scene, outfit: _Outfit, tools: Sequence[WrittenTool]
) -> Iterator[tuple[PromptMessage, PromptMessage]]:
    """Question and call, or question and answer, one after another and none twice."""
    rng = scene.rng
    calls = [
        (PromptMessage("user", _as_typed(scene, ask)), outfit.call(tool, ask))
        for tool in tools
        for ask in tool.asks
    ]
    talk = [
        (PromptMessage("user", question), PromptMessage("assistant", answer))
        for tool in tools
        for question, answer in tool.plain
        if not any(one.knowing for one in tools)
    ]
    for _ in range(rng.choice(_TURNS)):
        drawn = talk if talk and (not calls or rng.random() < _PLAIN_SHARE) else calls
        if drawn:
            yield drawn.pop(rng.randrange(len(drawn)))


def _failed(scene: Scene) -> tuple[PromptMessage, PromptMessage]:
    """What a tool says that could not help, and what is answered."""
    error = draw_error(scene.rng)
    return PromptMessage("observation", error), PromptMessage("assistant", scene.excuse(error))


def _as_typed(scene: Scene, ask: Ask) -> str:
    """The question, now and then without its last mark, where that is no part of a value."""
    unmarked = ask.question.rstrip("。？?.!！")
    whole = all(value in unmarked for value in ask.arguments.values() if isinstance(value, str))
    return unmarked if whole and scene.rng.random() < _UNMARKED_SHARE else ask.question
