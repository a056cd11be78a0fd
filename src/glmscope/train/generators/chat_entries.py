"""The hand-written everyday dialogues: `dialogues_*.toml` of both languages.

What the fields of an entry mean stands at the top of `dialogues_zh.toml`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from glmscope.train.toml_file import read_toml

Language = Literal["zh", "en"]

LANGUAGES: tuple[Language, ...] = ("zh", "en")

_TASK_WORDINGS: dict[Language, tuple[str, ...]] = {
    "zh": (
        "怎么{}？",
        "怎么{}？",
        "怎样才能{}？",
        "{}的步骤是什么？",
        "{}有哪些步骤？",
        "{}应该怎么做？",
        "{}有什么方法？",
        "教我{}",
        "教我怎么{}",
        "告诉我怎么{}",
        "说说怎么{}",
        "给我讲讲怎么{}",
        "我想{}，该怎么做？",
        "我要{}，应该怎么做？",
        "我不知道怎么{}，教教我",
        "第一次{}，该怎么做？",
        "能教我{}吗？",
        "你知道怎么{}吗？",
    ),
    "en": (
        "How do I {}?",
        "How do you {}?",
        "How can I {}?",
        "How to {}?",
        "How should I {}?",
        "What is the best way to {}?",
        "What are the steps to {}?",
        "Tell me how to {}.",
        "Teach me how to {}.",
        "Explain how to {}.",
        "Show me how to {}.",
        "I want to {}. What should I do?",
        "I need to {}. How do I do it?",
        "I do not know how to {}.",
        "Can you tell me how to {}?",
        "Do you know how to {}?",
    ),
}

_THING_WORDINGS: dict[Language, tuple[str, ...]] = {
    "zh": (
        "什么是{}？",
        "{}是什么？",
        "{}是什么意思？",
        "{}指的是什么？",
        "解释一下{}",
        "解释一下什么是{}",
        "介绍一下{}",
        "给我讲讲{}",
        "说说{}是什么",
        "告诉我{}是什么",
        "我想了解{}",
        "用简单的话解释{}",
        "你知道{}吗？",
        "能解释一下{}吗？",
    ),
    "en": (
        "What is {}?",
        "What is {}?",
        "What does {} mean?",
        "Explain {}.",
        "Explain {} in simple words.",
        "Explain what {} is.",
        "Tell me about {}.",
        "Tell me what {} is.",
        "Describe {} briefly.",
        "I want to know what {} is.",
        "Can you explain {}?",
        "Do you know what {} is?",
    ),
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One hand-written dialogue: questions that mean the same, and what is answered."""

    language: Language
    topic: str
    questions: tuple[str, ...]
    answer: str
    steps: tuple[str, ...] = ()
    tip: str = ""
    turns: tuple[tuple[str, str], ...] = ()
    forms: tuple[str, ...] = ()
    """Further wordings, as templates for `choose`."""

    @property
    def kind(self) -> str:
        """The dialogue's kind: identity, how_to, refusal, follow_up, or else chat."""
        if self.turns:
            return "follow_up"
        return self.topic if self.topic in ("identity", "how_to", "refusal") else "chat"

    @property
    def reply(self) -> str:
        """The whole answer, its steps numbered line by line."""
        return "\n".join((self.answer, *numbered(self.steps)))

    @property
    def first_sentence(self) -> str:
        """The answer's first sentence; of an answer in lines (a poem), the first line."""
        line = self.answer.partition("\n")[0]
        return re.split(r"(?<=[。！？])|(?<=[.!?]) ", line, maxsplit=1)[0]


def numbered(steps: Iterable[str], start: int = 1) -> list[str]:
    """Lines `1. …`, as every answer in steps has them."""
    return [f"{number}. {step}" for number, step in enumerate(steps, start)]


@lru_cache(maxsize=4)
def read_entries(data: Path) -> tuple[Entry, ...]:
    """Every entry of both languages under `data`, in the order of the files."""
    return tuple(
        _entry(table, language) for language in LANGUAGES for table in _tables(data, language)
    )


def _tables(data: Path, language: Language) -> list[Mapping[str, Any]]:
    files = (f"dialogues_{language}.toml", f"dialogues_more_{language}.toml")
    return [table for file in files for table in read_toml(data / file)["entry"]]


def _entry(table: Mapping[str, Any], language: Language) -> Entry:
    questions = list(table.get("questions", ()))
    for field, wordings in (("task", _TASK_WORDINGS), ("thing", _THING_WORDINGS)):
        if field in table:
            questions += [wording.format(table[field]) for wording in wordings[language]]
    return Entry(
        language=language,
        topic=table["topic"],
        questions=tuple(questions),
        answer=table.get("answer", ""),
        steps=tuple(table.get("steps", ())),
        tip=table.get("tip", ""),
        turns=tuple((question, answer) for question, answer in table.get("turns", ())),
        forms=tuple(table.get("forms", ())),
    )
