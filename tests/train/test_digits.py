"""Digits of numbers that are drawn: some hold runs, none begins with zero."""

import random
import re

from glmscope.train.generators.digits import RUNS_SHARE, digits

_DRAWN = 4000


def test_some_numbers_hold_runs_and_none_begins_with_zero() -> None:
    rng = random.Random(7)
    numbers = [digits(rng, 7) for _ in range(_DRAWN)]
    assert all(re.fullmatch(r"[1-9]\d{6}", number) for number in numbers)
    with_runs = sum(bool(re.search(r"(\d)\1\1", number)) for number in numbers) / _DRAWN
    # Seven evenly drawn digits hold three alike in a row in about one of 21.
    assert 0.6 * RUNS_SHARE < with_runs - 0.046 < RUNS_SHARE


def test_a_single_digit_is_any_but_zero() -> None:
    rng = random.Random(8)
    assert {digits(rng, 1) for _ in range(500)} == set("123456789")
