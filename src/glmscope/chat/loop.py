"""The brake for replies that repeat themselves without end."""

from __future__ import annotations

from collections import deque

LONGEST_CYCLE = 24
"""Ids: about one sentence."""
LOOP_LENGTH = 240
"""Ids that must repeat: at least ten rounds of the longest cycle, a sixth of the longest reply."""


class LoopBrake:
    """Notices when the last `LOOP_LENGTH` ids are one cycle of at most `LONGEST_CYCLE` ids.

    The repetition has to be exact, id for id, so tables, number lists and verse do not count:
    some id differs from row to row. Costs `LONGEST_CYCLE` comparisons an id.
    """

    cycle: int | None
    """Length of the cycle in which the reply is caught, in ids."""

    def __init__(self) -> None:
        self.cycle = None
        self._recent: deque[int] = deque(maxlen=LONGEST_CYCLE)
        self._repeated = [0] * LONGEST_CYCLE
        """At index p - 1: how many ids in a row have equaled the one p places before."""

    def add(self, token_id: int) -> None:
        """Look at the next generated id."""
        for index, earlier in enumerate(reversed(self._recent)):
            if earlier != token_id:
                self._repeated[index] = 0
                continue
            self._repeated[index] += 1
            period = index + 1
            if self._repeated[index] + period >= LOOP_LENGTH and self.cycle is None:
                self.cycle = period
        self._recent.append(token_id)
