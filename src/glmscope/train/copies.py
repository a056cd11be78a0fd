"""Where the tokens of a turn may be copied from, as far as the ids tell."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from glmscope.text.tokenizer import Tokenizer

_CERTAIN_RUN = 3
"""Equal tokens in a row that leave no doubt where a text comes from."""
_RARE = 2
"""A single token is taken for a copy if it stands in the prompt that often at most."""
_MOST_ALIKE = 3
"""A number that stands earlier more often than that is not looked for as a whole."""
_LONG_NUMBER = 3
"""A number this long may be copied in part, or was written with signs between its digits."""


class Copies:
    """Finds what turns copy, in ids of `tokenizer`; only pieces that are `worded` [V] count."""

    def __init__(self, tokenizer: Tokenizer, worded: NDArray[np.bool_]) -> None:
        pieces = [tokenizer.piece(id_) for id_ in range(tokenizer.piece_count)]
        self._worded = worded
        self._digit = np.zeros(tokenizer.vocab_size, bool)
        self._digit[: len(pieces)] = [one.isascii() and one.isdigit() for one in pieces]
        self._point = pieces.index(".")

    def sources(self, ids: NDArray[np.int64], start: int, end: int) -> NDArray[np.bool_]:
        """[end - start, start]: which earlier places each token of a turn may be copied from."""
        equal = ids[start:end, None] == ids[None, :start]
        equal &= self._worded[ids[start:end], None]
        runs = _runs(equal)
        longest = runs.max(axis=1, keepdims=True, initial=0)
        rare = equal.sum(axis=1, keepdims=True) <= _RARE
        enough = np.where(rare, 1, 2)
        sources = equal & (runs >= np.maximum(enough, np.minimum(longest, _CERTAIN_RUN)))
        self._whole_numbers(ids, start, sources)
        return sources

    def _whole_numbers(
        self, ids: NDArray[np.int64], start: int, sources: NDArray[np.bool_]
    ) -> None:
        """Let a number of the turn at `start` come from the same number alone: no 5 from 45."""
        earlier: dict[tuple[int, ...], list[int]] = {}
        for first, end in self._numbers(ids[:start]):
            earlier.setdefault(tuple(ids[first:end].tolist()), []).append(first)
        for first, end in self._numbers(ids[start : start + len(sources)]):
            same = earlier.get(tuple(ids[start + first : start + end].tolist()), ())
            if len(same) <= _MOST_ALIKE and (same or end - first < _LONG_NUMBER):
                sources[first:end] = False
            if len(same) <= _MOST_ALIKE:
                span = np.arange(end - first)
                for place in same:
                    sources[first + span, place + span] = True

    def _numbers(self, ids: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
        """Start and end of each number, with its decimal point."""
        inside = np.concatenate(([False], self._digit[ids], [False]))
        inside[1:-1] |= (ids == self._point) & inside[:-2] & inside[2:]
        edges = np.flatnonzero(np.diff(inside.astype(np.int8)))
        yield from zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)


def _runs(equal: NDArray[np.bool_]) -> NDArray[np.int16]:
    """For each pair of equal tokens, how many equal pairs lie in a row on its diagonal."""
    forward, backward = equal.astype(np.int16), equal.astype(np.int16)
    for place in range(len(equal) - 2, -1, -1):
        forward[place, :-1] += forward[place, :-1] * forward[place + 1, 1:]
    for place in range(1, len(equal)):
        backward[place, 1:] += backward[place, 1:] * backward[place - 1, :-1]
    return forward + backward - equal
