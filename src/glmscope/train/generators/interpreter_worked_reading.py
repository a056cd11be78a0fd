"""Worked problems of GSM8K as templates: a question, and one expression that answers it.

An answer marks its steps, `<<48/2=24>>`. A step's number is a number of the question, the result of
an earlier step, which is put in its place, or a constant that a word of the question stands for:
"twice", "a week". Problems of which that cannot be said for certain are left out.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

from glmscope.train.corpus import read_rows
from glmscope.train.generators.interpreter_formula import UnsuitableError, evaluate
from glmscope.train.generators.interpreter_material import fill
from glmscope.train.generators.interpreter_worked_nodes import (
    HUNDRED,
    ONE,
    Leaf,
    Node,
    Operation,
    combined,
)
from glmscope.train.generators.interpreter_worked_question import (
    Written,
    is_odd,
    is_said,
    numbers_of,
    with_slots,
)

CORPUS = "gsm8k_train"
FILE_NAME = f"{CORPUS}.jsonl.gz"
MOST_WORDS = 45
MOST_OPERATIONS = 4
_MOST_CHOICES = 5
_MOST_SMALL = 10
"""A number up to this that is used twice may once be another one that nobody wrote."""

_MARK = re.compile(r"<<([^<>=]*)=([^<>=]*)>>")
_RESULT = re.compile(r"#### (-?[\d,]+(?:\.\d+)?)$")


class _UnfitError(ValueError):
    """The problem is left out."""


class _UndecidedError(ValueError):
    """A step's number is an earlier result, and the question has it as well."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A question and its expression; slots `{n0}`, `{n1}`, … are the numbers that they share."""

    question: str
    formula: str
    numbers: tuple[Written, ...]
    whole: tuple[str, ...]
    """Parts of the formula that are whole numbers above zero."""
    positive: tuple[str, ...]
    """The other parts: above zero."""


def has_problems(corpus: Path | None) -> bool:
    """Whether the folder of the corpora holds worked problems of use."""
    return corpus is not None and (corpus / FILE_NAME).is_file() and bool(read_problems(corpus))


@lru_cache(maxsize=2)
def read_problems(corpus: Path) -> tuple[Problem, ...]:
    """The problems of use; read once in a process."""
    rows = read_rows(CORPUS, corpus)
    problems = (composed(row["question"], row["answer"]) for row in rows)
    return tuple(problem for problem in problems if problem is not None)


def composed(question: str, answer: str) -> Problem | None:
    """A problem whose steps make one expression; None where they do not."""
    question = " ".join(question.split())
    if len(question.split()) > MOST_WORDS or is_odd(question):
        return None
    try:
        readings = {problem.formula: problem for problem in _readings(question, answer, ())}
    except _UndecidedError:
        return None
    return next(iter(readings.values())) if len(readings) == 1 else None


def _readings(question: str, answer: str, choices: tuple[bool, ...]) -> Iterator[Problem]:
    """Every way to read the steps in which each number and each result has a use."""
    try:
        yield _Reading(question, choices).problem(answer)
    except _UndecidedError:
        if len(choices) < _MOST_CHOICES:
            for choice in (True, False):
                yield from _readings(question, answer, (*choices, choice))
        else:
            raise
    except (_UnfitError, UnsuitableError, SyntaxError, ZeroDivisionError):
        return


_SIGNS: dict[type[ast.operator], str] = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}


