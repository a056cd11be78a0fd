"""Talks about the talk: say it again, shorter, what was asked; sums that run on."""

from __future__ import annotations

import random
from collections.abc import Sequence

from glmscope.train.generators.chat_entries import Entry
from glmscope.train.generators.chat_recall import Turn
from glmscope.train.generators.recall_material import pick
from glmscope.train.generators.recall_talks import Asking

_LONGEST_AGAIN = {"zh": 120, "en": 260}


class TalkedTalks:
    """Makes talks about what was said before, from everyday entries."""

    def __init__(self, asking: Asking, entries: Sequence[Entry]) -> None:
        self._asking = asking
        self._rng: random.Random = asking.rng
        longest = _LONGEST_AGAIN[asking.language]
        self._entries = [entry for entry in entries if len(entry.reply) <= longest]
        self._long = [entry for entry in self._entries if entry.first_sentence != entry.reply]

    def again(self) -> list[Turn]:
        """One to three turns, and then again, what was asked, or about which of them."""
        rng = self._rng
        turns = [self._turn(rng.choice(self._entries)) for _ in range(rng.choice((1, 2, 2, 3)))]
        name = rng.choice(("repeat", "repeat", "repeat", "asked", "asked_first"))
        question = self._asking.choose("again", name)
        if name == "repeat":
            return [*turns, (question, turns[-1][1])]
        asked = turns[0][0] if name == "asked_first" else turns[-1][0]
        answer = self._asking.material.words["again"]["asked_answer"].format(asked)
        return [*turns, (question, answer)]

    def shorter(self) -> list[Turn]:
        """An answer, and its first sentence alone; perhaps once more."""
        entry = self._rng.choice(self._long)
        turns = [self._turn(entry), (self._asking.choose("again", "shorten"), entry.first_sentence)]
        if self._rng.random() < 0.3:
            turns.append((self._asking.choose("again", "repeat"), entry.first_sentence))
        return turns

    def running_sum(self) -> list[Turn]:
        """A sum, and what is added to it or taken away, two or three times."""
        rng, asking = self._rng, self._asking
        words = asking.material.words["again"]
        first, second = rng.randint(1, 60), rng.randint(1, 40)
        total = first + second
        question = pick(words["sum"], rng).replace("{}", str(first), 1)
        question = question.replace("{}", str(second), 1)
        turns = [(question, words["sum_answer"].format(first, second, total))]
        for _ in range(rng.choice((1, 2, 3))):
            sign = rng.choice((1, 1, -1)) if total > 2 else 1
            number = rng.randint(1, 20) if sign > 0 else rng.randint(1, min(total - 1, 20))
            name = "plus" if sign > 0 else "minus"
            answer = words["sum_answer" if sign > 0 else "minus_answer"]
            said = asking.choose("again", name).replace("{}", str(number))
            turns.append((said, answer.format(total, number, total + sign * number)))
            total += sign * number
        return turns

    def _turn(self, entry: Entry) -> Turn:
        return self._rng.choice(entry.questions), entry.reply
