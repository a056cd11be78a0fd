"""Examples of any length → rows of one length, several to a row, none seeing another."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from numpy.typing import NDArray

from glmscope.train.encoding import Example
from glmscope.train.pointing import Pointing
from glmscope.train.renaming import Renaming

IGNORED = -100
PACKED_AT_ONCE = 4096
"""Examples among which partners for a row are sought."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows for one step, all [B, S]: `targets` of each token is what comes after it, or IGNORED.

    `documents` numbers the examples within a row from 1; 0 is padding. `pointers` [P, 4] has the
    row of each pointer and the pointer (`pointing`); empty where none were asked for.
    """

    ids: NDArray[np.int64]
    targets: NDArray[np.int64]
    documents: NDArray[np.int64]
    pointers: NDArray[np.int64] = field(default_factory=lambda: np.zeros((0, 4), np.int64))

    @property
    def tokens(self) -> int:
        """Tokens that are not padding."""
        return int(np.count_nonzero(self.documents))


def planned_batches(
    examples: Sequence[Example],
    lengths: Sequence[int],
    tokens: int,
    rng: random.Random,
    pointing: Pointing | None = None,
    renaming: Renaming | None = None,
) -> Iterator[Callable[[], Batch]]:
    """All examples once, in random order, in batches of about `tokens`, with their pointers.

    Each is made when it is called, and is the same whether those before it were made or not: a
    run that goes on passes over thousands, and making one takes a tenth of a second.

    With `renaming`, which needs the pointers, other words stand for some that are copied; each
    batch draws them from a seed of its own. Raises ValueError for one without `pointing`.

    Examples open rows of the shortest of `lengths` that holds them and are put into what is left
    of open ones, best fit; longer ones than the longest are cut there. A batch has rows of one
    length.
    """
    if renaming is not None and pointing is None:
        raise ValueError("What is copied is known from pointers alone.")
    order = list(range(len(examples)))
    rng.shuffle(order)
    waiting: dict[int, list[list[Example]]] = {length: [] for length in lengths}
    for start in range(0, len(order), PACKED_AT_ONCE):
        chunk = [examples[place] for place in order[start : start + PACKED_AT_ONCE]]
        for length, rows in _rows(chunk, sorted(lengths)).items():
            rng.shuffle(rows)
            waiting[length] += rows
        last = start + PACKED_AT_ONCE >= len(order)
        ready = list(_full_batches(waiting, tokens, last))
        rng.shuffle(ready)
        for length, rows in ready:
            yield partial(_batch, rows, length, pointing, renaming, rng.getrandbits(64))


def make_all(planned: Iterable[Callable[[], Batch]]) -> Iterator[Batch]:
    """Each of the planned batches."""
    return (make() for make in planned)


def _rows(chunk: Sequence[Example], lengths: Sequence[int]) -> dict[int, list[list[Example]]]:
    rows: dict[int, list[list[Example]]] = {length: [] for length in lengths}
    open_rows: list[tuple[list[Example], int]] = []
    for example in sorted(chunk, key=len, reverse=True):
        size = min(len(example), lengths[-1])
        # The fullest row of any length that still has room: shorter ones fill up what longer left.
        fits = [(left, place) for place, (_, left) in enumerate(open_rows) if left >= size]
        if fits:
            left, place = min(fits)
            row, _ = open_rows[place]
        else:
            length = next((one for one in lengths if size <= one), lengths[-1])
            row, left, place = [], length, len(open_rows)
            rows[length].append(row)
            open_rows.append((row, left))
        row.append(example)
        open_rows[place] = (row, left - size)
    return rows


def _full_batches(
    waiting: dict[int, list[list[Example]]], tokens: int, last: bool
) -> Iterator[tuple[int, list[list[Example]]]]:
    for length, rows in waiting.items():
        count = max(1, tokens // length)
        while len(rows) >= count or (last and rows):
            yield length, rows[:count]
            del rows[:count]


def _batch(
    rows: Sequence[Sequence[Example]],
    length: int,
    pointing: Pointing | None,
    renaming: Renaming | None,
    seed: int,
) -> Batch:
    rng = random.Random(seed)  # noqa: S311 - no secret is drawn
    shape = (len(rows), length)
    ids, documents = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    targets = np.full(shape, IGNORED, np.int64)
    pointers: list[NDArray[np.int64]] = [np.zeros((0, 4), np.int64)]
    for row, examples in enumerate(rows):
        place = 0
        for number, example in enumerate(examples, start=1):
            size = min(len(example), length)
            end = place + size
            own = np.asarray(example.ids, np.int64)
            if pointing is not None:
                found = pointing.of(example)
                pointers.append(_moved(found, row, place, size))
                own = own if renaming is None else renaming.of(example, found, rng)
            ids[row, place:end] = own[:size]
            documents[row, place:end] = number
            targets[row, place : end - 1] = np.where(example.learned[1:size], own[1:size], IGNORED)
            place = end
    return Batch(ids, targets, documents, np.concatenate(pointers))


def _moved(pointers: NDArray[np.int64], row: int, start: int, size: int) -> NDArray[np.int64]:
    """Pointers of an example that is cut at `size` and begins at `start` of a row."""
    kept = pointers[(pointers[:, 1:] < size).all(axis=1)]
    rows = np.full((len(kept), 1), row)
    return np.concatenate((rows, kept + np.array([0, start, start])), axis=1)