class _Reading:
    """One question while its steps are read.

    `choices` says, each time that both may be, whether a number is a result and not the question's.
    """

    def __init__(self, question: str, choices: tuple[bool, ...]) -> None:
        self._question = question
        self._choices = iter(choices)
        self._found = list(numbers_of(question))
        self._leaves = [
            Leaf(f"{{n{place}}}", _value(found.text), place, found.is_percent)
            for place, found in enumerate(self._found)
        ]
        self._results: list[Operation] = []
        self._used: set[int] = set()
        self._taken: list[Leaf] = []

    def problem(self, answer: str) -> Problem:
        """Put the steps together. Raises _UnfitError, or UnsuitableError for what prints badly."""
        result = _RESULT.search(answer)
        steps = _MARK.findall(answer)
        if result is None or not steps or answer.count("<<") != len(steps):
            raise _UnfitError
        for written, stated in steps:
            node = self._node(ast.parse(_as_python(written), mode="eval").body)
            if node.value != _value(stated.strip(" $%")) or node.value <= 0:
                raise _UnfitError
            if isinstance(node, Operation):
                self._results.append(node)
        if not self._results:
            raise _UnfitError
        return self._checked(self._results[-1], _value(result[1]))

    def _checked(self, root: Operation, result: Fraction) -> Problem:
        uses = Counter(leaf.template for leaf in root.leaves)
        values = Counter(leaf.value for leaf in self._leaves)
        needed = {_value(found.text) for found in self._found if found.needs_use}
        # Where a percentage was taken for a count, 50 for 50 % of 100, no hundred divides it.
        if (
            root.value != result
            or len(root.parts) > MOST_OPERATIONS
            or not values
            or not needed <= {leaf.value for leaf in root.leaves}
            or len(self._used) != len(self._results) - 1
            or any(part.sign in "-/" and part.left == part.right for part in root.parts)
            or (self._percents and all(leaf.template != "100" for leaf in root.leaves))
        ):
            raise _UnfitError
        numbers = []
        for leaf, found in zip(self._leaves, self._found, strict=True):
            again = uses[leaf.template] > 1 and leaf.value <= _MOST_SMALL
            fixed = values[leaf.value] > 1 or again or is_said(leaf.value, self._question)
            numbers.append(found.as_written(is_free=found.is_free and not fixed))
        texts = {f"n{place}": found.text for place, found in enumerate(self._found)}
        _ = evaluate(fill(root.template, texts)).printed
        inside = {part.template: part.value.denominator == 1 for part in root.parts}
        return Problem(
            with_slots(self._question, self._found),
            root.template,
            tuple(numbers),
            tuple(part for part, is_whole in inside.items() if is_whole),
            tuple(part for part, is_whole in inside.items() if not is_whole),
        )

    def _node(self, tree: ast.expr) -> Node:
        if isinstance(tree, ast.BinOp) and type(tree.op) in _SIGNS:
            # 1/2 of it needs no 1 in the question.
            is_one = isinstance(tree.left, ast.Constant) and tree.left.value == 1
            is_share = isinstance(tree.op, ast.Div) and is_one
            left = ONE if is_share else self._node(tree.left)
            return combined(_SIGNS[type(tree.op)], left, self._node(tree.right))
        if isinstance(tree, ast.Constant) and isinstance(tree.value, int | float):
            return self._leaf(Fraction(repr(tree.value)))
        raise _UnfitError

    def _leaf(self, value: Fraction) -> Node:
        """What a number of a step stands for. Raises _UndecidedError where no choice is left."""
        earlier = [at for at, result in enumerate(self._results) if result.value == value]
        given = [leaf for leaf in self._leaves if leaf.value == value]
        said = is_said(value, self._question)
        if earlier and (not (given or said) or self._is_result()):
            unused = [at for at in earlier if at not in self._used]
            # Two steps with one result: the one that nobody took yet, in their order.
            at = (unused or earlier)[0]
            self._used.add(at)
            return self._results[at]
        if given:
            # Of equal numbers, the first that no step took yet.
            left = [leaf for leaf in given if leaf not in self._taken]
            self._taken.append((left or given)[0])
            needs_use = self._found[self._leaves.index(self._taken[-1])].needs_use
            return self._taken[-1] if needs_use else ONE
        return Leaf(str(value), value) if said else self._part(value)

    def _is_result(self) -> bool:
        choice = next(self._choices, None)
        if choice is None:
            raise _UndecidedError
        return choice

    @property
    def _percents(self) -> list[Leaf]:
        return [leaf for leaf in self._leaves if leaf.is_percent]

    def _part(self, value: Fraction) -> Node:
        """0.2 for 20 %, 0.8 for 20 % less, 1.2 for 20 % more, 0.5 for a half."""
        parts = [Operation("/", leaf, HUNDRED) for leaf in self._percents]
        changes = [Operation(sign, ONE, part) for sign in "-+" for part in parts]
        for made in (parts, changes):
            fitting = [node for node in made if node.value == value]
            if len(fitting) == 1:
                return fitting[0]
        if value.numerator == 1 and is_said(1 / value, self._question):
            return Operation("/", ONE, Leaf(str(1 / value), 1 / value))
        raise _UnfitError


def _as_python(written: str) -> str:
    """A step's left side without dollars, commas and spaces; 20% is 20/100."""
    plain = re.sub(r"[$,\s]", "", written).lstrip("+")
    return re.sub(r"(\d+(?:\.\d+)?)%", r"(\1/100)", plain)


def _value(text: str) -> Fraction:
    try:
        return Fraction(text.replace(",", ""))
    except ValueError as error:
        raise _UnfitError from error
