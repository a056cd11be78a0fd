"""Talks that somebody wrote whole: what was told, and several questions on it with their answers.

Either the user has told it or another assistant, whose replies are read and not learned. The
tables `[[anecdote]]` of `recall_anecdotes_*.toml` have no slots: what makes a talk differ from
its like is which questions are asked, in which order, and that copied words become others
(`renaming.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from glmscope.train.generators.chat_entries import Language
from glmscope.train.generators.chat_recall import Turn
from glmscope.train.generators.recall_talks import Asking
from glmscope.train.toml_file import read_toml

_TOLD_AT_ONCE = (1, 1, 1, 1, 2)
_ASKED = (1, 2, 2, 3, 3, 4)
_UNMARKED_SHARE = 0.15
"""How many questions have no question mark."""


@dataclass(frozen=True, slots=True)
class Anecdote:
    """What was told in turns, and questions with answers that have only these turns to go by."""

    told: tuple[Turn, ...]
    asks: tuple[Turn, ...]


def read_anecdotes(data: Path, language: Language) -> list[Anecdote]:
    """Those of `language` in the files under `data`."""
    return [
        Anecdote(
            tuple(_pairs(table["told"])), tuple((said, reply) for said, reply in table["asks"])
        )
        for path in sorted(data.glob(f"recall_anecdotes_*_{language}.toml"))
        for table in read_toml(path)["anecdote"]
    ]


class AnecdoteTalks:
    """Makes talks of one anecdote or two, each asked about before the next is told."""

    def __init__(self, asking: Asking, data: Path) -> None:
        self._asking = asking
        self._rng = asking.rng
        self._anecdotes = read_anecdotes(data, asking.language)

    def anecdotes(self) -> list[Turn]:
        """What was told, one to four questions; perhaps another anecdote in the same way."""
        turns: list[Turn] = []
        for anecdote in self._rng.sample(self._anecdotes, self._rng.choice(_TOLD_AT_ONCE)):
            turns += anecdote.told
            self._asking.others.update(reply for _, reply in anecdote.told)
            count = min(self._rng.choice(_ASKED), len(anecdote.asks))
            asked = self._rng.sample(anecdote.asks, count)
            turns += [(self._marked(question), answer) for question, answer in asked]
        return turns

    def _marked(self, question: str) -> str:
        return question.rstrip("？?") if self._rng.random() < _UNMARKED_SHARE else question


def _pairs(said: list[str]) -> Iterator[Turn]:
    return zip(said[::2], said[1::2], strict=True)
