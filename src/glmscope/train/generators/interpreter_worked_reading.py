"""Worked problems of GSM8K as templates: a question, and one expression that answers it.

An answer marks its steps, `<<48/2=24>>`. A step's number is a number of the question, the result of
an earlier step, which is put in its place, or a constant that a word of the question stands for:
"twice", "a week". Problems of which that cannot be said for certain are left out.
"""

from __future__ import annotations

import ast
import gzip
import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TypeAlias

from glmscope.train.generators.interpreter_formula import UnsuitableError, evaluate
from glmscope.train.generators.interpreter_material import fill

FILE_NAME = "gsm8k_train.jsonl.gz"
MOST_WORDS = 45
MOST_OPERATIONS = 4
_MOST_CHOICES = 5
_MOST_SMALL = 10
"""A number up to this that is used twice may once be another one that nobody wrote."""

_MARK = re.compile(r"<<([^<>=]*)=([^<>=]*)>>")
_RESULT = re.compile(r"#### (-?[\d,]+(?:\.\d+)?)$")
_FRACTION = r"(?<![\d/.,])\d+/\d+(?![\d/.,]*\d)"
_WRITTEN = re.compile(rf"(?P<fraction>{_FRACTION})|\d+(?:,\d{{3}})*(?:\.\d+)?")
_ODD = re.compile(
    r"[A-Za-z#=+*<>]\d|\d(?!%)[^\W\d_]|\d[:'\"”’=+*<>^°]|\d,?\d*-\$?\d|\d,\d{1,2}\b|\d,\d{4}|(?<!\d)\.\d"
    r"|(?<!\w)-\$?\d|\d ?[-–]?[ap]\.?m\b|o'clock|\d \d|\d-\d|\d,\d{3}\d|[½¼¾²³£€{}]|(?<![\d,.])0\d"
    r"|\d/\d+/|\d ?%? ?(?:to|and|or|-) \d+/\d|\d/\d+,\d|\d\.\d+\.\d"
    r"|(?:January|February|March|April|May|June|July|August|September|October|November|December)"
    r" \d|\b(?:in|since|of|year|by|until|during|from) (?:1[5-9]|20)\d\d\b(?! [a-z])"
    r"|(?i:\b(?:ratio|numbers? \d|grade \d|room \d|route \d)\b)"
)
"""Times, dates, ranges, ordinals, ratios: numbers that are more than a number."""

_STANDS_FOR = {
    "1": r"one|\d/\d|half|thirds?|fourths?|quarter|fifths?|sixths?|%|percent",
    "2": r"two|twice|half|halves|halved|double[ds]?|both|couples?|pairs?|second|twins?|bicycles?",
    "3": r"three|thrice|triples?|tripled|thirds?|triplets?|triangles?|yards?",
    "4": r"four|quarters?|fourths?|quadruple[ds]?|months?|monthly|square|rectang\w+",
    "5": r"five|fifths?|nickels?|weekdays?|workdays?|school days?",
    "6": r"six|sixths?",
    "7": r"seven|sevenths?|weeks?|weekly",
    "8": r"eight|eighths?",
    "9": r"nine|ninths?",
    "10": r"ten|tenths?|dimes?|decades?",
    "11": r"eleven",
    "12": r"twelve|dozens?|years?|yearly|annual\w*|months?|monthly|foot|feet|inch|inches",
    "15": r"fifteen",
    "16": r"sixteen|ounces?|pounds?",
    "20": r"twenty",
    "24": r"days?|daily|twenty-four",
    "25": r"quarters?",
    "30": r"thirty|months?|monthly|half",
    "31": r"months?",
    "36": r"yards?",
    "40": r"forty",
    "50": r"fifty|half",
    "52": r"years?|yearly|annual\w*",
    "60": r"sixty|minutes?|hours?|hourly|seconds?",
    "100": r"hundreds?|%|percent\w*|cents?|dollars?|meters?|metres?|cm|centimeters?|century",
    "365": r"years?|yearly|annual\w*",
    "1000": r"thousands?|kilo\w+|km|kg|ml|grams?|meters?|milli\w+|liters?",
    "3600": r"hours?",
}
"""A constant, and the words of a question that may stand for it."""
_WORDS = {
    Fraction(number): re.compile(rf"(?i)(?<![a-z])(?:{words})(?![a-z])")
    for number, words in _STANDS_FOR.items()
}


class _UnfitError(ValueError):
    """The problem is left out."""


class _UndecidedError(ValueError):
    """A step's number is an earlier result, and the question has it as well."""


