"""What a loop in a sequence is; how much of one is too much, each reader decides for itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Loop:
    """`unit` ids from `start` on come again, at once, until `start + length`."""

    start: int
    unit: int
    length: int

    @property
    def first_round_end(self) -> int:
        """How many ids there are before it repeats itself."""
        return self.start + self.unit


def whole_loop(symbols: Sequence[object], end: int, unit: int) -> Loop:
    """The loop whose last round is `symbols[end - unit : end]`, as far as it reaches both ways."""
    start = end - unit
    while start > 0 and symbols[start - 1] == symbols[start - 1 + unit]:
        start -= 1
    stop = end
    while stop < len(symbols) and symbols[stop] == symbols[stop - unit]:
        stop += 1
    return Loop(start, unit, stop - start)
