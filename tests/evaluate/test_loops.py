from __future__ import annotations

import pytest

from glmscope.chat.repetition import Loop
from glmscope.evaluate.loops import find_loop


@pytest.mark.parametrize(
    ("ids", "loop"),
    [
        ([7] * 24, Loop(0, 1, 24)),
        ([1, 2, *[7] * 30, 3], Loop(2, 1, 30)),
        ([9, *[1, 2, 3] * 8], Loop(1, 3, 24)),
        ([*range(40)] * 4, Loop(0, 40, 160)),
        ([*range(100, 140), *([*range(10)] * 5), 5], Loop(40, 10, 50)),
    ],
)
def test_a_unit_that_comes_again_and_again_is_a_loop(ids: list[int], loop: Loop) -> None:
    assert find_loop(ids) == loop


@pytest.mark.parametrize(
    "ids",
    [
        [],
        [7] * 23,
        [1, 2, 3] * 7 + [1, 2],
        [*range(40)] * 3,
        [*range(41)] * 8,
        [each for number in range(20) for each in (1, 2, number, 3)],
        [*([1, 2, 3] * 7), 9, *([1, 2, 3] * 7)],
    ],
    ids=["nothing", "short", "a third too few", "three rounds", "long unit", "a list", "broken"],
)
def test_what_differs_or_is_short_is_none(ids: list[int]) -> None:
    assert find_loop(ids) is None
