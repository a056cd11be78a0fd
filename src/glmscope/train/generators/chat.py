"""Everyday dialogue: identity, small talk, how-to, what it cannot know, and follow-ups.

Source: the entries of `dialogues_zh.toml` and `dialogues_en.toml`, and the patterns of
`dialogues_slots.toml`. Some talks chain several entries, some begin with a system message.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from glmscope.text.prompt import PromptMessage
from glmscope.train.dialogue import Dialogue
from glmscope.train.generators.chat_entries import LANGUAGES, Entry, Language, read_entries
from glmscope.train.generators.chat_follow_ups import FollowUps
from glmscope.train.generators.chat_patterns import SlotQuestion, read_patterns
from glmscope.train.generators.chat_recall import Recall, Turn
from glmscope.train.generators.chat_wording import choose, reword

KINDS = ("identity", "chat", "how_to", "refusal", "follow_up")
_KIND_WEIGHTS = (16, 30, 15, 9, 30)
_CHINESE_SHARE = 0.64
_CHAIN_SHARE = {"identity": 0.4}
_OTHER_CHAIN_SHARE = 0.2
_FORM_WEIGHT = 3
"""An entry with templates is asked for more often: it has more wordings to be learned."""
_FORM_SHARE = 0.75
"""How often a question comes from the templates of an entry that has them."""
_OTHER_LANGUAGE_SHARE = 0.1
_SLOT_SHARE = {"identity": 0.25, "refusal": 0.45}


def dialogues(rng: random.Random, count: int, data: Path) -> Iterator[Dialogue]:
    """Yield `count` dialogues, every kind among them, from the entries under `data`."""
    desk = _Desk(rng, data)
    for _ in range(count):
        (kind,) = rng.choices(KINDS, _KIND_WEIGHTS)
        language = LANGUAGES[rng.random() >= _CHINESE_SHARE]
        yield Dialogue(kind, (*desk.system(), *_messages(desk.turns(kind, language))))


@dataclass(frozen=True, slots=True)
class _Shelf:
    """The material of one kind in one language."""

    entries: Sequence[Entry]
    slot_questions: Sequence[SlotQuestion]


class _Desk:
    """Where dialogues are put together: the draw, and the material sorted."""

    def __init__(self, rng: random.Random, data: Path) -> None:
        self._rng = rng
        self._patterns = read_patterns(data)
        self._recall = Recall(self._patterns, rng, self._unrelated_turn)
        entries, slots = read_entries(data), self._patterns.slot_questions
        self._shelves = {
            shelf: _Shelf(
                [entry for entry in entries if (entry.kind, entry.language) == shelf],
                [slot for slot in slots if (slot.kind, slot.language) == shelf],
            )
            for shelf in ((kind, language) for kind in KINDS for language in LANGUAGES)
        }

    def system(self) -> tuple[PromptMessage, ...]:
        """A system message, or (mostly) nothing."""
        return self._patterns.opening(self._rng)

    def turns(self, kind: str, language: Language) -> tuple[Turn, ...]:
        """The turns of one dialogue of `kind`."""
        if kind == "follow_up":
            return self._follow_up(language)
        turns = [self._turn(kind, language)]
        if self._rng.random() < _CHAIN_SHARE.get(kind, _OTHER_CHAIN_SHARE):
            turns[:0] = [self._unrelated_turn(language) for _ in range(self._rng.randint(1, 3))]
        return tuple(turns)

    def _turn(self, kind: str, language: Language) -> Turn:
        shelf = self._shelves[kind, language]
        if self._rng.random() < _SLOT_SHARE.get(kind, 0):
            slot = self._rng.choice(shelf.slot_questions)
            values = self._patterns.slots(language, self._rng)
            question = values.fill(self._rng.choice(slot.questions))
            return reword(question, language, self._rng), values.fill(slot.answer)
        weights = [_FORM_WEIGHT if entry.forms else 1 for entry in shelf.entries]
        (entry,) = self._rng.choices(shelf.entries, weights)
        return self._question(entry), entry.reply

    def _question(self, entry: Entry) -> str:
        if entry.forms and self._rng.random() < _FORM_SHARE:
            question = choose(self._rng.choice(entry.forms), self._rng)
            # A form begins small where another word may stand before it.
            question = question[0].upper() + question[1:]
        else:
            question = self._rng.choice(entry.questions)
        return reword(question, entry.language, self._rng)

    def _unrelated_turn(self, language: Language) -> Turn:
        """A turn before or between others, now and then in the other language."""
        if self._rng.random() < _OTHER_LANGUAGE_SHARE:
            language = "en" if language == "zh" else "zh"
        return self._turn_of_any_kind(language)

    def _turn_of_any_kind(self, language: Language) -> Turn:
        (kind,) = self._rng.choices(KINDS[:-1], _KIND_WEIGHTS[:-1])
        return self._turn(kind, language)

    def _follow_up(self, language: Language) -> tuple[Turn, ...]:
        draw = self._rng.random()
        if draw < 0.05:
            talk = self._rng.choice(self._shelves["follow_up", language].entries)
            return tuple((reword(asked, language, self._rng), said) for asked, said in talk.turns)
        # In the same language: "what did I ask first?" repeats it.
        before = [self._turn_of_any_kind(language)] if self._rng.random() < 0.12 else []
        if draw < 0.65:
            return (*before, *self._recall.turns(language))
        kind = "how_to" if self._rng.random() < 0.55 else "chat"
        entry = self._rng.choice(self._shelves[kind, language].entries)
        words = self._patterns.follow_up[language]
        return FollowUps(entry, self._question(entry), words, self._rng).turns(before)


def _messages(turns: Sequence[Turn]) -> Iterator[PromptMessage]:
    for question, answer in turns:
        yield PromptMessage("user", question)
        yield PromptMessage("assistant", answer)
