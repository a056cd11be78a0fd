"""Made-up tools: a verb, a thing and a few parameters, and questions put together from them.

Dialogues hardly ever share one, so nothing about them can be learned but to read the prompt.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from glmscope.train.generators.tool_kit import LANGUAGES, Kind, Tool, make_kind
from glmscope.train.generators.tool_phrases import Phrases, natural_en, natural_zh
from glmscope.train.generators.tool_values import Language
from glmscope.train.toml_file import read_toml

_SLOTS = ("first", "second", "third", "fourth")
_OPTIONAL = "other"
_GETTING_SHARE = 0.6
_OPTIONAL_SHARE = 0.5
_OBJECT_SHARE = 0.08
_OBJECT_NAMES = ("filter", "data", "request", "details", "options", "params", "payload", "query")

_Labels = Mapping[str, Mapping[Language, str]]


@dataclass(frozen=True)
class Workshop:
    """The parts of train/data/tools_made.toml."""

    getting: Sequence[Sequence[str]]
    getting_zh: Sequence[str]
    getting_en: Sequence[str]
    doing: Sequence[tuple[str, str, Sequence[str], Sequence[str]]]
    things: Sequence[tuple[str, str, Sequence[str], Sequence[str]]]
    natural_zh_getting: Sequence[str]
    natural_zh_doing: Sequence[str]
    natural_en_getting: Sequence[str]
    natural_en_doing: Sequence[str]
    questions_zh: Sequence[str]
    questions_en: Sequence[str]
    follow_zh: Sequence[str]
    follow_en: Sequence[str]
    parameters: Sequence[Mapping[str, Any]]

    @classmethod
    def read(cls, data: Path) -> Workshop:
        """The parts in the folder `train/data`."""
        return cls(**read_toml(data / "tools_made.toml"))

    def make(self, rng: random.Random, beside: Tool | None = None) -> Tool:
        """A tool that answers something or does something.

        `beside` a tool that is made up too, it is about the same thing and does something else.
        """
        gets = rng.random() < _GETTING_SHARE
        thing = rng.choice(self.things)
        if beside is not None:
            _, verb, about = beside.id.split(" ", 2)
            gets = verb != "get"
            (thing,) = (each for each in self.things if each[0] == about)
        if gets:
            verb_en, verb_zh = rng.choice(self.getting)
            said_zh, said_en = self.getting_zh, self.getting_en
        else:
            verb_en, verb_zh, said_zh, said_en = rng.choice(self.doing)
        thing_en, thing_zh, things_zh, things_en = thing
        drawn = self._parameters(rng)
        entries = dict(zip(_SLOTS, drawn, strict=False))
        labels: _Labels = {
            slot: {language: rng.choice(entry[language]) for language in LANGUAGES}
            for slot, entry in entries.items()
        }
        zh, en = f"{verb_zh}{thing_zh}", f"{verb_en} the {thing_en}"
        kinds = {slot: _kind(entry, labels[slot]) for slot, entry in entries.items()}
        objects: dict[str, tuple[str, ...]] = {}
        if len(entries) > 1 and rng.random() < _OBJECT_SHARE:
            objects[rng.choice(_OBJECT_NAMES)] = tuple(entries)
        if rng.random() < _OPTIONAL_SHARE:
            # One that no question names: what is not said is not passed.
            other = rng.choice(self.parameters)
            if other not in drawn:
                label = {language: rng.choice(other[language]) for language in LANGUAGES}
                kinds[_OPTIONAL] = _kind(other, label)
        kind = "getting" if gets else "doing"
        phrases = Phrases(entries, said_zh, said_en, things_zh, things_en)
        answer = rng.choice(("{whole}", "{amount}", "{order_state}", "{date}"))
        return Tool(
            # Whatever verb of getting it has, it gets the same.
            id=f"made {'get' if gets else verb_en} {thing_en}",
            group="made",
            names=(f"{verb_en} {thing_en}",),
            about=_about(labels["first"], zh, en),
            required=tuple(entries),
            optional=tuple(kinds)[len(entries) :],
            kinds=kinds,
            questions={
                "zh": (
                    *_questions(self.questions_zh, _said_zh(labels), verb_zh, thing_zh),
                    *natural_zh(rng, getattr(self, f"natural_zh_{kind}"), phrases),
                ),
                "en": (
                    *_questions(self.questions_en, _said_en(labels), verb_en, thing_en),
                    *natural_en(rng, getattr(self, f"natural_en_{kind}"), phrases),
                ),
            },
            answer={
                "zh": f"{thing_zh}的查询结果是{{result}}。" if gets else f"已{zh}。",
                "en": f"The result for the {thing_en} is {{result}}." if gets else f"Done: {en}.",
            },
            result={"result": answer} if gets else {"status": rng.choice(("success", "ok"))},
            follow={
                "zh": _changes(self.follow_zh, labels, "zh"),
                "en": _changes(self.follow_en, labels, "en"),
            },
            objects=objects,
        )

    def _parameters(self, rng: random.Random) -> list[Mapping[str, Any]]:
        """One to four, free text last, for nothing can be told apart from it that follows.

        One of them at least has many values: some are kept for checks.
        """
        drawn = rng.sample(self.parameters, k=rng.choice((1, 1, 1, 2, 2, 2, 3, 4)))
        if not any("draw" in each for each in drawn):
            return self._parameters(rng)
        bound = [each for each in drawn if not each.get("free")]
        return bound + [each for each in drawn if each.get("free")]


def _about(label: Mapping[Language, str], zh: str, en: str) -> dict[Language, tuple[str, ...]]:
    capital = en.capitalize()
    return {
        "zh": (zh, f"{zh}的工具", f"根据{label['zh']}{zh}", f"用来{zh}", f"为用户{zh}"),
        "en": (capital, f"{capital} by {label['en']}", f"{capital} of the user"),
    }


def _kind(entry: Mapping[str, Any], label: Mapping[Language, str]) -> Kind:
    about: dict[Language, tuple[str, ...]] = {
        "zh": (label["zh"],),
        "en": (label["en"][:1].upper() + label["en"][1:],),
    }
    return make_kind(entry, about)


def _said_zh(labels: _Labels) -> dict[str, str]:
    return {
        "said": "，".join(f"{label['zh']}是{{{slot}}}" for slot, label in labels.items()),
        "short": "，".join(f"{label['zh']}{{{slot}}}" for slot, label in labels.items()),
        "listed": "、".join(f"{label['zh']}{{{slot}}}" for slot, label in labels.items()),
        "being": "、".join(f"{label['zh']}为{{{slot}}}" for slot, label in labels.items()),
    }


def _said_en(labels: _Labels) -> dict[str, str]:
    return {
        "said": " and ".join(f"{label['en']} {{{slot}}}" for slot, label in labels.items()),
        "listed": ", ".join(f"{label['en']} {{{slot}}}" for slot, label in labels.items()),
        "being": ", ".join(f"the {label['en']} is {{{slot}}}" for slot, label in labels.items()),
    }


def _questions(
    templates: Sequence[str], said: Mapping[str, str], verb: str, thing: str
) -> tuple[str, ...]:
    return tuple(
        template.format(tool="{tool}", verb=verb, thing=thing, **said) for template in templates
    )


def _changes(frames: Sequence[str], labels: _Labels, language: Language) -> tuple[str, ...]:
    return tuple(
        frame.format(label=label[language], value=f"{{{slot}}}")
        for slot, label in labels.items()
        for frame in frames
    )
