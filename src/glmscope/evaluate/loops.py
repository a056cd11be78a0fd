"""When an answer goes round in circles: the one definition that all figures use."""

from __future__ import annotations

from collections.abc import Sequence

from glmscope.chat.repetition import Loop, whole_loop

LONGEST_UNIT = 40
FEWEST_ROUNDS = 4
SHORTEST_LOOP = 24


def find_loop(ids: Sequence[int]) -> Loop | None:
    """The first loop in an answer, by its shortest unit, or None.

    A loop is a unit of 1 to `LONGEST_UNIT` ids that stands at least `FEWEST_ROUNDS` times in a row
    and covers at least `SHORTEST_LOOP` ids. Ids are compared exactly, so lists and tables whose
    rows differ in a number are none. The same loops that the brake of a server (`LoopBrake`) sees,
    counted much sooner: the brake must never cut what a person wanted.
    """
    for unit in range(1, LONGEST_UNIT + 1):
        shortest = max(FEWEST_ROUNDS * unit, SHORTEST_LOOP)
        repeated = 0
        for end in range(unit, len(ids)):
            repeated = repeated + 1 if ids[end] == ids[end - unit] else 0
            if repeated + unit >= shortest:
                return whole_loop(ids, end + 1, unit)
    return None
