"""Arithmetic in one line of text, computed without running anything of it.

The text is cut into tokens and read by precedence; what is computed is bounded before it is
computed, so no line takes more than a moment: `9**9**9` is refused.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable

Number = int | float

LONGEST_EXPRESSION = 1000
_DEEPEST = 50
_MOST_BITS = 4096
"""Of an integer, some 1200 digits."""
_MOST_PLACES = 300

_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)"
    r"|(?P<name>[A-Za-z_]\w*)|(?P<sign>\*\*|//|[-+*/%(),]))",
    re.ASCII,
)
# Full-width forms stand in Unicode in ASCII's order; nothing is folded that means something else.
_SPELLINGS = {0xFEE0 + code: chr(code) for code in range(0x21, 0x7F)} | str.maketrans(
    {"×": "*", "÷": "/", "−": "-", "^": "**", "²": "**2", "³": "**3", "π": "pi", "\u3000": " "}
)
_CONSTANTS = {"pi": math.pi, "e": math.e}


class ArithmeticSlip(Exception):  # noqa: N818 - the model's, not the program's
    """Why a line has no value, in one sentence."""


def calculate(text: str) -> Number:
    """The value of `text`; `^` is a power, full-width signs, `×` and `÷` are read as well.

    Raises ArithmeticSlip for what is no arithmetic, has no real value, or is too large.
    """
    if len(text) > LONGEST_EXPRESSION:
        raise ArithmeticSlip(f"An expression may have {LONGEST_EXPRESSION} characters.")
    try:
        return _Reader(_tokens(text.translate(_SPELLINGS))).value()
    except ZeroDivisionError:
        raise ArithmeticSlip("Division by zero has no value.") from None
    except OverflowError:
        raise ArithmeticSlip("The number is too large.") from None
    except ValueError:
        raise ArithmeticSlip("That function has no real value there.") from None


def _tokens(text: str) -> list[tuple[str, str]]:
    found, place, end = [], 0, len(text.rstrip())
    while place < end:
        match = _TOKEN.match(text, place)
        if match is None or match.lastgroup is None:
            character = text[place:].lstrip()[0]
            raise ArithmeticSlip(f'"{character}" is not part of arithmetic.')
        found.append((match.lastgroup, match[match.lastgroup]))
        place = match.end()
    return [*found, ("end", "")]


class _Reader:
    """Recursive descent, one method for each level of precedence; the stack is bounded."""

    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self._tokens = tokens
        self._next = 0
        self._depth = 0

    def value(self) -> Number:
        value = self._sum()
        if self._tokens[self._next][0] != "end":
            raise self._unexpected()
        return value

    def _sum(self) -> Number:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise ArithmeticSlip(f"It is nested more than {_DEEPEST} deep.")
        value = self._product()
        while sign := self._accept("+", "-"):
            other = self._product()
            value = _held(value + other if sign == "+" else value - other)
        self._depth -= 1
        return value

    def _product(self) -> Number:
        value = self._signed()
        while sign := self._accept("*", "/", "//", "%"):
            value = _held(_OPERATIONS[sign](value, self._signed()))
        return value

    def _signed(self) -> Number:
        negative = False
        while sign := self._accept("+", "-"):
            negative ^= sign == "-"
        value = self._power()
        return -value if negative else value

    def _power(self) -> Number:
        """Binds closer than a sign in front of it, and to the right: -2**2 is -4."""
        base = self._operand()
        if not self._accept("**"):
            return base
        self._depth += 1
        if self._depth > _DEEPEST:
            raise ArithmeticSlip(f"It is nested more than {_DEEPEST} deep.")
        exponent = self._signed()
        self._depth -= 1
        return _held(_power(base, exponent))

    def _operand(self) -> Number:
        kind, text = self._tokens[self._next]
        self._next += 1
        if kind == "number":
            return _held(int(text) if text.isdecimal() else float(text))
        if kind == "name":
            return self._call(text) if self._accept("(") else _constant(text)
        if text == "(":
            value = self._sum()
            self._close()
            return value
        self._next -= 1
        raise self._unexpected()

    def _call(self, name: str) -> Number:
        function, fewest, most = _FUNCTIONS.get(name.lower(), (None, 0, 0))
        if function is None:
            raise ArithmeticSlip(f'There is no function "{name[:40]}"; {_KNOWN}.')
        values: list[Number] = []
        if not self._accept(")"):
            values.append(self._sum())
            while self._accept(","):
                values.append(self._sum())
            self._close()
        if not fewest <= len(values) <= most:
            raise ArithmeticSlip(f"{name} was given {len(values)} numbers.")
        return _held(function(*values))

    def _close(self) -> None:
        if not self._accept(")"):
            raise self._unexpected()

    def _accept(self, *signs: str) -> str | None:
        kind, text = self._tokens[self._next]
        if kind != "sign" or text not in signs:
            return None
        self._next += 1
        return text

    def _unexpected(self) -> ArithmeticSlip:
        kind, text = self._tokens[self._next]
        if kind == "end":
            return ArithmeticSlip("The expression ends too early.")
        return ArithmeticSlip(f'"{text[:40]}" does not belong where it stands.')


def _constant(name: str) -> Number:
    if name.lower() not in _CONSTANTS:
        raise ArithmeticSlip(f'There is no constant "{name[:40]}"; known are pi and e.')
    return _CONSTANTS[name.lower()]


def _held(value: Number) -> Number:
    """The value, if it is one that can be gone on with."""
    if isinstance(value, int):
        if value.bit_length() > _MOST_BITS:
            raise OverflowError
    elif not math.isfinite(value):
        raise OverflowError
    return value


def _power(base: Number, exponent: Number) -> Number:
    if isinstance(base, int) and isinstance(exponent, int) and exponent >= 0:
        # Of 0, 1 and -1 a power is small whatever the exponent.
        if base.bit_length() > 1 and (base.bit_length() - 1) * exponent > _MOST_BITS:
            raise OverflowError
        return int(base**exponent)
    value = base**exponent
    if isinstance(value, complex):
        raise ValueError
    return float(value)


def _divide(left: Number, right: Number) -> Number:
    """Exact where both are integers and nothing remains."""
    if isinstance(left, int) and isinstance(right, int) and right and left % right == 0:
        return left // right
    return left / right


def _round(value: Number, places: Number = 0) -> Number:
    if not isinstance(places, int) or abs(places) > _MOST_PLACES:
        raise ArithmeticSlip("round takes a number of places that is a small integer.")
    return round(value, places) if places else round(value)


def _logarithm(value: Number, base: Number = math.e) -> Number:
    return math.log(value) if base == math.e else math.log(value, base)


_OPERATIONS: dict[str, Callable[[Number, Number], Number]] = {
    "*": lambda left, right: left * right,
    "/": _divide,
    "//": lambda left, right: left // right,
    "%": lambda left, right: left % right,
}
_FUNCTIONS: dict[str, tuple[Callable[..., Number] | None, int, int]] = {
    "sqrt": (math.sqrt, 1, 1),
    "sin": (math.sin, 1, 1),
    "cos": (math.cos, 1, 1),
    "tan": (math.tan, 1, 1),
    "log": (_logarithm, 1, 2),
    "exp": (math.exp, 1, 1),
    "abs": (abs, 1, 1),
    "round": (_round, 1, 2),
    "min": (lambda *values: min(values), 1, LONGEST_EXPRESSION),
    "max": (lambda *values: max(values), 1, LONGEST_EXPRESSION),
}
"""By name: what it computes, and of how many numbers at least and at most."""
_KNOWN = f"known are {', '.join(_FUNCTIONS)}"
