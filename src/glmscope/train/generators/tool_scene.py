"""What all scenes of tool calls share: the material, and the draws for one dialogue.

Values that no training dialogue may pair with a tool are kept for checks: see `is_held_out`.
"""

from __future__ import annotations

import random
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from glmscope.text.prompt import TOOLS_HEADER, PromptMessage
from glmscope.train.generators.tool_dress import Dress, DressedTool, dress
from glmscope.train.generators.tool_kit import Said, Tool, fill_slots, read_tools
from glmscope.train.generators.tool_made import Workshop
from glmscope.train.generators.tool_plain import PlainTalk
from glmscope.train.generators.tool_result import draw_result
from glmscope.train.generators.tool_spoken import spoken_tools
from glmscope.train.generators.tool_values import Language, Words
from glmscope.train.generators.tool_wording import Frames
from glmscope.train.generators.tool_written import WrittenTool, read_written
from glmscope.train.toml_file import read_toml

_MADE_SHARE = 0.15
_SPOKEN_SHARE = 0.1
"""How often a tool, in Chinese, is one that people of the corpus asked for."""
_SIBLING_SHARE = 0.35
_NEAR_SHARE = 0.6
"""How often a tool is offered whose words a question has that needs none."""
_LONGEST_OFFER = 440
"""About how many tokens the tools of a dialogue may have together."""
_HELD_OUT_ONE_IN = 10


def is_held_out(tool: Tool, said: Mapping[str, Said]) -> bool:
    """Whether these values for this tool are kept for checks: one in ten combinations."""
    if not said:
        return False
    values = "|".join(f"{slot}={said[slot].surface}" for slot in sorted(said))
    return zlib.crc32(f"{tool.id}|{values}".encode()) % _HELD_OUT_ONE_IN == 0


