"""The tools of the hand-written material: what they take, how users ask, what is answered."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from glmscope.text.toolcall import Value
from glmscope.train.generators.tool_values import Language, Words
from glmscope.train.toml_file import read_toml

TOOL_FILES = (
    "tools_lookup.toml",
    "tools_doing.toml",
    "tools_trips.toml",
    "tools_life.toml",
    "tools_work.toml",
    "tools_errands.toml",
    "tools_errands_more.toml",
)
MORE_FILES = ("tools_more.toml", "tools_more_natural.toml")
PARAMETER_FILES = (
    "tools_parameters.toml",
    "tools_parameters_more.toml",
    "tools_parameters_errands.toml",
)
LANGUAGES: tuple[Language, ...] = ("zh", "en")
SPELLED: Mapping[Language, Mapping[str, str]] = {
    "zh": dict(zip(map(str, range(1, 11)), "一两三四五六七八九十", strict=True)),
    "en": dict(
        zip(
            map(str, range(1, 11)),
            ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
            strict=True,
        )
    ),
}
"""How small numbers are said where something is counted: 两天, two days."""

_SPELLED_SHARE = 0.3

_SLOT = re.compile(r"\{([a-z_]+)\}")

Texts = Mapping[Language, tuple[str, ...]]


@dataclass(frozen=True)
class Kind:
    """A kind of parameter; see train/data/tools_parameters.toml for the fields."""

    names: tuple[str, ...]
    about: Texts
    type: str = "string"
    types: tuple[str, ...] = ()
    draw: str = ""
    choices: Texts = field(default_factory=dict)
    codes: Mapping[str, Value] = field(default_factory=dict)
    many: bool = False
    free: bool = False
    enum: bool = False
    spoken: bool = False
    ask: Mapping[Language, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Said:
    """A value in the user's words; several where the parameter is an array."""

    parts: tuple[str, ...]
    joint: str = ""

    @property
    def surface(self) -> str:
        """The words as they stand in the question."""
        return self.joint.join(self.parts)


@dataclass(frozen=True)
class Tool:
    """A tool before it is dressed up; see train/data/tools_lookup.toml for the fields."""

    id: str
    group: str
    names: tuple[str, ...]
    about: Texts
    required: tuple[str, ...]
    optional: tuple[str, ...]
    kinds: Mapping[str, Kind]
    questions: Texts
    answer: Mapping[Language, str]
    result: Mapping[str, str]
    missing: Texts = field(default_factory=dict)
    follow: Texts = field(default_factory=dict)
    apart: frozenset[str] = frozenset()
    objects: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def ends_free(self, template: str) -> bool:
        """Whether the question ends with free text, which what follows would become part of."""
        return any(template.endswith(f"{{{slot}}}") for slot in self.kinds if self.kinds[slot].free)

    def draw(self, rng: random.Random, words: Words, slot: str, language: Language) -> Said:
        """A value for one of its parameters."""
        kind = self.kinds[slot]
        if kind.choices:
            return Said((rng.choice(kind.choices[language]),))
        if not kind.many:
            drawn = words.draw(rng, kind.draw, language)
            if kind.spoken and rng.random() < _SPELLED_SHARE:
                drawn = SPELLED[language].get(drawn, drawn)
            return Said((drawn,))
        several = (words.draw(rng, kind.draw, language) for _ in range(rng.choice((2, 2, 3, 4))))
        parts = tuple(dict.fromkeys(several))
        joints = ("、", "和", "，") if language == "zh" else (", ", " and ")
        return Said(parts, rng.choice(joints) if len(parts) > 1 else "")


def slots_of(template: str) -> tuple[str, ...]:
    """The slots that a template names, each once, in its order."""
    return tuple(dict.fromkeys(_SLOT.findall(template)))


def fill_slots(template: str, values: Mapping[str, str]) -> str:
    """The template with each slot replaced by its value."""
    return _SLOT.sub(lambda match: values[match[1]], template)


def read_kinds(data: Path) -> dict[str, Kind]:
    """The kinds of parameters, by name."""
    entries: dict[str, Any] = {}
    for file in PARAMETER_FILES:
        entries |= read_toml(data / file)
    kinds = {}
    for name, entry in entries.items():
        like = {**entries.get(entry.get("like", ""), {}), **entry}
        about: Texts = {language: tuple(like[language]) for language in LANGUAGES}
        kinds[name] = make_kind(like, about)
    return kinds


def make_kind(entry: Mapping[str, Any], about: Texts) -> Kind:
    """The kind of parameter that an entry of the material describes."""
    return Kind(
        names=tuple(entry["names"]),
        about=about,
        type=entry.get("type", "string"),
        types=tuple(entry.get("types", ())),
        draw=entry.get("draw", ""),
        choices=_texts(entry, "choices"),
        codes=entry.get("codes", {}),
        many=entry.get("many", False),
        free=entry.get("free", False),
        enum=entry.get("enum", False),
        spoken=entry.get("spoken", False),
        ask={language: entry[f"ask_{language}"] for language in LANGUAGES if "ask_zh" in entry},
    )


def read_tools(data: Path) -> dict[str, Tool]:
    """The tools of all files, by id.

    Raises ValueError for a question that lacks a required value or names an unknown one.
    """
    kinds = read_kinds(data)
    more = [read_toml(data / file) for file in MORE_FILES]
    tools = {}
    for file in TOOL_FILES:
        for name, entry in read_toml(data / file).items():
            wordings = (entry, *(file_more.get(name, {}) for file_more in more))
            questions: dict[str, Any] = {
                language: [text for texts in wordings for text in texts.get(language, ())]
                for language in LANGUAGES
            }
            tools[name] = _tool(name, file, {**entry, **questions}, kinds)
    return tools


def _tool(name: str, group: str, entry: Mapping[str, Any], kinds: Mapping[str, Kind]) -> Tool:
    required, optional = tuple(entry["required"]), tuple(entry.get("optional", ()))
    tool = Tool(
        id=name,
        group=group,
        names=tuple(entry["names"]),
        about=_texts(entry, "about"),
        required=required,
        optional=optional,
        kinds={slot: kinds[slot] for slot in (*required, *optional)},
        questions={language: tuple(entry[language]) for language in LANGUAGES},
        answer={language: entry[f"answer_{language}"] for language in LANGUAGES},
        result=entry["result"],
        missing=_texts(entry, "missing"),
        follow=_texts(entry, "follow"),
        apart=frozenset(entry.get("apart", ())),
        objects={key: tuple(slots) for key, slots in entry.get("objects", {}).items()},
    )
    for question in _all(tool.questions):
        _check(set(required) <= set(slots_of(question)), tool, question)
    for question in _all(tool.missing):
        _check(len(set(required) - set(slots_of(question))) == 1, tool, question)
    for question in (*_all(tool.questions), *_all(tool.missing), *_all(tool.follow)):
        _check(set(slots_of(question)) <= set(tool.kinds), tool, question)
    for answer in tool.answer.values():
        _check(set(slots_of(answer)) <= {*required, *tool.result}, tool, answer)
    return tool


def _texts(entry: Mapping[str, Any], key: str) -> dict[Language, tuple[str, ...]]:
    return {
        language: tuple(entry[f"{key}_{language}"])
        for language in LANGUAGES
        if f"{key}_{language}" in entry
    }


def _all(texts: Texts) -> Iterable[str]:
    return (text for language in texts for text in texts[language])


def _check(holds: bool, tool: Tool, text: str) -> None:
    if not holds:
        raise ValueError(f"Tool {tool.id}: the values in “{text}” do not fit its parameters.")
