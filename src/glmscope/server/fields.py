"""Reading JSON fields without guessing: a wrong type or range is one clear sentence.

No pydantic here: it turns "1" and true into numbers, and its messages are not this wire's.
A null is the same as an absent field throughout, as it is for the service.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from glmscope.errors import InvalidParameter

Fields = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Interval:
    """A range of numbers, printed as the service prints it: `[0.0, 2.0)`."""

    low: float
    high: float
    low_open: bool = False
    high_open: bool = False

    def __contains__(self, number: float) -> bool:
        above = number > self.low if self.low_open else number >= self.low
        below = number < self.high if self.high_open else number <= self.high
        return above and below

    def __str__(self) -> str:
        opening = "(" if self.low_open else "["
        closing = ")" if self.high_open else "]"
        return f"{opening}{self.low}, {self.high}{closing}"


def integer(fields: Fields, name: str, interval: Interval) -> int | None:
    """The whole number `name`, or None when absent. A float is refused even if it is whole."""
    value = fields.get(name)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool):
        raise InvalidParameter(f"{name} should be an integer.", param=name)
    if value not in interval:
        raise out_of_range(name, interval)
    return value


def number(fields: Fields, name: str, interval: Interval) -> float | None:
    """The finite number `name`, or None when absent."""
    value = fields.get(name)
    if value is None:
        return None
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        raise InvalidParameter(f"{name} should be a number.", param=name)
    # JSON's 1e999 reads as infinity, and an integer may be too large to become a float.
    if abs(value) > sys.float_info.max or math.isnan(value) or value not in interval:
        raise out_of_range(name, interval)
    return float(value)


def boolean(fields: Fields, name: str) -> bool:
    """The truth value `name`; False when absent."""
    value = fields.get(name)
    if value is None:
        return False
    if not isinstance(value, bool):
        raise InvalidParameter(f"{name} should be true or false.", param=name)
    return value


def text(value: object, where: str) -> str:
    """`value` as text that can be encoded. `where` names it in the error."""
    if not isinstance(value, str):
        raise InvalidParameter(f"{where} should be a string.", param=where)
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        raise InvalidParameter(
            f"{where} holds half of a surrogate pair, which is not a character.", param=where
        ) from None
    return value


def out_of_range(name: str, interval: Interval) -> InvalidParameter:
    """The error that names the range."""
    return InvalidParameter(f"Range of {name} should be {interval}", param=name)