@dataclass(frozen=True)
class Material:
    """All that is read from train/data, and what people of the corpus asked for."""

    tools: Mapping[str, Tool]
    spoken: Sequence[Tool]
    written: Mapping[Language, Sequence[WrittenTool]]
    words: Words
    frames: Frames
    workshop: Workshop
    plain: PlainTalk
    around: Mapping[str, str | Sequence[str]]

    @classmethod
    def read(cls, rng: random.Random, data: Path, corpus: Path | None) -> Material:
        """The material in the folder `train/data`, and in `corpus`, where there is one."""
        return cls(
            tools=read_tools(data),
            spoken=spoken_tools(data, corpus) if corpus else (),
            written=read_written(data),
            words=Words.read(data),
            frames=Frames.read(data),
            workshop=Workshop.read(data),
            plain=PlainTalk.read(rng, data),
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
        draw = self.rng.random()
        if draw < _MADE_SHARE:
            return self.material.workshop.make(self.rng)
        spoken = self.material.spoken
        if spoken and self.language == "zh" and draw > 1 - _SPOKEN_SHARE:
            return self.rng.choices(spoken, [len(tool.questions["zh"]) for tool in spoken])[0]
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
        """The tool, dressed so that all these values can be passed, among up to four others."""
        outfit = Dress.draw(self.rng, self.language, self.material.words)
        dressed = dress(self.rng, tool, outfit, said)
        number = self.rng.choices((1, 2, 3, 4, 5), weights=(30, 25, 25, 13, 7))[0]
        others = self._others(tool, outfit, number - 1, near=True)
        offered = [dressed.description, *(o for o in others if o["name"] != dressed.name)]
        offered = as_many_as_fit(offered)
        self.rng.shuffle(offered)
        return dressed, self.system(offered)

    def offer_others(
        self, tool: Tool | None, apart: frozenset[str] = frozenset(), near: Sequence[str] = ()
    ) -> PromptMessage:
        """One to four tools that are not meant by a question for `tool`, and none of `apart`.

        One of `near` may be the first of them.
        """
        outfit = Dress.draw(self.rng, self.language, self.material.words)
        number = self.rng.choices((1, 2, 3, 4), weights=(36, 27, 24, 13))[0]
        offered = self._others(tool, outfit, number, near=False, apart=apart)
        if near and self.rng.random() < _NEAR_SHARE:
            beside = self.material.tools[self.rng.choice(near)]
            offered[0] = dress(self.rng, beside, outfit).description
        offered = as_many_as_fit(offered)
        self.rng.shuffle(offered)
        return self.system(offered)

    def ask(self, tool: Tool, template: str, values: Mapping[str, str]) -> PromptMessage:
        """The user's question."""
        frames = self.material.frames
        # Questions for made-up tools have words of many sorts already, names of things among them.
        made = tool.group == "made"
        worded = template if made else frames.reword(self.rng, template, self.language)
        ends_free = tool.ends_free(worded)
        framed = frames.put_around(self.rng, worded, self.language, ends_free)
        return PromptMessage("user", fill_slots(framed, values))

    def result(self, tool: Tool, said: Mapping[str, Said]) -> tuple[PromptMessage, PromptMessage]:
        """What the tool says, and what is answered."""
        observation, values = draw_result(self.rng, self.material.words, tool.result, self.language)
        if values is None:
            reply = self.excuse(observation)
        else:
            surfaces = {slot: value.surface for slot, value in said.items()}
            reply = fill_slots(tool.answer[self.language], {**surfaces, **values})
        return PromptMessage("observation", observation), PromptMessage("assistant", reply)

    def excuse(self, error: str) -> str:
        """What is answered where a tool could not help."""
        return self.phrase("nothing" if "not found" in error else "failed")

    def talk(self) -> list[PromptMessage]:
        """A turn in the middle that needs no tool: thanks, or talk."""
        if self.rng.random() < 0.5:
            user, reply = self.phrase("thanks"), self.phrase("welcome")
        else:
            plain = self.material.plain.draw_social(self.rng, self.language)
            user, reply = plain.question, plain.answer
        return [PromptMessage("user", user), PromptMessage("assistant", reply)]

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
            other = self._beside(tool) if tool and near else self.tool()
            if other.id in left_out or (tool and are_confusable(tool, other)):
                continue
            if tool and not near and other.group == tool.group:
                continue
            if group and other.group != group and self.rng.random() < 0.8:
                continue
            dressed = dress(self.rng, other, outfit)
            left_out.add(other.id)
            offered.setdefault(dressed.name, dressed.description)
        return list(offered.values())

    def _beside(self, tool: Tool) -> Tool:
        """Any tool, or, for one that is made up, one about the same thing that does another."""
        if tool.group == "made" and self.rng.random() < _SIBLING_SHARE:
            return self.material.workshop.make(self.rng, beside=tool)
        return self.tool()

    def system(self, offered: list[Any]) -> PromptMessage:
        """The message that offers these tools, now and then with words of its own."""
        content = TOOLS_HEADER
        if self.rng.random() < 0.1:
            own = self.material.words.fill(self.rng, self.phrase("system"), self.language)
            content = f"{own}\n\n{TOOLS_HEADER}"
        return PromptMessage("system", content, tools=offered)


def are_confusable(tool: Tool, other: Tool) -> bool:
    """Whether a question for one could be meant for the other."""
    return other.id == tool.id or other.id in tool.apart or tool.id in other.apart


def as_many_as_fit(offered: Sequence[Any]) -> list[Any]:
    """The first of these tools, at least one, that together leave room for talk."""
    kept = list(offered)
    while len(kept) > 1 and _length_of_tools(kept) > _LONGEST_OFFER:
        kept.pop()
    return kept


def _length_of_tools(offered: Sequence[Any]) -> int:
    return rough_length([PromptMessage("system", TOOLS_HEADER, tools=offered)])


def rough_length(messages: Sequence[PromptMessage]) -> int:
    """Roughly how many tokens the messages have."""
    size = 0.0
    for message in messages:
        words = message.text
        chinese = sum(char > "\u2e80" for char in words)
        size += 5 + 0.85 * chinese + 0.46 * (len(words.replace("    ", "")) - chinese)
    return round(size)
