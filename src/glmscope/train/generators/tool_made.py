"""Made-up tools: a verb, a thing and a few parameters, and questions put together from them.

Dialogues hardly ever share one, so nothing about them can be learned but to read the prompt.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from glmscope.train.generators.tool_kit import LANGUAGES, Kind, Tool
from glmscope.train.generators.tool_values import Language
from glmscope.train.toml_file import read_toml

_SLOTS = ("first", "second", "third")

_Labels = Mapping[str, Mapping[Language, str]]


@dataclass(frozen=True)
class Workshop:
    """The parts of train/data/tools_made.toml."""

    getting: Sequence[Sequence[str]]
    doing: Sequence[Sequence[str]]
    things: Sequence[Sequence[str]]
    questions_zh: Sequence[str]
    questions_en: Sequence[str]
    follow_zh: str
    follow_en: str
    parameters: Sequence[Mapping[str, Any]]

    @classmethod
    def read(cls, data: Path) -> Workshop:
        """The parts in the folder `train/data`."""
        return cls(**read_toml(data / "tools_made.toml"))

    def make(self, rng: random.Random) -> Tool:
        """A tool that answers something or does something."""
        gets = rng.random() < 0.6
        verb_en, verb_zh = rng.choice(self.getting if gets else self.doing)
        thing_en, thing_zh = rng.choice(self.things)
        parameters = rng.sample(self.parameters, k=rng.choice((1, 1, 1, 2, 2, 3)))
        entries = dict(zip(_SLOTS, parameters, strict=False))
        labels: _Labels = {
            slot: {language: rng.choice(entry[language]) for language in LANGUAGES}
            for slot, entry in entries.items()
        }
        name = f"{verb_en} {thing_en}"
        zh, en = f"{verb_zh}{thing_zh}", f"{verb_en} the {thing_en}"
        by_zh, by_en = labels["first"]["zh"], labels["first"]["en"]
        answer = rng.choice(("{whole}", "{amount}", "{order_state}", "{date}"))
        return Tool(
            id=f"made {name}",
            group="made",
            names=(name,),
            about={
                "zh": (zh, f"{zh}的工具", f"根据{by_zh}{zh}"),
                "en": (en.capitalize(), f"{en.capitalize()} by {by_en}"),
            },
            required=tuple(entries),
            optional=(),
            kinds={slot: _kind(entry, labels[slot]) for slot, entry in entries.items()},
            questions={
                "zh": _questions(self.questions_zh, _said_zh(labels), verb_zh, thing_zh),
                "en": _questions(self.questions_en, _said_en(labels), verb_en, thing_en),
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
        )


def _kind(entry: Mapping[str, Any], label: Mapping[Language, str]) -> Kind:
    return Kind(
        names=tuple(entry["names"]),
        about={"zh": (label["zh"],), "en": (label["en"][:1].upper() + label["en"][1:],)},
        type=entry.get("type", "string"),
        types=tuple(entry.get("types", ())),
        draw=entry["draw"],
    )


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


def _changes(frame: str, labels: _Labels, language: Language) -> tuple[str, ...]:
    return tuple(
        frame.format(label=label[language], value=f"{{{slot}}}") for slot, label in labels.items()
    )
