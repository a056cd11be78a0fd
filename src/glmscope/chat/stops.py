"""Stopping at sequences of token ids."""

from __future__ import annotations

from collections.abc import Iterable


class StopSequences:
    """Ends a reply where the generated ids end with one of several id sequences.

    Ids that may turn out to begin such a sequence are held back, so that no text of it is ever
    shown. Of several that are complete at the same id, the longest counts. Empty sequences match
    nothing.
    """

    found: tuple[int, ...] | None
    """The sequence that was completed; nothing may be added afterwards."""

    def __init__(self, sequences: Iterable[tuple[int, ...]]) -> None:
        self.found = None
        self._sequences = [sequence for sequence in sequences if sequence]
        self._held: tuple[int, ...] = ()

    def add(self, token_id: int) -> tuple[int, ...]:
        """Ids that are now known to belong to the reply."""
        ids = (*self._held, token_id)
        complete = [each for each in self._sequences if ids[-len(each) :] == each]
        if complete:
            self.found = max(complete, key=len)
            self._held = ()
            return ids[: -len(self.found)]
        held = max((_overlap(ids, sequence) for sequence in self._sequences), default=0)
        self._held = ids[len(ids) - held :]
        return ids[: len(ids) - held]

    def flush(self) -> tuple[int, ...]:
        """What was held back, once the reply has ended some other way."""
        held, self._held = self._held, ()
        return held


def _overlap(ids: tuple[int, ...], sequence: tuple[int, ...]) -> int:
    """Length of the longest end of `ids` with which `sequence` begins, short of all of it."""
    longest = min(len(ids), len(sequence) - 1)
    return next(
        (size for size in range(longest, 0, -1) if ids[-size:] == sequence[:size]),
        0,
    )