@dataclass(frozen=True, slots=True)
class Written:
    """A number of a question: its text without commas, and whether another may stand for it."""

    text: str
    grouped: bool
    is_percent: bool
    is_free: bool
    most: int | None
    """A week has no more than 7 days."""

    def shown(self, text: str) -> str:
        """Another number's text in this one's way of writing: 1,200."""
        whole, point, decimals = text.partition(".")
        return f"{int(whole):,}{point}{decimals}" if self.grouped else text


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
    with gzip.open(corpus / FILE_NAME, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    problems = (composed(row["question"], row["answer"]) for row in rows)
    return tuple(problem for problem in problems if problem is not None)


def composed(question: str, answer: str) -> Problem | None:
    """A problem whose steps make one expression; None where they do not."""
    question = " ".join(question.split())
    if len(question.split()) > MOST_WORDS or _ODD.search(question):
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


@dataclass(frozen=True, slots=True)
class _Leaf:
    """A number of the question, by its slot, or a constant, which stands nowhere."""

    template: str
    value: Fraction
    place: float = float("inf")
    is_percent: bool = False

    @property
    def leaves(self) -> tuple[_Leaf, ...]:
        return (self,)

    @property
    def parts(self) -> tuple[_Operation, ...]:
        return ()


@dataclass(frozen=True)
class _Operation:
    """A sign between two nodes."""

    sign: str
    left: _Node
    right: _Node

    @cached_property
    def value(self) -> Fraction:
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
            return self.left.is_percent and self.right == _HUNDRED
        return self.sign in "+-" and _is_one(self.left) and self.right.is_percent

    @property
    def leaves(self) -> tuple[_Leaf, ...]:
        return (*self.left.leaves, *self.right.leaves)

    @property
    def parts(self) -> tuple[_Operation, ...]:
        """Its operations, itself among them."""
        return (*self.left.parts, *self.right.parts, self)

    @property
    def template(self) -> str:
        """It in Python, with no more brackets than it takes."""
        left, right = self.left.template, self.right.template
        if self._is_looser(self.left):
            left = f"({left})"
        after = self.right.sign if isinstance(self.right, _Operation) else ""
        # 8 - (3 + 2) and 8 / (2 * 2), but 8 + 3 - 2.
        turns = (self.sign == "-" and after in ("+", "-")) or (self.sign == "/" and after != "")
        if turns or self._is_looser(self.right):
            right = f"({right})"
        return f"{left} {self.sign} {right}"

    def _is_looser(self, node: _Node) -> bool:
        return isinstance(node, _Operation) and self.sign in "*/" and node.sign in "+-"


_ONE = _Leaf("1", Fraction(1))
_HUNDRED = _Leaf("100", Fraction(100))
_Node: TypeAlias = "_Leaf | _Operation"
_SIGNS: dict[type[ast.operator], str] = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}


class _Reading:
    """One question while its steps are read.

    `choices` says, each time that both may be, whether a number is a result and not the question's.
    """

    def __init__(self, question: str, choices: tuple[bool, ...]) -> None:
        self._question = question
        self._choices = iter(choices)
        self._found = list(_numbers(question))
        self._leaves = [
            _Leaf(f"{{n{place}}}", _value(found.text), place, found.is_percent)
            for place, found in enumerate(self._found)
        ]
        self._results: list[_Operation] = []
        self._used: set[int] = set()
        self._taken: list[_Leaf] = []

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
            if isinstance(node, _Operation):
                self._results.append(node)
        if not self._results:
            raise _UnfitError
        return self._checked(self._results[-1], _value(result[1]))

    def _checked(self, root: _Operation, result: Fraction) -> Problem:
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
            fixed = values[leaf.value] > 1 or again or self._is_said(leaf.value)
            numbers.append(found.as_written(is_free=found.is_free and not fixed))
        texts = {f"n{place}": found.text for place, found in enumerate(self._found)}
        _ = evaluate(fill(root.template, texts)).printed
        inside = {part.template: part.value.denominator == 1 for part in root.parts}
        return Problem(
            _with_slots(self._question, self._found),
            root.template,
            tuple(numbers),
            tuple(part for part, is_whole in inside.items() if is_whole),
            tuple(part for part, is_whole in inside.items() if not is_whole),
        )

    def _node(self, tree: ast.expr) -> _Node:
        if isinstance(tree, ast.BinOp) and type(tree.op) in _SIGNS:
            # 1/2 of it needs no 1 in the question.
            is_one = isinstance(tree.left, ast.Constant) and tree.left.value == 1
            is_share = isinstance(tree.op, ast.Div) and is_one
            left = _ONE if is_share else self._node(tree.left)
            return _combined(_SIGNS[type(tree.op)], left, self._node(tree.right))
        if isinstance(tree, ast.Constant) and isinstance(tree.value, int | float):
            return self._leaf(Fraction(repr(tree.value)))
        raise _UnfitError

    def _leaf(self, value: Fraction) -> _Node:
        """What a number of a step stands for. Raises _UndecidedError where no choice is left."""
        earlier = [at for at, result in enumerate(self._results) if result.value == value]
        given = [leaf for leaf in self._leaves if leaf.value == value]
        said = self._is_said(value)
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
            return self._taken[-1] if needs_use else _ONE
        return _Leaf(str(value), value) if said else self._part(value)

    def _is_result(self) -> bool:
        choice = next(self._choices, None)
        if choice is None:
            raise _UndecidedError
        return choice

    @property
    def _percents(self) -> list[_Leaf]:
        return [leaf for leaf in self._leaves if leaf.is_percent]

    def _part(self, value: Fraction) -> _Node:
        """0.2 for 20 %, 0.8 for 20 % less, 1.2 for 20 % more, 0.5 for a half."""
        parts = [_Operation("/", leaf, _HUNDRED) for leaf in self._percents]
        changes = [_Operation(sign, _ONE, part) for sign in "-+" for part in parts]
        for made in (parts, changes):
            fitting = [node for node in made if node.value == value]
            if len(fitting) == 1:
                return fitting[0]
        if value.numerator == 1 and self._is_said(1 / value):
            return _Operation("/", _ONE, _Leaf(str(1 / value), 1 / value))
        raise _UnfitError

    def _is_said(self, value: Fraction) -> bool:
        return value in _WORDS and _WORDS[value].search(self._question) is not None


