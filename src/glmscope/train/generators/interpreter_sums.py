"""Questions that one formula answers: sums, percentages, geometry, interest, word problems."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction

from glmscope.train.generators.interpreter_formula import (
    UnsuitableError,
    evaluate,
    print_line,
    without_point_zero,
)
from glmscope.train.generators.interpreter_material import Desk, Entry, Exchange, Run, fill
from glmscope.train.generators.interpreter_numbers import LARGEST_IN_WORDS, draw, in_words

MAX_DRAWS = 2000
"""Of numbers for one question: the kinds that suit least often take one draw in a hundred or so,
and a single question without numbers would end a whole draw."""
_GROUPED_SHARE = 0.12
_IN_WORDS_SHARE = 0.08
_SHAPED_SHARE = 0.4
_DIGITS_AND_SIGNS = re.compile(r"(?<![a-z])-|[\d+*/%^√=×÷°℃℉$!]")
"""What does not stand beside a number in words; a dash inside an English one does."""
_WORDS = {"who": "who", "other": "who", "item": "item"}


def sum_exchanges(desk: Desk) -> tuple[Exchange, ...]:
    """One question from the section `sums`; now and then a second one that goes on from it."""
    return _with_continuation(desk, _exchange(desk, desk.entry("sums")))


def problem_exchanges(desk: Desk) -> tuple[Exchange, ...]:
    """One word problem."""
    problem = _exchange(desk, desk.entry("problems"))
    return (replace(problem, question=desk.frame("problem", problem.question)),)


def expression_exchanges(desk: Desk) -> tuple[Exchange, ...]:
    """An expression typed as such: `(12 + 5) × 3 = ?`."""
    section = desk.material["expressions"]
    for _ in range(MAX_DRAWS):
        formula = _shaped(desk) if desk.rng.random() < _SHAPED_SHARE else random_formula(desk.rng)
        try:
            run = formula_run(formula, formula)
        except UnsuitableError:
            continue
        slots = {"expression": _as_typed(desk, formula), "result": without_point_zero(run.output)}
        exchange = Exchange(desk.ask(section, slots), (run,), desk.answer(section, slots))
        return _with_continuation(desk, exchange)
    raise RuntimeError("No expression has a result that is good to show.")


def random_formula(rng: random.Random) -> str:
    """Two to five numbers with signs between them, some of them in brackets."""
    size = rng.choice([2, 3, 3, 3, 4, 4, 5])
    # Long numbers in long expressions are not what people ask.
    long, short = ["any", "positive", "1..9999"], ["1..9", "2..20", "1..99", "1..999", "1..50:1"]
    specs = [rng.choice(long if size == 2 or rng.random() < 0.2 else short) for _ in range(size)]
    numbers = bracketed({str(place): draw(rng, spec) for place, spec in enumerate(specs)})
    parts = list(numbers.values())
    if size > 2 and rng.random() < 0.6:
        first = rng.randrange(size - 1)
        last = rng.randint(first + 1, min(first + 2, size - 1) if first else size - 2)
        parts[first], parts[last] = f"({parts[first]}", f"{parts[last]})"
    signs = rng.choices("+-*/", [3, 3, 3, 2], k=size - 1)
    return parts[0] + "".join(
        f" {sign} {part}" for sign, part in zip(signs, parts[1:], strict=True)
    )


def _shaped(desk: Desk) -> str:
    """One of the shapes that are written down, filled with numbers."""
    shape = desk.pick(desk.material["expressions"]["shapes"])
    letters = sorted(set(re.findall(r"\{(\w)\}", shape)))
    spec = "any" if len(letters) < 3 else desk.pick(["positive", "1..99", "1..999", "1..50:2"])
    return fill(shape, bracketed({letter: draw(desk.rng, spec) for letter in letters}))


def formula_run(formula: str, code: str) -> Run:
    """The code that prints a formula. Raises UnsuitableError."""
    number = evaluate(formula)
    imports = "import math\n" if "math." in code else ""
    rounded = number.is_float and not code.startswith("round(")
    return Run(imports + print_line(code, rounded), number.printed)


def bracketed(written: Mapping[str, str]) -> dict[str, str]:
    """Numbers as a formula holds them: negative ones in brackets."""
    return {
        name: f"({number})" if number.startswith("-") else number
        for name, number in written.items()
    }


def _exchange(desk: Desk, entry: Entry) -> Exchange:
    """Draw the numbers of an entry until its result suits it."""
    for _ in range(MAX_DRAWS):
        try:
            return worked(desk, entry, numbers_of(desk, entry))
        except UnsuitableError:
            continue
    raise RuntimeError(f"The numbers of {entry['formula']} have no result that suits.")


def numbers_of(desk: Desk, entry: Entry) -> dict[str, str]:
    """Numbers as an entry wants them, by slot."""
    return {name: draw(desk.rng, spec) for name, spec in entry["numbers"].items()}


def worked(desk: Desk, entry: Entry, written: Mapping[str, str]) -> Exchange:
    """The question of an entry about these numbers. Raises UnsuitableError."""
    numbers = bracketed(written)
    formula = _called(fill(entry["formula"], numbers))
    if not _suits(entry, numbers):
        raise UnsuitableError("not what the entry wants")
    run = formula_run(formula, _called(fill(entry.get("code", entry["formula"]), numbers)))
    slots = {
        **_typed(desk, written),
        **_spoken(desk, written),
        **words(desk, entry.get("words", _WORDS)),
    }
    slots["result"] = without_point_zero(run.output)
    whole = all(number.isdecimal() for number in written.values())
    spoken = whole and desk.rng.random() < _IN_WORDS_SHARE
    question = _in_words(desk, entry, slots) if spoken else ""
    return Exchange(question or desk.ask(entry, slots), (run,), desk.answer(entry, slots))


def _in_words(desk: Desk, entry: Entry, slots: Mapping[str, str]) -> str:
    """The question with all of its numbers in words; "" where its wording does not allow that."""
    spoken = {name: slots.get(f"{name}_words", text) for name, text in slots.items()}
    question = desk.ask(entry, spoken)
    return "" if _DIGITS_AND_SIGNS.search(question) else question


def _called(formula: str) -> str:
    """A function's only number without a second pair of brackets."""
    return re.sub(r"(?<=\w)\(\((-[\d.]+)\)\)", r"(\1)", formula)


