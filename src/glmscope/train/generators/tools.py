"""Tool calls: questions that need a tool, one that is not there, or none, in ChatGLM3's format.

Values that no training dialogue may pair with a tool are kept for checks: see `is_held_out`.
"""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from glmscope.text.prompt import TOOLS_HEADER, PromptMessage
from glmscope.text.toolcall import write_fenced_call
from glmscope.train.dialogue import Dialogue
from glmscope.train.generators.tool_dress import Dress, DressedTool, dress
from glmscope.train.generators.tool_kit import Said, Tool, fill_slots, read_tools, slots_of
from glmscope.train.generators.tool_made import Workshop
from glmscope.train.generators.tool_plain import PlainTalk
from glmscope.train.generators.tool_result import draw_result
from glmscope.train.generators.tool_values import Language, Words
from glmscope.train.generators.tool_wording import Frames
from glmscope.train.toml_file import read_toml

_CHINESE_SHARE = 0.7
_MADE_SHARE = 0.2
_HELD_OUT_ONE_IN = 10


def dialogues(rng: random.Random, count: int, data: Path) -> Iterator[Dialogue]:
    """Yield `count` dialogues: tool_call, tool_answer, tool_round, tool_ask or tool_none."""
    material = Material.read(data)
    scenes: dict[Callable[[Scene], Dialogue], int] = {
        _call: 38,
        _call_and_answer: 22,
        _second_call: 11,
        _ask_back: 5,
        _no_tool_needed: 16,
        _no_tool_fits: 5,
        _thanks: 3,
    }
    for _ in range(count):
        (play,) = rng.choices(list(scenes), weights=list(scenes.values()))
        language: Language = "zh" if rng.random() < _CHINESE_SHARE else "en"
        yield play(Scene(rng, material, language))


def is_held_out(tool: Tool, said: Mapping[str, Said]) -> bool:
    """Whether these values for this tool are kept for checks: one in ten combinations."""
    if not said:
        return False
    values = "|".join(f"{slot}={said[slot].surface}" for slot in sorted(said))
    return zlib.crc32(f"{tool.id}|{values}".encode()) % _HELD_OUT_ONE_IN == 0


@dataclass(frozen=True)
class Material:
    """All that is read from train/data."""

    tools: Mapping[str, Tool]
    words: Words
    frames: Frames
    workshop: Workshop
    plain: PlainTalk
    around: Mapping[str, str | Sequence[str]]

    @classmethod
    def read(cls, data: Path) -> Material:
        """The material in the folder `train/data`."""
        return cls(
            tools=read_tools(data),
            words=Words.read(data),
            frames=Frames.read(data),
            workshop=Workshop.read(data),
            plain=PlainTalk.read(data),
            around=read_toml(data / "tools_plain.toml")["words"],
        )


