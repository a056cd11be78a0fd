"""Other words in the place of those that are copied: who copies must not need to know them.

Generators have words of their own for names, places and things, and a network that has met only
those copies no others: of 8192 pieces, 3434 stood in 16 million tokens of dialogue less than a
hundred times each, and those it could hardly write at all (docs/nano.md).
"""

from __future__ import annotations

import random

import numpy as np
from numpy.typing import NDArray

from glmscope.text.tokenizer import Tokenizer
from glmscope.train.encoding import Example
from glmscope.train.pointing import Kind

EXAMPLES_SHARE = 0.5
"""Of those that are renamable."""
WORDS_SHARE = 0.6
"""Of the pieces that may be replaced in an example."""
_LONGEST = 3
"""Characters of a piece that is no Latin one: longer ones are phrases."""
_MOST_OFTEN = 12
"""What stands in an example more often than that is part of its form."""


class Renaming:
    """Replaces pieces of examples that `tokenizer` has encoded, none of `common` among them."""

    def __init__(self, tokenizer: Tokenizer, common: NDArray[np.int64]) -> None:
        pieces = [tokenizer.piece(id_) for id_ in range(tokenizer.piece_count)]
        self._user = tokenizer.special.user
        kept = set(common.tolist())
        self._script = [None if id_ in kept else _script(one) for id_, one in enumerate(pieces)]
        self._pieces = {
            script: [id_ for id_, one in enumerate(self._script) if one == script]
            for script in ("latin", "other")
        }

    def of(
        self, example: Example, pointers: NDArray[np.int64], rng: random.Random
    ) -> NDArray[np.int64]:
        """The ids [T] of `example`, some pieces replaced by others, each by the same everywhere.

        Only pieces that are copied wherever they are learned, as its `pointers` [P, 3] (`Pointing`)
        tell: what is written from memory belongs to the words that it was asked by. Without tools,
        only what comes from before the question, too, which otherwise would ask for nothing.
        """
        ids, learned = np.asarray(example.ids, np.int64), np.asarray(example.learned, bool)
        if not example.renamable or rng.random() >= EXAMPLES_SHARE:
            return ids
        copies = pointers[pointers[:, 0] == Kind.COPY]
        places, sources = copies[:, 1] + 1, copies[:, 2]
        copied = np.zeros(len(ids), bool)
        copied[places] = True
        if not (pointers[:, 0] == Kind.OWNER).any():
            begins = np.where(ids == self._user, np.arange(len(ids)), 0)
            places = places[sources < np.maximum.accumulate(begins)[places]]
        present, counts = np.unique(ids, return_counts=True)
        candidates = np.setdiff1d(ids[places], ids[learned & ~copied])
        candidates = np.setdiff1d(candidates, present[counts > _MOST_OFTEN])
        renamed, taken = ids.copy(), set(present.tolist())
        for piece in candidates.tolist():
            script = self._script[piece]
            if script is not None and rng.random() < WORDS_SHARE:
                other = rng.choice(self._pieces[script])
                if other not in taken:
                    taken.add(other)
                    renamed[ids == piece] = other
        return renamed


def _script(piece: str) -> str | None:
    """Which pieces may stand for `piece`; None for digits, signs and bytes."""
    word = piece.lstrip("▁")
    if not word.isalpha():
        return None
    if word.isascii():
        return "latin"
    return "other" if len(word) <= _LONGEST else None
