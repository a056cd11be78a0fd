"""What a formula in Python prints, worked out in exact fractions; nothing is run.

Known are + - * / // % **, brackets, `abs`, `round` and the few functions of `math` in
`_FUNCTIONS`.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

PLACES = 8
"""Code rounds floating-point results to so many decimals: 3.63, not 3.6300000000000003."""

MAX_FLOAT = 10**7
"""Beyond this, rounding to `PLACES` no longer hides the error of a double."""

_DOUBT = Fraction(4, 10**7)
"""The error that a few steps in doubles make, in units of the last place for a value of 1."""

_MAX_DIGITS = 30


class UnsuitableError(ValueError):
    """The formula has no result that is good to show: too large, too small, undefined."""


@dataclass(frozen=True, slots=True)
class Number:
    """An exact value, and whether Python holds it as a float."""

    exact: Fraction
    is_float: bool

    @property
    def printed(self) -> str:
        """What `print` shows, a float rounded to `PLACES`.

        Raises UnsuitableError where a double and the exact value may print differently.
        """
        if not self.is_float:
            if abs(self.exact) >= 10**_MAX_DIGITS:
                raise UnsuitableError("too many digits")
            return str(self.exact.numerator)
        scaled = abs(self.exact) * 10**PLACES
        # Not zero either: a double keeps its sign, -0.0.
        if not Fraction(1, 200) <= abs(self.exact) <= MAX_FLOAT:
            raise UnsuitableError("out of the range that prints well")
        # The larger the number, the further a double may be off in the last place shown.
        doubt = min(Fraction(1, 100) + abs(self.exact) * _DOUBT, Fraction(9, 20))
        if abs(scaled % 1 - Fraction(1, 2)) < doubt:
            raise UnsuitableError("halfway between two roundings")
        return repr(float(round(self.exact, PLACES)))


def evaluate(formula: str) -> Number:
    """The value of a formula. Raises UnsuitableError, or ValueError for what is not known."""
    return _value(ast.parse(formula, mode="eval").body)


def print_line(expression: str, rounded: bool) -> str:
    """The last line of code: it prints the expression."""
    return f"print(round({expression}, {PLACES}))" if rounded else f"print({expression})"


def without_point_zero(printed: str) -> str:
    """A result as an answer names it: 5, not 5.0."""
    return printed.removesuffix(".0")


def square_root(value: Fraction) -> Fraction:
    """Exact where the value is a square, else correct to more digits than a double has."""
    if value < 0:
        raise UnsuitableError("root of a negative number")
    scale = 10**20
    return Fraction(math.isqrt(value.numerator * value.denominator * scale**2), scale) / Fraction(
        value.denominator
    )


def cube_root(value: Fraction) -> Fraction:
    """Exact where the value is a cube, else correct to more digits than a double has.

    `math.cbrt` stands for it in a formula; code has `x ** (1 / 3)`, which every Python knows.
    """
    if value < 0:
        raise UnsuitableError("Python gives a complex number")
    scale = 10**20
    scaled = value.numerator * value.denominator**2 * scale**3
    root = 1 << -(-scaled.bit_length() // 3)
    while root**3 > scaled:
        root = (2 * root + scaled // root**2) // 3
    return Fraction(root, scale * value.denominator)


def _value(node: ast.expr) -> Number:
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        # A double's repr is the decimal that was written.
        return Number(Fraction(repr(node.value)), isinstance(node.value, float))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        operand = _value(node.operand)
        return Number(-operand.exact, operand.is_float)
    if isinstance(node, ast.BinOp):
        return _binary(node.op, _value(node.left), _value(node.right))
    if isinstance(node, ast.Attribute) and ast.unparse(node) == "math.pi":
        return Number(Fraction(math.pi), True)
    if isinstance(node, ast.Call):
        return _call(ast.unparse(node.func), [_value(argument) for argument in node.args])
    raise ValueError(f"Not part of a formula: {ast.unparse(node)}")


def _binary(op: ast.operator, left: Number, right: Number) -> Number:
    is_float = left.is_float or right.is_float
    if isinstance(op, ast.Pow):
        return _power(left, right)
    if isinstance(op, ast.Div | ast.FloorDiv | ast.Mod) and right.exact == 0:
        raise UnsuitableError("division by zero")
    if isinstance(op, ast.Div):
        return Number(left.exact / right.exact, True)
    return Number(Fraction(_OPERATORS[type(op)](left.exact, right.exact)), is_float)


_OPERATORS: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}


def _power(base: Number, exponent: Number) -> Number:
    if exponent.exact.denominator != 1 or not 0 <= exponent.exact <= 100:
        raise UnsuitableError("only whole exponents up to 100")
    return Number(base.exact ** int(exponent.exact), base.is_float or exponent.is_float)


def _call(name: str, arguments: list[Number]) -> Number:
    values = [argument.exact for argument in arguments]
    if name == "abs":
        return Number(abs(values[0]), arguments[0].is_float)
    if name == "round":
        return _rounded(arguments[0], int(values[1]))
    if name == "math.sqrt":
        return Number(square_root(*values), True)
    if name == "math.cbrt":
        return Number(cube_root(*values), True)
    if any(value.denominator != 1 for value in values):
        raise UnsuitableError("whole numbers only")
    return Number(Fraction(_FUNCTIONS[name](*map(int, values))), False)


def _rounded(number: Number, places: int) -> Number:
    if abs(number.exact * 10**places % 1 - Fraction(1, 2)) < Fraction(1, 1000):
        raise UnsuitableError("halfway between two roundings")
    return Number(round(number.exact, places), number.is_float)


_FUNCTIONS: dict[str, Callable[..., int]] = {
    "math.factorial": math.factorial,
    "math.gcd": math.gcd,
    "math.lcm": math.lcm,
    "math.comb": math.comb,
    "math.perm": math.perm,
}
