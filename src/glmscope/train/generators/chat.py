"""Everyday dialogue: identity, small talk, how-to, what it cannot know, and follow-ups.

Source: the entries of `dialogues_zh.toml` and `dialogues_en.toml`, questions with slots, and talks
put together by pattern. Some talks chain several entries, some begin with a system message.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from glmscope.text.prompt import PromptMessage
from glmscope.train.dialogue import Dialogue
from glmscope.train.generators import chat_system
from glmscope.train.generators.chat_entries import LANGUAGES, Entry, Language, choose, read_entries
from glmscope.train.generators.chat_follow_ups import Turn, follow_up
from glmscope.train.generators.chat_recall import recall
from glmscope.train.generators.chat_slots import IDENTITY, REFUSALS, SlotQuestion
from glmscope.train.generators.chat_wording import reword

KINDS = ("identity", "chat", "how_to", "refusal", "follow_up")
_KIND_WEIGHTS = (16, 30, 15, 9, 30)
_CHINESE_SHARE = 0.64
_CHAIN_SHARE = 0.2
_SLOT_SHARE = {"identity": 0.25, "refusal": 0.5}


def dialogues(rng: random.Random, count: int, data: Path) -> Iterator[Dialogue]:
    """Yield `count` dialogues, every kind among them, from the entries under `data`."""
    desk = _Desk(rng, data)
    for _ in range(count):
        (kind,) = rng.choices(KINDS, _KIND_WEIGHTS)
        language = LANGUAGES[rng.random() >= _CHINESE_SHARE]
        yield Dialogue(kind, (*chat_system.opening(rng), *_messages(desk.turns(kind, language))))


@dataclass(frozen=True, slots=True)
class _Shelf:
    """The material of one kind in one language."""

    entries: Sequence[Entry]
    slots: Sequence[SlotQuestion]
    slot_share: float


class _Desk:
    """Where dialogues are put together: the draw and the material, sorted."""

    def __init__(self, rng: random.Random, data: Path) -> None:
        self._rng = rng
        entries = read_entries(data)
        self._shelves = {
            (kind, language): _Shelf(
                choose(entries, language, partial(_is_of, kind)),
                [
                    slot
                    for slot in (*IDENTITY, *REFUSALS)
                    if (slot.kind, slot.language) == (kind, language)
                ],
                _SLOT_SHARE.get(kind, 0.0),
            )
            for kind in KINDS
            for language in LANGUAGES
        }

    def turns(self, kind: str, language: Language) -> tuple[Turn, ...]:
        """The turns of one dialogue of `kind`."""
        if kind == "follow_up":
            return self._follow_up(language)
        turns = [self._turn(kind, language)]
        if self._rng.random() < _CHAIN_SHARE:
            turns[:0] = [self._any_turn(language) for _ in range(self._rng.randint(1, 3))]
        return tuple(turns)

    def _turn(self, kind: str, language: Language) -> Turn:
        shelf = self._shelves[kind, language]
        if shelf.slots and self._rng.random() < shelf.slot_share:
            question, answer = self._rng.choice(shelf.slots).make(self._rng)
            return reword(question, language, self._rng), answer
        entry = self._rng.choice(shelf.entries)
        return self._question(entry), entry.reply

    def _question(self, entry: Entry) -> str:
        return reword(self._rng.choice(entry.questions), entry.language, self._rng)

    def _any_turn(self, language: Language) -> Turn:
        """An unrelated turn before or between others, now and then in the other language."""
        if self._rng.random() < 0.1:
            language = "en" if language == "zh" else "zh"
        (kind,) = self._rng.choices(KINDS[:-1], _KIND_WEIGHTS[:-1])
        return self._turn(kind, language)

    def _follow_up(self, language: Language) -> tuple[Turn, ...]:
        draw = self._rng.random()
        written = self._shelves["follow_up", language].entries
        if written and draw < 0.12:
            entry = self._rng.choice(written)
            return tuple((reword(asked, language, self._rng), said) for asked, said in entry.turns)
        before = [self._any_turn(language)] if self._rng.random() < 0.12 else []
        if draw < 0.65:
            told = recall(language, self._rng, lambda: self._any_turn(language))
            return (*before, *told)
        kind = "how_to" if self._rng.random() < 0.5 else "chat"
        entry = self._rng.choice(self._shelves[kind, language].entries)
        return follow_up(entry, self._question(entry), self._rng, before)


def _is_of(kind: str, entry: Entry) -> bool:
    return entry.kind == kind


def _messages(turns: Sequence[Turn]) -> Iterator[PromptMessage]:
    for question, answer in turns:
        yield PromptMessage("user", question)
        yield PromptMessage("assistant", answer)
