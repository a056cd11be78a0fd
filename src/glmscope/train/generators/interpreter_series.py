"""Several sums one after another: of one pair of numbers, or of everything in turn.

Where the numbers stay, only the words say which operation is meant. So a row of training has many
operations to choose from, and not one.
"""

from __future__ import annotations

from dataclasses import replace

from glmscope.train.generators.interpreter_formula import UnsuitableError
from glmscope.train.generators.interpreter_material import Desk, Entry, Exchange
from glmscope.train.generators.interpreter_numbers import allows
from glmscope.train.generators.interpreter_sums import numbers_of, sum_exchanges, worked

_SECTIONS = ("sums", "sums", "problems")
_SAME_SHARE = 0.5
_LENGTHS = (3, 3, 3, 4, 4, 5, 6)
_TRIES = 60


def series_exchanges(desk: Desk) -> tuple[Exchange, ...]:
    """Three to six questions."""
    length = desk.pick(_LENGTHS)
    if desk.rng.random() < _SAME_SHARE:
        # Some pairs of numbers suit hardly any question: then another pair is drawn.
        while len(same := _about_the_same(desk, length)) < min(_LENGTHS):
            pass
        return same
    exchanges: list[Exchange] = []
    while len(exchanges) < length:
        exchanges.append(_problem(desk) if desk.rng.random() < 0.4 else sum_exchanges(desk)[0])
    return tuple(exchanges)


def _problem(desk: Desk) -> Exchange:
    while True:
        entry = desk.entry("problems")
        try:
            problem = worked(desk, entry, numbers_of(desk, entry))
        except UnsuitableError:
            continue
        return replace(problem, question=desk.frame("problem", problem.question))


def _about_the_same(desk: Desk, length: int) -> tuple[Exchange, ...]:
    """Questions of different entries about two numbers, each of which takes both or the first."""
    first = desk.pick((desk.rng.randint(20, 999), desk.rng.randint(20, 9999)))
    numbers = (str(first), str(desk.rng.randint(2, min(first, 99) - 1)))
    exchanges: list[Exchange] = []
    asked: list[Entry] = []
    for _ in range(_TRIES):
        entry = desk.entry(desk.pick(_SECTIONS))
        specs = entry["numbers"]
        if entry in asked or len(specs) > len(numbers):
            continue
        written = dict(zip(specs, numbers, strict=False))
        if not all(allows(specs[slot], number) for slot, number in written.items()):
            continue
        try:
            exchange = worked(desk, entry, written)
        except UnsuitableError:
            continue
        asked.append(entry)
        exchanges.append(exchange)
        if len(exchanges) == length:
            break
    return tuple(exchanges)
