"""Questions that need no tool although tools are offered: talk, common knowledge, advice."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from glmscope.train.generators.tool_kit import LANGUAGES
from glmscope.train.generators.tool_values import Language
from glmscope.train.toml_file import read_toml

_SOCIAL_TOPICS = ("greeting", "thanks", "farewell", "praise", "feelings", "small_talk", "complaint")
_KNOWLEDGE_TOPICS = ("explain", "advice")
_LONGEST: Mapping[Language, int] = {"zh": 80, "en": 200}
"""Longer answers, in characters, are left to the generators that they are written for."""


@dataclass(frozen=True)
class Plain:
    """Wordings of a question, and its answer."""

    questions: Sequence[str]
    answer: str
    is_knowledge: bool


class PlainTalk:
    """The plain questions of train/data, by language and topic.

    `knowing_tools` are those that could be called for a question of knowledge.
    """

    def __init__(
        self,
        topics: Mapping[Language, Mapping[str, Sequence[Plain]]],
        knowing_tools: frozenset[str],
    ) -> None:
        self._topics = topics
        self.knowing_tools = knowing_tools

    @classmethod
    def read(cls, data: Path) -> PlainTalk:
        """The questions of the folder `train/data` that are answered shortly."""
        topics: dict[Language, dict[str, list[Plain]]] = {language: {} for language in LANGUAGES}
        own = read_toml(data / "tools_plain.toml")
        for entry in own["plain"]:
            for language in LANGUAGES:
                is_knowledge = entry["topic"] in ("fact", "how_to", "city")
                plain = Plain(entry[language], entry[f"answer_{language}"], is_knowledge)
                topics[language].setdefault(entry["topic"], []).append(plain)
        for fact in read_toml(data / "facts.toml")["fact"]:
            plain = Plain(fact["questions"], fact["answer"], is_knowledge=True)
            topics[fact["language"]].setdefault("more facts", []).append(plain)
        for language in LANGUAGES:
            for entry in read_toml(data / f"dialogues_{language}.toml")["entry"]:
                topic, answer = entry["topic"], entry.get("answer", "")
                is_knowledge = topic in _KNOWLEDGE_TOPICS
                if "questions" not in entry or "steps" in entry or len(answer) > _LONGEST[language]:
                    continue
                if is_knowledge or topic in _SOCIAL_TOPICS:
                    plain = Plain(entry["questions"], answer, is_knowledge)
                    topics[language].setdefault(topic, []).append(plain)
        return cls(topics, frozenset(own["knowing_tools"]))

    def draw(self, rng: random.Random, language: Language) -> Plain:
        """A question of any topic; every topic is as likely."""
        topics = self._topics[language]
        return rng.choice(topics[rng.choice(list(topics))])
