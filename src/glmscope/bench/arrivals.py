"""When tokens of one reply came."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

Arrival = tuple[float, int]
"""A moment in seconds, and how many tokens the reply had then."""


def gaps(arrivals: Sequence[Arrival]) -> list[float]:
    """Seconds between one token and the next; those that came together share the wait for them."""
    return [
        (at - before) / (count - had)
        for (before, had), (at, count) in pairwise(arrivals)
        for _ in range(count - had)
    ]