def _combined(sign: str, left: _Node, right: _Node) -> _Node:
    """The operation as other generators would write it: in the question's order, `x * 20 / 100`."""
    if sign == "*":
        for one, other in ((left, right), (right, left)):
            if isinstance(one, _Operation) and one.sign == "/" and _is_one(one.left):
                return _Operation("/", other, one.right)
            if isinstance(one, _Leaf) and _is_one(one):
                return other
    if sign == "-" and isinstance(right, _Operation) and right.sign == "+":
        return _combined("-", _combined("-", left, right.left), right.right)
    if sign == "/" and _is_one(right):
        return left
    # A percentage comes after what it is taken of.
    turned = sign == "*" and left.is_percent != right.is_percent
    if left.is_percent if turned else sign in "+*" and right.place < left.place:
        left, right = right, left
    return _Operation(sign, left, right)


def _is_one(node: _Node) -> bool:
    return node.value == 1 and isinstance(node, _Leaf) and not node.template.startswith("{")


@dataclass(frozen=True, slots=True)
class _Found:
    """A number where it stands in a question."""

    start: int
    end: int
    text: str
    is_grouped: bool
    is_percent: bool
    is_free: bool
    most: int | None
    needs_use: bool = True
    """Not the 1 of 1/2: to halve needs none."""

    def as_written(self, is_free: bool) -> Written:
        return Written(self.text, self.is_grouped, self.is_percent, is_free, self.most)


_MOST = (
    (r"[ -]days? (?:a|per|each|every|in a) week", 7),
    (r"[ -]hours? (?:a|per|each|every|in a) day", 24),
    (r"[ -]hours? (?:daily|nightly|on)", 24),
    (r"[ -]years?[ -]old", 99),
)


def _numbers(question: str) -> Iterator[_Found]:
    """The numbers of a question; the two of a fraction stay as they are."""
    for found in _WRITTEN.finditer(question):
        if found["fraction"]:
            for part in re.finditer(r"\d+", found[0]):
                start, end = found.start() + part.start(), found.start() + part.end()
                yield _Found(start, end, part[0], False, False, False, None, part[0] != "1")
            continue
        text, after = found[0].replace(",", ""), question[found.end() :]
        is_percent = re.match(r" ?(?:%|percent)", after) is not None
        most = next((most for words, most in _MOST if re.match(words, after)), None)
        is_free = Fraction(text) > 1 and (not is_percent or Fraction(text) < 100)
        grouped = "," in found[0]
        yield _Found(found.start(), found.end(), text, grouped, is_percent, is_free, most)


def _with_slots(question: str, found: list[_Found]) -> str:
    for place, number in reversed(list(enumerate(found))):
        question = f"{question[: number.start]}{{n{place}}}{question[number.end :]}"
    return question


def _as_python(written: str) -> str:
    """A step's left side without dollars, commas and spaces; 20% is 20/100."""
    plain = re.sub(r"[$,\s]", "", written).lstrip("+")
    return re.sub(r"(\d+(?:\.\d+)?)%", r"(\1/100)", plain)


def _value(text: str) -> Fraction:
    try:
        return Fraction(text.replace(",", ""))
    except ValueError as error:
        raise _UnfitError from error