@dataclass(frozen=True)
class Scene:
    """The draws that all scenes share, for one dialogue."""

    rng: random.Random
    material: Material
    language: Language

    def phrase(self, key: str) -> str:
        """What is said at this point, in one wording or any of several."""
        said = self.material.around[f"{key}_{self.language}"]
        return said if isinstance(said, str) else self.rng.choice(said)

    def tool(self) -> Tool:
        """Any tool, or one that is made up."""
        if self.rng.random() < _MADE_SHARE:
            return self.material.workshop.make(self.rng)
        return self.rng.choice(list(self.material.tools.values()))

    def values(
        self, tool: Tool, slots: Sequence[str], kept: Mapping[str, Said] | None = None
    ) -> dict[str, Said]:
        """Values for these slots, beside those that are kept, as training may pair them."""
        while True:
            drawn = {
                slot: tool.draw(self.rng, self.material.words, slot, self.language)
                for slot in slots
                if slot in tool.kinds
            }
            said = {**(kept or {}), **drawn}
            surfaces = [value.surface for value in said.values()]
            if not is_held_out(tool, said) and len(set(surfaces)) == len(surfaces):
                return said

    def offer(
        self, tool: Tool, said: Sequence[Mapping[str, Said]]
    ) -> tuple[DressedTool, PromptMessage]:
        """The tool, dressed so that all these values can be passed, among up to two others."""
        outfit = Dress.draw(self.rng, self.language)
        dressed = dress(self.rng, tool, outfit, said)
        number = self.rng.choices((1, 2, 3), weights=(45, 37, 18))[0]
        others = self._others(tool, outfit, number - 1, near=True)
        offered = [dressed.description, *(o for o in others if o["name"] != dressed.name)]
        self.rng.shuffle(offered)
        return dressed, self._system(offered)

    def offer_others(self, tool: Tool | None, apart: frozenset[str] = frozenset()) -> PromptMessage:
        """One to three tools that are not meant by a question for `tool`, and none of `apart`."""
        outfit = Dress.draw(self.rng, self.language)
        number = self.rng.choices((1, 2, 3), weights=(50, 35, 15))[0]
        return self._system(self._others(tool, outfit, number, near=False, apart=apart))

    def ask(self, tool: Tool, template: str, values: Mapping[str, str]) -> PromptMessage:
        """The user's question."""
        frames, ends_free = self.material.frames, tool.ends_free(template)
        framed = frames.put_around(self.rng, template, self.language, ends_free)
        return PromptMessage("user", fill_slots(framed, values))

    def result(self, tool: Tool, said: Mapping[str, Said]) -> tuple[PromptMessage, PromptMessage]:
        """What the tool says, and what is answered."""
        observation, values = draw_result(self.rng, self.material.words, tool.result, self.language)
        if values is None:
            reply = self.phrase("nothing" if "not found" in observation else "failed")
        else:
            surfaces = {slot: value.surface for slot, value in said.items()}
            reply = fill_slots(tool.answer[self.language], {**surfaces, **values})
        return PromptMessage("observation", observation), PromptMessage("assistant", reply)

    def _others(
        self,
        tool: Tool | None,
        outfit: Dress,
        number: int,
        near: bool,
        apart: frozenset[str] = frozenset(),
    ) -> list[Any]:
        """Descriptions of other tools; where `near`, often of the same group, else of others."""
        offered: dict[str, Any] = {}
        left_out = {*apart, "search_web"} if tool and not near else set(apart)
        group = tool.group if tool and near and self.rng.random() < 0.5 else None
        while len(offered) < number:
            other = self.tool()
            if other.id in left_out or (tool and _confusable(tool, other)):
                continue
            if tool and not near and other.group == tool.group:
                continue
            if group and other.group != group and self.rng.random() < 0.8:
                continue
            dressed = dress(self.rng, other, outfit)
            left_out.add(other.id)
            offered.setdefault(dressed.name, dressed.description)
        return list(offered.values())

    def _system(self, offered: list[Any]) -> PromptMessage:
        content = TOOLS_HEADER
        if self.rng.random() < 0.1:
            own = self.material.words.fill(self.rng, self.phrase("system"), self.language)
            content = f"{own}\n\n{TOOLS_HEADER}"
        return PromptMessage("system", content, tools=offered)


def _confusable(tool: Tool, other: Tool) -> bool:
    return other.id == tool.id or other.id in tool.apart or tool.id in other.apart


def _question(scene: Scene) -> tuple[Tool, str, dict[str, Said]]:
    tool = scene.tool()
    template = scene.rng.choice(tool.questions[scene.language])
    return tool, template, scene.values(tool, slots_of(template))


def _surfaces(dressed: DressedTool, said: Mapping[str, Said]) -> dict[str, str]:
    return {"tool": dressed.name, **{slot: value.surface for slot, value in said.items()}}


def _called(dressed: DressedTool, said: Mapping[str, Said]) -> PromptMessage:
    return PromptMessage("assistant", write_fenced_call(dressed.arguments(said)), dressed.name)


