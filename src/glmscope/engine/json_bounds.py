"""What a JSON schema says of how much: ends of ranges of numbers, lengths, counts of items."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

from glmscope.engine.json_nodes import Number
from glmscope.engine.number_range import MOST_DIGITS, Range, range_expression


class RefusalError(Exception):
    """Why a schema cannot be followed."""


def read_number(schema: dict[str, Any], integer: bool, where: str) -> Number:
    """A number between its ends, the narrower ones where there are two.

    Raises RefusalError for ends that are none, and where there is nothing between them.
    """
    low = max(_ends(schema, ("minimum", "exclusiveMinimum"), integer, where), default=None)
    high = min(
        _ends(schema, ("maximum", "exclusiveMaximum"), integer, where),
        key=lambda end: (end[0], not end[1]),
        default=None,
    )
    between = Range(low and low[0], high and high[0], bool(low and low[1]), bool(high and high[1]))
    try:
        range_expression(between, integer=integer)
    except ValueError:
        kind = "integers" if integer else "numbers"
        raise RefusalError(
            f"{where} is a range without {kind} of up to {MOST_DIGITS} digits"
        ) from None
    return Number(integer, between)


def _ends(
    schema: dict[str, Any], names: tuple[str, str], integer: bool, where: str
) -> list[tuple[Decimal, bool]]:
    """What bounds a range at one side: where, and whether that does not belong to it."""
    read = _limit if integer else _finite
    given = ((read(schema, name, where), name.startswith("exclusive")) for name in names)
    return [(Decimal(repr(value)), is_open) for value, is_open in given if value is not None]


def _finite(schema: dict[str, Any], name: str, where: str) -> int | float | None:
    value = schema.get(name)
    if value is None:
        return None
    # A whole number may be too large to be asked whether it is finite.
    finite = isinstance(value, int) or (isinstance(value, float) and math.isfinite(value))
    if isinstance(value, bool) or not finite:
        raise RefusalError(f"{name} of {where} is not a number")
    number: int | float = value
    return number


def _limit(schema: dict[str, Any], name: str, where: str) -> int | None:
    value = schema.get(name)
    if value is None:
        return None
    # Infinity, which JSON texts can spell as 1e999, leaves no whole remainder.
    if isinstance(value, bool) or not isinstance(value, int | float) or value % 1 != 0:
        raise RefusalError(f"{name} of {where} is not a whole number")
    return int(value)


def count_bounds(
    schema: dict[str, Any], lower: str, upper: str, where: str, most: int
) -> tuple[int, int | None]:
    """The least and the largest count, neither above `most`. Raises RefusalError."""
    shortest, longest = _limit(schema, lower, where) or 0, _limit(schema, upper, where)
    if shortest < 0 or (longest is not None and longest < shortest):
        raise RefusalError(f"{lower} and {upper} of {where} allow nothing")
    if max(shortest, longest or 0) > most:
        raise RefusalError(f"{lower} or {upper} of {where} is above {most}")
    return shortest, longest
