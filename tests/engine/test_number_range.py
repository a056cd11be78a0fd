"""Expressions of ranges, read as regular expressions: they allow what is in a range, no more."""

from __future__ import annotations

import json
import random
import re
from decimal import Decimal

import pytest

from glmscope.engine.number_range import MOST_DIGITS, Range, range_expression


def pattern(given: Range, *, integer: bool) -> re.Pattern[str]:
    """The notations agree once literals have lost their quotes and parts their spaces."""
    expression = range_expression(given, integer=integer)
    return re.compile(
        re.sub(r'"([^"]*)"', lambda found: re.escape(found[1]), expression).replace(" ", "")
    )


def between(low: object, high: object, *opened: str) -> Range:
    ends = [None if end is None else Decimal(str(end)) for end in (low, high)]
    return Range(*ends, low_open="low" in opened, high_open="high" in opened)


def around(rng: random.Random, low: int, high: int) -> set[int]:
    """Both ends and their neighbors, 0, powers of ten, others at random, in the range or not."""
    ends = {end + step for end in (low, high) for step in (-11, -10, -2, -1, 0, 1, 2, 9, 10)}
    powers = {sign * 10**size + step for size in range(7) for sign in (-1, 1) for step in (-1, 0)}
    drawn = {rng.randint(2 * low - high - 5, 2 * high - low + 5) for _ in range(200)}
    return ends | powers | drawn


def integers() -> list[tuple[int, int]]:
    rng = random.Random(6)
    fixed = [(0, 0), (-1, 1), (0, 120), (1900, 2100), (-90, 90), (7, 7), (-7, -7), (-1, 0)]
    fixed += [(0, 10**6), (-(10**6), -1), (99, 101), (-101, -99), (9, 10), (-10, 9)]
    drawn = []
    for _ in range(300):
        size = 10 ** rng.randint(1, 6)
        drawn.append(tuple(sorted((rng.randint(-size, size), rng.randint(-size, size)))))
    return [*fixed, *drawn]


def test_integers_of_a_range() -> None:
    rng = random.Random(7)
    for low, high in integers():
        allowed = pattern(between(low, high), integer=True)
        for value in around(rng, low, high):
            assert bool(allowed.fullmatch(str(value))) is (low <= value <= high), (low, value, high)


def test_every_integer_of_every_small_range() -> None:
    for low in range(-31, 32, 3):
        for high in range(low, 125, 4):
            allowed = pattern(between(low, high), integer=True)
            found = [value for value in range(-140, 140) if allowed.fullmatch(str(value))]
            assert found == list(range(low, high + 1))


@pytest.mark.parametrize(
    ("given", "inside", "outside"),
    [
        (between(7, None), [7, 8, 10, 10**15 - 1], [6, 0, -7, 10**15]),
        (between(None, 7), [7, 0, -1, -(10**15) + 1], [8, 10]),
        (between(None, -7), [-7, -8, -10], [-6, 0, 7]),
        (between(-7, None), [-7, 0, 7, 10**14], [-8]),
        (between(3, None, "low"), [4], [3]),
        (between(None, 3, "high"), [2, -3], [3]),
        (between(-3, 0, "low", "high"), [-2, -1], [-3, 0]),
        (between("0.5", "2.5"), [1, 2], [0, 3]),
        (between("-2.5", "-0.5"), [-2, -1], [-3, 0]),
        (between(None, 10**400), [10**15 - 1, -(10**15) + 1], [10**15]),
    ],
    ids=str,
)
def test_open_and_endless_ranges_of_integers(
    given: Range, inside: list[int], outside: list[int]
) -> None:
    allowed = pattern(given, integer=True)
    assert [each for each in inside if not allowed.fullmatch(str(each))] == []
    assert [each for each in outside if allowed.fullmatch(str(each))] == []
    assert all(each in given for each in inside)


def test_integers_are_written_plainly() -> None:
    for given in (between(-5, 120), between(0, None), between(None, 3), between(-9, 9)):
        allowed = pattern(given, integer=True)
        for text in ("-0", "00", "01", "-01", "+1", "1.0", "1e0", "", "-", " 1"):
            assert not allowed.fullmatch(text), (given, text)


def decimals(rng: random.Random, low: Decimal, high: Decimal, places: int) -> set[Decimal]:
    """Both ends, what is next to them in so many places and more, and others at random."""
    steps = [Decimal(sign).scaleb(-place) for sign in (-1, 1) for place in range(places + 3)]
    ends = {end + step for end in (low, high) for step in [Decimal(0), *steps]}
    span = float(high - low) or 1.0
    drawn = {
        Decimal(f"{rng.uniform(float(low) - span, float(high) + span):.6f}") for _ in range(99)
    }
    return ends | drawn | {Decimal(0), Decimal(1), Decimal(-1)}