def _suits(entry: Entry, numbers: Mapping[str, str]) -> bool:
    """Whether all of `positive` are above zero and all of `whole` are whole numbers above zero."""

    def value(formula: str) -> Fraction:
        return evaluate(fill(formula, numbers)).exact

    whole = [value(formula) for formula in entry.get("whole", ())]
    above_zero = whole + [value(formula) for formula in entry.get("positive", ())]
    return all(each.denominator == 1 for each in whole) and min(above_zero, default=1) > 0


def _typed(desk: Desk, written: Mapping[str, str]) -> dict[str, str]:
    """The numbers as the question shows them: now and then 12,500, which code writes 12500."""
    if desk.rng.random() > _GROUPED_SHARE:
        return dict(written)
    return {
        name: f"{int(number):,}" if number.isdecimal() else number
        for name, number in written.items()
    }


def _spoken(desk: Desk, written: Mapping[str, str]) -> dict[str, str]:
    """The numbers in words, for wordings that want them so; not large or long ones."""
    return {
        f"{name}_words": in_words(number, desk.language)
        for name, number in written.items()
        if 0 <= float(number) <= LARGEST_IN_WORDS and (float(number) <= 100 or number.isdecimal())
    }


def words(desk: Desk, sections: Mapping[str, str]) -> dict[str, str]:
    """The people and things that a problem is about, each from its section, all different.

    A Chinese thing brings its measure word: `支/铅笔` fills `item` and `item_m`.
    """
    taken: list[str] = []
    drawn: dict[str, str] = {}
    for name, section in sections.items():
        options = desk.material["words"][f"{desk.language}_{section}"]
        taken.append(desk.pick([option for option in options if option not in taken]))
        measure, _, drawn[name] = taken[-1].rpartition("/")
        drawn[f"{name}_m"] = measure
    return drawn


def _with_continuation(desk: Desk, first: Exchange) -> tuple[Exchange, ...]:
    """Now and then a second question about the result: 再乘以 3 呢？"""
    result = without_point_zero(first.runs[-1].output)
    digits = result.removeprefix("-")
    if desk.rng.random() > 0.12 or len(digits.partition(".")[2]) > 4 or len(digits) > 9:
        return (first,)
    entry = desk.entry("continuations")
    for _ in range(MAX_DRAWS):
        written = {"b": draw(desk.rng, entry["numbers"]["b"])} if "numbers" in entry else {}
        try:
            formula = fill(entry["formula"], bracketed({"a": result, **written}))
            run = formula_run(formula, formula)
        except UnsuitableError:
            if not written:
                return (first,)
            continue
        slots = {**written, "result": without_point_zero(run.output)}
        return (first, Exchange(desk.ask(entry, slots), (run,), desk.answer(entry, slots)))
    return (first,)


def _as_typed(desk: Desk, formula: str) -> str:
    """The expression in one of the ways in which people type it."""
    power, times, divided = desk.pick(
        [("**", "*", "/"), ("^", "*", "/"), ("^", "×", "÷"), ("^", "×", "/"), ("^", "x", "/")]
    )
    signs = {"**": power, "*": times, "/": divided}
    typed = re.sub(r"\*\*|\*|/", lambda sign: signs[sign[0]], formula)
    if desk.rng.random() < 0.5:
        typed = typed.replace(" ", "")
    if desk.language == "zh" and desk.rng.random() < 0.15:
        typed = typed.replace("(", "（").replace(")", "）")
    if desk.language == "zh" and desk.rng.random() < 0.05:
        typed = typed.replace("+", "＋")
    return typed
