"""Questions that need no tool although tools are offered: talk, common knowledge, advice."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from glmscope.train.dialogue import Dialogue
from glmscope.train.generators import chat, cities, facts
from glmscope.train.generators.chat_wording import reword
from glmscope.train.generators.tool_kit import LANGUAGES
from glmscope.train.generators.tool_values import Language
from glmscope.train.toml_file import read_toml

_SOURCES: tuple[tuple[Callable[[random.Random, int, Path], Iterator[Dialogue]], int], ...] = (
    (chat.dialogues, 6000),
    (cities.dialogues, 4000),
    (facts.dialogues, 3000),
)
_TOPICS: Mapping[str, tuple[str, int]] = {
    "identity": ("identity", 18),
    "chat": ("talk", 36),
    "how_to": ("how_to", 12),
    "fact": ("fact", 16),
    "city-introduction": ("city", 16),
    "city-topic": ("city", 16),
}
"""The kinds of plain dialogues that are asked beside tools, each with its topic and weight."""
_SOCIAL = ("identity", "talk")
_OWN_TABLES = (
    "tools_plain.toml",
    "tools_plain_more.toml",
    "tools_plain_talk.toml",
    "tools_plain_ask.toml",
)
_OWN_SHARE = 0.4
"""How often a question is one written for this, and not one of the other generators."""
_LONGEST: Mapping[Language, int] = {"zh": 150, "en": 330}
"""Longer answers, in characters, are left to the generators that they are written for."""


@dataclass(frozen=True)
class Plain:
    """A question and its answer."""

    question: str
    answer: str
    answering_tools: frozenset[str]
    """Tools that could be called for it all the same."""
    near: tuple[str, ...] = ()
    """Tools whose words it has, and that it is no question for."""


class PlainTalk:
    """The plain questions, by language and topic."""

    def __init__(
        self,
        topics: Mapping[Language, Mapping[str, Sequence[Plain]]],
        own: Mapping[Language, Mapping[str, Sequence[Plain]]],
    ) -> None:
        self._topics = topics
        self._own = own

    @classmethod
    def read(cls, rng: random.Random, data: Path) -> PlainTalk:
        """Short first answers of the other generators, and what was written for this."""
        tables = [read_toml(data / name) for name in _OWN_TABLES]
        knowing, talking = (
            frozenset(tables[0][f"{kind}_tools"]) for kind in ("knowing", "talking")
        )
        topics = _sorted_by_topic(_of_others(rng, data, knowing, talking))
        either = knowing | talking
        own = _sorted_by_topic(
            (
                language,
                entry["topic"],
                Plain(question, entry[f"answer_{language}"], either, tuple(entry.get("near", ()))),
            )
            for table in tables
            for entry in table["plain"]
            for language in LANGUAGES
            for question in entry[language]
        )
        return cls(topics, own)

    def draw(self, rng: random.Random, language: Language) -> Plain:
        """A question of any topic."""
        if rng.random() < _OWN_SHARE:
            return self._draw_own(rng, language, tuple(self._own[language]))
        weights = dict(_TOPICS.values())
        (topic,) = rng.choices(list(weights), weights=list(weights.values()))
        return rng.choice(self._topics[language][topic])

    def draw_social(self, rng: random.Random, language: Language) -> Plain:
        """A question that no tool could ever be meant for."""
        if rng.random() < _OWN_SHARE:
            return self._draw_own(rng, language, _SOCIAL)
        return rng.choice(self._topics[language][rng.choice(_SOCIAL)])

    def _draw_own(self, rng: random.Random, language: Language, topics: Sequence[str]) -> Plain:
        plain = rng.choice([each for topic in topics for each in self._own[language][topic]])
        return replace(plain, question=reword(plain.question, language, rng))


def _of_others(
    rng: random.Random, data: Path, knowing: frozenset[str], talking: frozenset[str]
) -> Iterator[tuple[Language, str, Plain]]:
    """Language, topic and question of each dialogue of the other generators that is short."""
    for source, count in _SOURCES:
        for dialogue in source(rng, count, data):
            if dialogue.kind not in _TOPICS:
                continue
            topic, _ = _TOPICS[dialogue.kind]
            user, reply = [one for one in dialogue.messages if one.role != "system"][:2]
            language: Language = "zh" if _is_chinese(user.content) else "en"
            same = _is_chinese(reply.content) == _is_chinese(user.content)
            if same and len(reply.content) <= _LONGEST[language]:
                tools = talking if topic in _SOCIAL else knowing
                yield language, topic, Plain(user.content, reply.content, tools)


def _sorted_by_topic(
    plains: Iterable[tuple[Language, str, Plain]],
) -> dict[Language, dict[str, list[Plain]]]:
    topics: dict[Language, dict[str, list[Plain]]] = {language: {} for language in LANGUAGES}
    for language, topic, plain in plains:
        topics[language].setdefault(topic, []).append(plain)
    return topics


def _is_chinese(text: str) -> bool:
    return any("\u4e00" <= char <= "\u9fff" for char in text)