def test_decimals_of_a_range() -> None:
    rng = random.Random(8)
    for _ in range(300):
        places = rng.randint(0, 4)
        size = 10 ** rng.randint(1, 6)
        low, high = sorted(Decimal(rng.randint(-size, size)).scaleb(-places) for _ in range(2))
        opened = [side for side in ("low", "high") if rng.random() < 0.3 and low < high]
        given = between(low, high, *opened)
        allowed = pattern(given, integer=False)
        for value in decimals(rng, low, high, places):
            text = f"{value:f}"
            if value == 0 and text.startswith("-"):
                text = text[1:]
            # An end may be written with zeros behind it, or not: what is allowed is in the range.
            short = text.rstrip("0").rstrip(".") if "." in text else text
            assert bool(allowed.fullmatch(short)) is (value in given), (given, text)
            assert not allowed.fullmatch(text) or value in given, (given, text)


@pytest.mark.parametrize(
    ("given", "inside", "outside"),
    [
        (between("0.1", "0.3"), ["0.1", "0.10000000000001", "0.3"], ["0.09", "0.31", "0", "1"]),
        (
            between(0, 1, "low", "high"),
            ["0.5", "0.00000000000001", "0.9"],
            ["0", "1", "0.0", "1.0"],
        ),
        (between(-90, 90), ["-90", "-89.5", "0", "-0.5", "90"], ["-90.1", "90.1", "-0", "1e1"]),
        (between(None, 7), ["7", "6.5", "-1.25", "-999999998.999999"], ["7.1", "8"]),
        (between("-90.5", None), ["-90.5", "-90.49", "0", "999999999"], ["-90.51", "-91"]),
        (between(2, 2), ["2"], ["2.1", "1.9"]),
        (between("-0.25", "-0.25"), ["-0.25"], ["-0.2", "-0.251", "0.25"]),
        (between(999999999, None, "low"), ["1000000000"], ["999999999"]),
        (between(None, "1e300"), ["5", "-5"], []),
    ],
    ids=str,
)
def test_ends_of_decimals(given: Range, inside: list[str], outside: list[str]) -> None:
    allowed = pattern(given, integer=False)
    assert [each for each in inside if not allowed.fullmatch(each)] == []
    assert [each for each in outside if allowed.fullmatch(each)] == []


def test_an_open_end_stays_outside_when_it_is_read() -> None:
    """Nothing that is allowed is rounded to the end."""
    for end in ("0.1", "0.3", "1.1", "123.456", "999999.5"):
        for given, digit in ((between(end, None, "low"), "0"), (between(None, end, "high"), "9")):
            allowed = pattern(given, integer=False)
            least = Decimal(end) + Decimal(1).scaleb(-6) * (1 if digit == "0" else -1)
            whole, _, places = f"{least:f}".partition(".")
            nearest = f"{whole}.{places}{digit * 20}"
            longest = max(
                (
                    nearest[:size]
                    for size in range(len(nearest))
                    if allowed.fullmatch(nearest[:size])
                ),
                key=len,
            )
            assert json.loads(longest) != float(end)
            assert len(longest.replace(".", "").lstrip("-")) <= MOST_DIGITS


@pytest.mark.parametrize(
    ("given", "integer"),
    [
        (between(2, 1), True),
        (between(1, 2, "low", "high"), True),
        (between("0.2", "0.8"), True),
        (between(10**15, None), True),
        (between(None, -(10**15)), True),
        (between(10**15, None), False),
        (between("0.12345678901234567", None), False),
    ],
    ids=str,
)
def test_what_holds_nothing_that_could_be_written(given: Range, integer: bool) -> None:
    with pytest.raises(ValueError, match="digits"):
        range_expression(given, integer=integer)


@pytest.mark.parametrize("given", [between(1, 0), between(1, 1, "low"), between(1, 1, "high")])
def test_empty_ranges_of_decimals(given: Range) -> None:
    with pytest.raises(ValueError, match="digits"):
        range_expression(given, integer=False)


def test_first_is_in_the_range() -> None:
    rng = random.Random(9)
    for _ in range(300):
        low, high = sorted(rng.sample(range(-50, 50), 2))
        for given in (
            between(low, high),
            between(low, None, "low"),
            between(None, high, "high"),
            between(low, high + 1, "low", "high"),
        ):
            assert given.first() in given
            assert given.first() == int(given.first())


def test_floating_point_is_compared_as_it_is_written() -> None:
    assert 0.1 in between("0.1", "0.1")
    assert 0.30000000000000004 not in between(None, "0.3")
    assert 10**400 not in between(0, 1)
    assert float("nan") not in Range()
    assert float("inf") not in between(0, 5)
