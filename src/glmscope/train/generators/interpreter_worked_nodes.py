"""The expression of a worked problem, as a tree: numbers, constants, and signs between them."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Leaf:
    """A number of the question, by its slot, or a constant, which stands nowhere."""

    template: str
    value: Fraction
    place: float = float("inf")
    is_percent: bool = False

    @property
    def leaves(self) -> tuple[Leaf, ...]:
        """Itself."""
        return (self,)

    @property
    def parts(self) -> tuple[Operation, ...]:
        """None: there is no sign in it."""
        return ()


@dataclass(frozen=True)
class Operation:
    """A sign between two nodes."""

    sign: str
    left: Node
    right: Node

    @cached_property
    def value(self) -> Fraction:
        """What it comes to, exactly."""
        left, right = self.left.value, self.right.value
        if self.sign in "+-":
            return left + right if self.sign == "+" else left - right
        return left * right if self.sign == "*" else left / right

    @property
    def place(self) -> float:
        """Where in the question it begins."""
        return min(self.left.place, self.right.place)

    @property
    def is_percent(self) -> bool:
        """Whether it is 20 / 100, for 20 %, or 1 - 20 / 100."""
        if self.sign == "/":
            return self.left.is_percent and self.right == HUNDRED
        return self.sign in "+-" and _is_one(self.left) and self.right.is_percent

    @property
    def leaves(self) -> tuple[Leaf, ...]:
        """Its numbers and constants, from left to right."""
        return (*self.left.leaves, *self.right.leaves)

    @property
    def parts(self) -> tuple[Operation, ...]:
        """Its operations, itself among them."""
        return (*self.left.parts, *self.right.parts, self)

    @property
    def template(self) -> str:
        """It in Python, with no more brackets than it takes."""
        left, right = self.left.template, self.right.template
        if self._is_looser(self.left):
            left = f"({left})"
        after = self.right.sign if isinstance(self.right, Operation) else ""
        # 8 - (3 + 2) and 8 / (2 * 2), but 8 + 3 - 2.
        turns = (self.sign == "-" and after in ("+", "-")) or (self.sign == "/" and after != "")
        if turns or self._is_looser(self.right):
            right = f"({right})"
        return f"{left} {self.sign} {right}"

    def _is_looser(self, node: Node) -> bool:
        return isinstance(node, Operation) and self.sign in "*/" and node.sign in "+-"


ONE = Leaf("1", Fraction(1))
HUNDRED = Leaf("100", Fraction(100))
Node: TypeAlias = "Leaf | Operation"


def combined(sign: str, left: Node, right: Node) -> Node:
    """The operation as other generators would write it: in the question's order, `x * 20 / 100`."""
    if sign == "*":
        for one, other in ((left, right), (right, left)):
            if isinstance(one, Operation) and one.sign == "/" and _is_one(one.left):
                return Operation("/", other, one.right)
            if isinstance(one, Leaf) and _is_one(one):
                return other
    if sign == "-" and isinstance(right, Operation) and right.sign == "+":
        return combined("-", combined("-", left, right.left), right.right)
    if sign == "/" and _is_one(right):
        return left
    # A percentage comes after what it is taken of.
    turned = sign == "*" and left.is_percent != right.is_percent
    if left.is_percent if turned else sign in "+*" and right.place < left.place:
        left, right = right, left
    return Operation(sign, left, right)


def _is_one(node: Node) -> bool:
    return node.value == 1 and isinstance(node, Leaf) and not node.template.startswith("{")
