"""Talks that somebody wrote whole: what was told, and several questions on it with their answers.

Either the user has told it or another assistant, whose replies are read and not learned. The
tables `[[anecdote]]` of `recall_anecdotes_*.toml` have no slots: what makes a talk differ from
its like is which questions are asked, and in which order.
"""

from __future__ import annotations

from glmscope.train.generators.chat_recall import Turn
from glmscope.train.generators.recall_talks import Asking

_TOLD_AT_ONCE = (1, 1, 1, 1, 2)
_ASKED = (1, 2, 3, 3, 4, 5)
_UNMARKED_SHARE = 0.15
"""How many questions have no question mark."""


class AnecdoteTalks:
    """Makes talks of one anecdote or two, each asked about before the next is told."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking
        self._rng = asking.rng

    def anecdotes(self) -> list[Turn]:
        """What was told, one to five questions; perhaps another anecdote in the same way."""
        turns: list[Turn] = []
        known = self._asking.material.anecdotes
        for anecdote in self._rng.sample(known, self._rng.choice(_TOLD_AT_ONCE)):
            turns += anecdote.told
            self._asking.others.update(reply for _, reply in anecdote.told)
            count = min(self._rng.choice(_ASKED), len(anecdote.asks))
            asked = self._rng.sample(anecdote.asks, count)
            turns += [(self._marked(question), answer) for question, answer in asked]
        return turns

    def _marked(self, question: str) -> str:
        return question.rstrip("？?") if self._rng.random() < _UNMARKED_SHARE else question
