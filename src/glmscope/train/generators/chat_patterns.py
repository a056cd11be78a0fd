"""The patterns of `dialogues_slots.toml`: what is told and asked for later, questions with a slot.

What the tables mean stands at the top of the file.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from glmscope.text.prompt import PromptMessage
from glmscope.train.generators.chat_entries import LANGUAGES, Language
from glmscope.train.generators.chat_values import Pools, Slots
from glmscope.train.toml_file import read_toml

_SYSTEM_SHARE = 0.25
_HEARD: dict[Language, str] = {"zh": "好的，我知道了。", "en": "All right, I see."}
_THING_TELL: dict[Language, tuple[str, ...]] = {
    "zh": (
        "我的{}是{}",
        "我{}是{}",
        "请记住，我的{}是{}",
        "告诉你，我的{}是{}",
        "记一下，我的{}是{}",
    ),
    "en": (
        "My {} is {}.",
        "Please remember that my {} is {}.",
        "By the way, my {} is {}.",
        "You should know that my {} is {}.",
    ),
}
_THING_ASK: dict[Language, tuple[str, ...]] = {
    "zh": (
        "我的{0}{1}？",
        "我的{0}{1}？",
        "我{0}{1}？",
        "我刚才说我的{0}{1}？",
        "你还记得我的{0}吗？",
        "你知道我的{0}{1}吗？",
        "告诉我我的{0}",
    ),
    "en": (
        "{1} my {0}?",
        "{1} my {0}?",
        "Do you remember my {0}?",
        "Tell me my {0}.",
        "Can you tell me my {0}?",
        "What did I say about my {0}?",
    ),
}
_THING_ANSWER: dict[Language, str] = {"zh": "您的{}是{}。", "en": "Your {} is {}."}
_THING_HEARD: dict[Language, str] = {
    "zh": "好的，我记住了，您的{}是{}。",
    "en": "All right, I will remember that your {} is {}.",
}
_THING_UNKNOWN: dict[Language, str] = {
    "zh": "您还没有告诉我您的{}。",
    "en": "You have not told me your {} yet.",
}


@dataclass(frozen=True, slots=True)
class Story:
    """What a user tells, what is said to it, and what can be asked: (wordings, answer)."""

    tell: tuple[str, ...]
    heard: str
    asks: tuple[tuple[tuple[str, ...], str], ...]
    unknown: str = ""


@dataclass(frozen=True, slots=True)
class SlotQuestion:
    """A question that names something; the answer repeats it."""

    kind: str
    language: Language
    questions: tuple[str, ...]
    answer: str


@dataclass(frozen=True, slots=True)
class FollowUpWords:
    """How users ask about the model's own answer, and how it replies; `{}` is what is named."""

    repeat: tuple[str, ...]
    shorten: tuple[str, ...]
    asked: tuple[str, ...]
    asked_first: tuple[str, ...]
    more: tuple[str, ...]
    step: tuple[str, ...]
    last_step: tuple[str, ...]
    step_count: tuple[str, ...]
    start: tuple[str, ...]
    rest: tuple[str, ...]
    title: tuple[str, ...]
    ordinals: tuple[str, ...]
    numerals: tuple[str, ...]
    asked_answer: str
    more_answer: str
    step_answer: str
    step_count_answer: str
    title_answer: str


@dataclass(frozen=True, slots=True)
class Patterns:
    """Everything in the file, by language."""

    facts: Mapping[Language, tuple[Story, ...]]
    stories: Mapping[Language, tuple[Story, ...]]
    slot_questions: tuple[SlotQuestion, ...]
    follow_up: Mapping[Language, FollowUpWords]
    systems: tuple[str, ...]
    pools: Mapping[Language, Pools]

    def opening(self, rng: random.Random) -> tuple[PromptMessage, ...]:
        """A system message as applications send them, or (mostly) nothing; it changes no answer."""
        if rng.random() >= _SYSTEM_SHARE:
            return ()
        return (PromptMessage("system", rng.choice(self.systems)),)

    def slots(self, language: Language, rng: random.Random) -> Slots:
        """Fresh values for one dialogue."""
        return Slots(self.pools[language], language, rng)


@lru_cache(maxsize=4)
def read_patterns(data: Path) -> Patterns:
    """The patterns under `data`."""
    tables = read_toml(data / "dialogues_slots.toml")
    return Patterns(
        facts={
            language: (
                *(_fact(table) for table in tables["fact"] if table["language"] == language),
                *(
                    _thing(name, value_and_asking, language)
                    for name, value_and_asking in tables["things"][language].items()
                ),
            )
            for language in LANGUAGES
        },
        stories={
            language: tuple(
                _story(table, language)
                for table in tables["story"]
                if table["language"] == language
            )
            for language in LANGUAGES
        },
        slot_questions=tuple(SlotQuestion(**_frozen(table)) for table in tables["slot"]),
        follow_up={
            language: FollowUpWords(**_frozen(tables["follow_up"][language]))
            for language in LANGUAGES
        },
        systems=tuple(tables["systems"]["messages"]),
        pools={
            language: {
                name: tuple(word.replace("~", " ") for word in words.split())
                for name, words in tables["values"][language].items()
            }
            for language in LANGUAGES
        },
    )


def _fact(table: Mapping[str, Any]) -> Story:
    return Story(
        tell=tuple(table["tell"]),
        heard=table["heard"],
        asks=((tuple(table["ask"]), table["answer"]),),
        unknown=table["unknown"],
    )


def _thing(name: str, value_and_asking: tuple[str, str], language: Language) -> Story:
    value, asking = value_and_asking
    # 我的最喜欢的颜色 is what nobody says.
    drop = "我的" if name.startswith("最") else ""
    tell, ask = _THING_TELL[language], _THING_ASK[language]
    return Story(
        tell=tuple(_possessive(each.format(name, value), drop) for each in tell),
        heard=_possessive(_THING_HEARD[language].format(name, value), drop),
        asks=(
            (
                tuple(_possessive(each.format(name, asking), drop) for each in ask),
                _possessive(_THING_ANSWER[language].format(name, value), drop),
            ),
        ),
        unknown=_possessive(_THING_UNKNOWN[language].format(name), drop),
    )


def _possessive(sentence: str, drop: str) -> str:
    return sentence.replace("我的最", "我最").replace("您的最", "您最") if drop else sentence


def _story(table: Mapping[str, Any], language: Language) -> Story:
    asks = tuple((tuple(wordings), answer) for wordings, answer in table["asks"])
    return Story(tell=tuple(table["tell"]), heard=_HEARD[language], asks=asks)


def _frozen(table: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in table.items()}
