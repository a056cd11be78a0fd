"""Numbers of a range as an expression of a grammar, digit by digit.

A number is written plainly: no exponent, no zero in front, at most `MOST_DIGITS` digits. Decimals
of so many digits are told apart by what reads them as floating point, so that a bound that does not
belong to the range stays outside of it when it is read.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from decimal import Decimal

MOST_DIGITS = 15
_USUAL_DIGITS = 9
"""In front of the point, where a range has no end; the rest is for the decimals."""
_FAR = 10 ** (MOST_DIGITS - 1)


@dataclass(frozen=True, slots=True)
class Range:
    """Numbers between two ends; None is no end, and an open end does not belong to it."""

    low: Decimal | None = None
    high: Decimal | None = None
    low_open: bool = False
    high_open: bool = False

    def __contains__(self, value: int | float | Decimal) -> bool:
        low, high = self.low, self.high
        if isinstance(value, float):
            if math.isnan(value):
                return False
            value = Decimal(repr(value))  # as it is written: 0.1 is 0.1
        return (low is None or (value > low if self.low_open else value >= low)) and (
            high is None or (value < high if self.high_open else value <= high)
        )

    def first(self) -> Decimal:
        """A number of the range that is easily read, its least one if it has one."""
        low = self.low if self.low is not None else Decimal(0)
        high = self.high if self.high is not None else low + 2
        tried = (low, high, low + 1, high - 1, (low + high) / 2)
        return next(value for value in tried if value in self)


def range_expression(given: Range, *, integer: bool) -> str:
    """The numbers in the range. Raises ValueError where there are none of so few digits."""
    options = _integer_range(given) if integer else _decimal_range(given)
    if not options:
        raise ValueError(f"no number of {MOST_DIGITS} digits is in this range")
    return " | ".join(options)


def _integer_range(given: Range) -> list[str]:
    most = 10**MOST_DIGITS - 1
    low, high = -most, most
    if given.low is not None:
        first = math.ceil(given.low)
        low = max(low, first + (given.low_open and first == given.low))
    if given.high is not None:
        last = math.floor(given.high)
        high = min(high, last - (given.high_open and last == given.high))
    options: list[str] = []
    if low > high:
        return options
    if low < 0:
        options.append(f'"-" ({_integers(max(1, -high), -low)})')
    if high >= 0:
        options.append(_integers(max(0, low), high))
    return options


def _decimal_range(given: Range) -> list[str]:
    given = _without_far_ends(given)
    ends = [end for end in (given.low, given.high) if end is not None]
    digits = max((_whole_digits(end) for end in ends), default=0)
    if len(ends) < 2:
        digits = max(digits + 1, _USUAL_DIGITS)
    places = MOST_DIGITS - digits
    if len(ends) == 2 and ends[0] > ends[1]:
        return []
    # One more than the ends have, so that there is something between two open ones.
    if places <= max((_places(end) for end in ends), default=0):
        return []
    most = Decimal(10**digits - 1)
    low = _End(-most if given.low is None else given.low, given.low_open)
    high = _End(most if given.high is None else given.high, given.high_open)
    options = []
    if low.value < 0:
        nearest = max(_End(-high.value, high.open), _End(Decimal(0), True), key=_rank)
        options += [
            f'"-" ({each})' for each in _decimals(nearest, _End(-low.value, low.open), places)
        ]
    if high.value >= 0:
        options += _decimals(max(low, _End(Decimal(0), False), key=_rank), high, places)
    return options


@dataclass(frozen=True, slots=True)
class _End:
    value: Decimal
    open: bool

    @property
    def whole(self) -> int:
        return int(self.value)

    @property
    def decimals(self) -> str:
        """Digits after the point, without zeros at their end."""
        return f"{self.value:f}".partition(".")[2].rstrip("0")


@dataclass(frozen=True, slots=True)
class _Digits:
    """Strings of digits: the empty one or not, and expressions for others."""

    empty: bool
    others: tuple[str, ...] = ()

    def after(self, digit: int) -> tuple[str, ...]:
        """These behind a digit."""
        if not self.others:
            return (f'"{digit}"',) if self.empty else ()
        return (f'"{digit}" ({self.either})',)

    @property
    def either(self) -> str:
        return " | ".join(['""'] * self.empty + list(self.others))


def _decimals(low: _End, high: _End, places: int) -> list[str]:
    """Numbers that are not negative, of at most so many decimals."""
    if low.whole == high.whole:
        return _with_decimals(
            low.whole, _between(low.decimals, low.open, high.decimals, high.open, places)
        )
    options = _with_decimals(low.whole, _above(low.decimals, low.open, places))
    if low.whole + 1 < high.whole:
        options.append(f'({_integers(low.whole + 1, high.whole - 1)}) ("." [0-9]{{1,{places}}})?')
    return options + _with_decimals(high.whole, _below(high.decimals, high.open, places))


def _with_decimals(whole: int, decimals: _Digits) -> list[str]:
    options = [f'"{whole}"'] * decimals.empty
    if decimals.others:
        options.append(f'"{whole}." ({" | ".join(decimals.others)})')
    return options


def _above(low: str, is_open: bool, room: int) -> _Digits:
    """Decimals from `low` on, in `room` digits."""
    if not low and not is_open:
        return _Digits(True, (f"[0-9]{{1,{room}}}",) if room else ())
    if not room:
        return _Digits(False)
    first = int(low[:1] or 0)
    return _Digits(
        False, _digit(first + 1, 9, room - 1) + _above(low[1:], is_open, room - 1).after(first)
    )


def _below(high: str, is_open: bool, room: int) -> _Digits:
    """Decimals up to `high`, in `room` digits."""
    if not high:
        return _Digits(not is_open)
    first = int(high[0])
    return _Digits(
        True, _digit(0, first - 1, room - 1) + _below(high[1:], is_open, room - 1).after(first)
    )


def _between(low: str, low_open: bool, high: str, high_open: bool, room: int) -> _Digits:
    """Decimals from `low` up to `high`, in `room` digits."""
    if not low and not low_open:
        return _below(high, high_open, room)
    if not high:
        return _Digits(False)
    first, last = int(low[:1] or 0), int(high[0])
    room -= 1
    if first == last:
        return _Digits(False, _between(low[1:], low_open, high[1:], high_open, room).after(first))
    return _Digits(
        False,
        _above(low[1:], low_open, room).after(first)
        + _digit(first + 1, last - 1, room)
        + _below(high[1:], high_open, room).after(last),
    )


def _digit(first: int, last: int, room: int) -> tuple[str, ...]:
    """One of these digits and up to `room` others; nothing for none."""
    if first > last:
        return ()
    return (f"[{first}-{last}]" + (f" [0-9]{{0,{room}}}" if room else ""),)


def _integers(low: int, high: int) -> str:
    """Integers that are not negative."""
    shortest, longest = len(str(low)), len(str(high))
    if shortest == longest:
        return _same_length(str(low), str(high))
    options = [_same_length(str(low), "9" * shortest)]
    if shortest + 1 < longest:
        options.append(f"[1-9] [0-9]{{{shortest},{longest - 2}}}")
    options.append(_same_length("1" + "0" * (longest - 1), str(high)))
    return " | ".join(options)


def _same_length(low: str, high: str) -> str:
    """Strings of digits from `low` to `high`, which are of one length, not 0."""
    first, last, rest = int(low[0]), int(high[0]), len(low) - 1
    if not rest:
        return f"[{first}-{last}]"
    if first == last:
        return f'"{first}" ({_same_length(low[1:], high[1:])})'
    options = []
    if low[1:].strip("0"):
        options.append(f'"{first}" ({_same_length(low[1:], "9" * rest)})')
        first += 1
    ending = []
    if high[1:].strip("9"):
        ending.append(f'"{last}" ({_same_length("0" * rest, high[1:])})')
        last -= 1
    if first <= last:
        options.append(f"[{first}-{last}] [0-9]{{{rest}}}")
    return " | ".join(options + ending)


def _without_far_ends(given: Range) -> Range:
    """Without ends that no number of so few digits comes near."""
    low, high = given.low, given.high
    if low is not None and low < -_FAR:
        given = replace(given, low=None, low_open=False)
    if high is not None and high > _FAR:
        given = replace(given, high=None, high_open=False)
    return given


def _whole_digits(end: Decimal) -> int:
    return len(str(abs(int(end))))


def _places(end: Decimal) -> int:
    return len(_End(end, False).decimals)


def _rank(end: _End) -> tuple[Decimal, bool]:
    return end.value, end.open
