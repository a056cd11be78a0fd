"""Digits as numbers have them: now and then several alike in a row, as in 99999 or 1350000."""

from __future__ import annotations

import random

RUNS_SHARE = 0.15
"""Of the numbers: evenly drawn digits hardly ever stand three alike in a row, and how many there
are has to be copied, too."""
_AGAIN = 0.6


class Digits:
    """Draws the digits of one number, one after the other; some numbers hold runs."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._again = _AGAIN if rng.random() < RUNS_SHARE else 0.0
        self._last = ""

    def draw(self, low: int = 0) -> str:
        """One from `low` to 9, or, in a number with runs, often the one before again."""
        if not self._last or self._rng.random() >= self._again:
            self._last = str(self._rng.randint(low, 9))
        return self._last


def digits(rng: random.Random, count: int) -> str:
    """So many digits, the first of them not zero."""
    drawn = Digits(rng)
    return drawn.draw(low=1) + "".join(drawn.draw() for _ in range(count - 1))
