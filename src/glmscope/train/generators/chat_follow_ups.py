"""Follow-ups on the model's own answer: again, shorter, more, one step of it, what was asked."""

from __future__ import annotations

import random
from collections.abc import Sequence

from glmscope.train.generators.chat_entries import Entry, numbered
from glmscope.train.generators.chat_patterns import FollowUpWords
from glmscope.train.generators.chat_recall import Turn
from glmscope.train.generators.chat_wording import reword


class FollowUps:
    """Asks on after the answer of an entry."""

    def __init__(
        self, entry: Entry, question: str, words: FollowUpWords, rng: random.Random
    ) -> None:
        self._entry = entry
        self._question = question
        self._words = words
        self._rng = rng

    def turns(self, before: Sequence[Turn]) -> tuple[Turn, ...]:
        """`before`, the entry's question and reply, and what is asked on it."""
        draw = self._rng.random()
        if self._entry.steps and draw < 0.16:
            return (*before, *self._in_two_parts())
        if self._entry.steps and draw < 0.7:
            last = self._on_steps()
        elif before and draw < 0.2:
            last = self._ask(self._words.asked_first, self._words.asked_answer, before[0][0])
        else:
            last = self._on_the_whole()
        return (*before, (self._question, self._entry.reply), last)

    def _on_the_whole(self) -> Turn:
        entry, words = self._entry, self._words
        draw = self._rng.random()
        if entry.reply.startswith("《") and draw < 0.3:
            title = entry.reply[: entry.reply.index("》") + 1]
            return self._ask(words.title, words.title_answer, title)
        if draw < 0.4:
            return self._ask(words.asked, words.asked_answer, self._question)
        if draw < 0.7 or entry.steps or entry.first_sentence == entry.reply:
            return self._ask(words.repeat, "{}", entry.reply)
        return self._ask(words.shorten, "{}", entry.first_sentence)

    def _on_steps(self) -> Turn:
        entry, words = self._entry, self._words
        draw = self._rng.random()
        if draw < 0.25 and entry.tip:
            return self._ask(words.more, words.more_answer, entry.tip)
        if draw < 0.35:
            count = words.numerals[len(entry.steps)]
            return self._ask(words.step_count, words.step_count_answer, count)
        if draw < 0.48:
            return self._ask(words.last_step, *self._step(len(entry.steps) - 1))
        index = self._rng.randrange(len(entry.steps))
        asked = [wording.format(words.ordinals[index]) for wording in words.step]
        return self._ask(asked, *self._step(index))

    def _step(self, index: int) -> tuple[str, str, str]:
        return self._words.step_answer, self._words.ordinals[index], self._entry.steps[index]

    def _in_two_parts(self) -> tuple[Turn, ...]:
        """Two steps first, because the user asked for two; then the rest."""
        steps = self._entry.steps
        sentence = self._question
        if not sentence.endswith(("？", "。", "！", "?", ".", "!")):
            sentence += "。" if self._entry.language == "zh" else "."
        start = self._rng.choice(self._words.start).format(sentence)
        opening = "\n".join((self._entry.answer, *numbered(steps[:2])))
        rest = "\n".join(numbered(steps[2:], start=3))
        return (start, opening), self._ask(self._words.rest, "{}", rest)

    def _ask(self, wordings: Sequence[str], answer: str, *values: str) -> Turn:
        question = reword(self._rng.choice(wordings), self._entry.language, self._rng)
        return question, answer.format(*values)
