"""When an answer goes round in circles: the one definition that all figures use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

LONGEST_UNIT = 40
FEWEST_ROUNDS = 4
SHORTEST_LOOP = 24


@dataclass(frozen=True, slots=True)
class Loop:
    """`unit` ids from `start` on come again, exactly and at once, until `start + length`."""

    start: int
    unit: int
    length: int


def find_loop(ids: Sequence[int]) -> Loop | None:
    """The first loop in an answer, by its shortest unit, or None.

    A loop is a unit of 1 to `LONGEST_UNIT` ids that stands at least `FEWEST_ROUNDS` times in a row
    and covers at least `SHORTEST_LOOP` ids. Ids are compared exactly, so lists and tables whose
    rows differ in a number are none. Much stricter than the brake of a server (`LoopBrake`),
    which must never cut what a person wanted.
    """
    for unit in range(1, LONGEST_UNIT + 1):
        shortest = max(FEWEST_ROUNDS * unit, SHORTEST_LOOP)
        repeated = 0
        for end in range(unit, len(ids)):
            repeated = repeated + 1 if ids[end] == ids[end - unit] else 0
            if repeated + unit >= shortest:
                start = end + 1 - repeated - unit
                return Loop(start, unit, _length(ids, start, unit))
    return None


def _length(ids: Sequence[int], start: int, unit: int) -> int:
    end = start + unit
    while end < len(ids) and ids[end] == ids[end - unit]:
        end += 1
    return end - start
