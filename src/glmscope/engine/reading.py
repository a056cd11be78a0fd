"""Long prompts are read in pieces, at a pace that lets replies beside them go on.

The library fills every step up with prompts that wait, CHUNK_TOKENS in all, so that beside a long
one each token of each reply waits for a whole chunk, 17 times as long as without it on two cores
without AMX. With a prefix cache a prompt can come in pieces instead: each is a request of its own
for the prompt's beginning, and the next finds what it has read. Nothing depends on that: what the
cache has lost is read again.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numpy as np

from glmscope.engine.pipeline import BLOCK_TOKENS, CHUNK_TOKENS, Handle
from glmscope.model.weights import Array

PIECE_TOKENS = BLOCK_TOKENS
"""A piece beside replies; fewer would not fill a block, and only whole blocks are found again."""
SLOWER = 2.0
"""How many times as long replies wait for a token, on average, while a prompt is read."""
_SLOWLY = 0.05
_MOST_KNOWN = 64


def slower(prompts: int, replies: int) -> float:
    """The same for so many prompts that wait beside so many replies.

    A prompt has as much of the time as a reply, and all of them half of it at least: of a burst of
    requests the later ones would else wait until those before them have ended.
    """
    return max(SLOWER, 1.0 + prompts / replies)


class Pace:
    """Says when a step may take a piece of a prompt along, from the times of earlier steps."""

    def __init__(self) -> None:
        self._usual: float | None = None
        self._debt = 0.0

    @property
    def allows_piece(self) -> bool:
        """Whether replies have had what they lost to earlier pieces."""
        return self._usual is not None and self._debt <= 0.0

    def stepped(self, seconds: float, *, with_piece: bool, times: float = SLOWER) -> None:
        """A step that made a token of each reply took so long.

        `times` is how much slower they may be.
        """
        if with_piece and self._usual is not None:
            self._debt += seconds - times * self._usual
            return
        # Steps that read other prompts are not usual, and more replies make steps longer.
        usual = seconds if self._usual is None else self._usual
        self._usual = min(seconds, usual + _SLOWLY * (seconds - usual))
        self._debt = max(0.0, self._debt - (times - 1.0) * self._usual)


class KnownBeginnings:
    """The latest sequences that were read: what begins as one of them is in the cache, probably."""

    def __init__(self) -> None:
        self._sequences: deque[Array] = deque(maxlen=_MOST_KNOWN)

    def add(self, ids: tuple[int, ...]) -> None:
        """A sequence has been read to its end."""
        self._sequences.append(np.array(ids, np.int64))

    def length_of(self, ids: tuple[int, ...]) -> int:
        """How many of the first ids are known, whole blocks only."""
        wanted = np.array(ids, np.int64)
        longest = max((_common(wanted, known) for known in self._sequences), default=0)
        return longest // BLOCK_TOKENS * BLOCK_TOKENS


def _common(one: Array, other: Array) -> int:
    length = min(len(one), len(other))
    differs = one[:length] != other[:length]
    return int(differs.argmax()) if differs.any() else length


@dataclass
class Reading:
    """A prompt of which only the beginning has been read."""

    ids: tuple[int, ...]
    read: int
    """Tokens, a whole number of blocks."""
    piece: Handle | None = None
    made: list[int] = field(default_factory=list)
    """Of the reply, which the cache holds, too."""

    @property
    def is_long(self) -> bool:
        """Whether it takes more than a step."""
        return len(self.ids) - self.read > CHUNK_TOKENS

    def next_end(self, *, beside_replies: bool) -> int | None:
        """Up to where the next piece goes; None when the rest is no more than a piece."""
        end = self.read + (PIECE_TOKENS if beside_replies else CHUNK_TOKENS)
        return end if end < len(self.ids) else None