def _call(scene: Scene) -> Dialogue:
    tool, template, said = _question(scene)
    dressed, system = scene.offer(tool, [said])
    user = scene.ask(tool, template, _surfaces(dressed, said))
    return Dialogue("tool_call", (system, user, _called(dressed, said)))


def _call_and_answer(scene: Scene) -> Dialogue:
    tool, template, said = _question(scene)
    dressed, system = scene.offer(tool, [said])
    user = scene.ask(tool, template, _surfaces(dressed, said))
    messages = (system, user, _called(dressed, said), *scene.result(tool, said))
    return Dialogue("tool_answer", messages)


def _second_call(scene: Scene) -> Dialogue:
    """A second question changes one value, or asks anew; half of them end with the call."""
    tool, template, first = _question(scene)
    follow = tool.follow.get(scene.language)
    if follow and scene.rng.random() < 0.6:
        # One that changes a value that the first question has left out would be no second question.
        fitting = [text for text in follow if set(slots_of(text)) <= set(first)] or [template]
        second_template = scene.rng.choice(fitting)
    else:
        second_template = scene.rng.choice(tool.questions[scene.language])
    if set(tool.required) <= set(slots_of(second_template)):
        kept: dict[str, Said] = {}
    else:
        kept = first
    second = scene.values(tool, slots_of(second_template), kept)
    dressed, system = scene.offer(tool, [first, second])
    messages = [
        system,
        scene.ask(tool, template, _surfaces(dressed, first)),
        _called(dressed, first),
        *scene.result(tool, first),
        scene.ask(tool, second_template, _surfaces(dressed, second)),
        _called(dressed, second),
    ]
    if scene.rng.random() < 0.5:
        messages += scene.result(tool, second)
    return Dialogue("tool_round", tuple(messages))


def _ask_back(scene: Scene) -> Dialogue:
    """A value is missing: a short question back; half of them go on with the value and the call."""
    tools = [tool for tool in scene.material.tools.values() if scene.language in tool.missing]
    tool = scene.rng.choice(tools)
    template = scene.rng.choice(tool.missing[scene.language])
    slots = slots_of(template)
    (missing,) = set(tool.required) - set(slots)
    said = scene.values(tool, [*slots, missing])
    dressed, system = scene.offer(tool, [said])
    messages = [
        system,
        scene.ask(tool, template, _surfaces(dressed, said)),
        PromptMessage("assistant", tool.kinds[missing].ask[scene.language]),
    ]
    if scene.rng.random() < 0.5:
        given = scene.phrase("given").replace("{}", said[missing].surface)
        messages += [PromptMessage("user", given), _called(dressed, said)]
    return Dialogue("tool_ask", tuple(messages))


def _no_tool_needed(scene: Scene) -> Dialogue:
    talk = scene.material.plain
    plain = talk.draw(scene.rng, scene.language)
    system = scene.offer_others(None, talk.knowing_tools if plain.is_knowledge else frozenset())
    user = PromptMessage("user", scene.rng.choice(plain.questions))
    return Dialogue("tool_none", (system, user, PromptMessage("assistant", plain.answer)))


def _no_tool_fits(scene: Scene) -> Dialogue:
    """A question for one of the tools, while only others are offered."""
    tool = scene.rng.choice(list(scene.material.tools.values()))
    template = scene.rng.choice(tool.questions[scene.language])
    said = scene.values(tool, slots_of(template))
    user = scene.ask(tool, template, {slot: value.surface for slot, value in said.items()})
    reply = PromptMessage("assistant", scene.phrase("no_tool"))
    return Dialogue("tool_none", (scene.offer_others(tool), user, reply))


def _thanks(scene: Scene) -> Dialogue:
    """Thanks after an answer: no further call."""
    answered = _call_and_answer(scene)
    thanks = PromptMessage("user", scene.phrase("thanks"))
    welcome = PromptMessage("assistant", scene.phrase("welcome"))
    return Dialogue("tool_round", (*answered.messages, thanks, welcome))
