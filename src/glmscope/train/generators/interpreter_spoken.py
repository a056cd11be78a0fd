"""Expressions put into words: the sum of 12 and 5, squared; 3 的平方乘以 8，再减去 5.

Parts are put together as they are said, and the code with them, brackets where they are needed.
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from glmscope.train.generators.interpreter_formula import (
    UnsuitableError,
    evaluate,
    without_point_zero,
)
from glmscope.train.generators.interpreter_material import Desk, Exchange, fill
from glmscope.train.generators.interpreter_numbers import draw, in_words
from glmscope.train.generators.interpreter_sums import MAX_DRAWS, formula_run

_SPECS = ("2..20", "2..99", "2..99", "2..999", "2..9999", "1..50:1", "1..500:2")
_ONE_SHARE, _NOUN_SHARE, _FRACTION_SHARE = 0.2, 0.16, 0.06
"""How many operands are something of one number, of two, and fractions."""
_IN_WORDS_SHARE = 0.08
"""How many whole numbers are in words."""
_STEPS = (0, 0, 0, 1, 1, 2)
"""How many further steps follow on what was put together."""
_MOST_IN_WORDS = 100
_LOOSE, _TIGHT, _POWER, _TIGHTEST = 1, 2, 3, 4
"""How tightly code binds."""
_IN_DIGITS = re.compile(r"[\d.]+")
_SIGN = re.compile(r"[-+×÷/](?!\d)|[√²³^]|根号")
"""A wording with such a sign stands around numbers in digits only."""
_DRAWN_IN = re.compile(r"creased by|\b(more|less)$")
"""A wording that would draw in the last word of a second part that is not in digits."""


@dataclass(frozen=True, slots=True)
class Part:
    """Something that has a value: how it is said, and how code has it.

    `opens`: what is said after it might be taken for a part of it, as in the square root of 16 plus
    9. It goes on with a comma only.
    """

    said: str
    code: str
    opens: bool = False


def spoken_exchanges(desk: Desk) -> tuple[Exchange, ...]:
    """One expression in words, from the section `spoken`."""
    section = desk.material["spoken"]
    for _ in range(MAX_DRAWS):
        whole = _expression(desk)
        try:
            run = formula_run(whole.code, whole.code)
        except UnsuitableError:
            continue
        slots = {"spoken": whole.said, "result": without_point_zero(run.output)}
        return (Exchange(desk.ask(section, slots), (run,), desk.answer(section, slots)),)
    raise RuntimeError("No expression in words has a result that is good to show.")


def _expression(desk: Desk) -> Part:
    """Two operands, or something of one; then up to two steps."""
    rng = desk.rng
    if rng.random() < _ONE_SHARE:
        whole = _of_one(desk, _noun(desk) if rng.random() < 0.5 else _number(desk))
    else:
        first = _operand(desk)
        whole = _of_two(desk, "_then" if first.opens else "", first, _operand(desk))
    for _ in range(rng.choice(_STEPS)):
        whole = _of_two(desk, "_then", whole, _operand(desk))
    return whole


def _operand(desk: Desk) -> Part:
    chance = desk.rng.random()
    if chance < _ONE_SHARE:
        return _of_one(desk, _number(desk))
    return _noun(desk) if chance < _ONE_SHARE + _NOUN_SHARE else _number(desk)


def _noun(desk: Desk) -> Part:
    """Something of two numbers that may stand where a number does: the sum of 3 and 5."""
    first, second = _number(desk), _number(desk)
    if evaluate(first.code).exact < evaluate(second.code).exact:
        first, second = second, first  # a difference is taken from the larger one
    noun = _of_two(desk, "_noun", first, second)
    return replace(noun, opens=desk.language == "en")


def _number(desk: Desk) -> Part:
    """A number in digits or words, or a fraction: five eighths."""
    rng = desk.rng
    if rng.random() < _FRACTION_SHARE:
        below = rng.choice((2, 3, 4, 4, 5, 6, 8, 8, 10, 12))
        above = rng.choice([above for above in range(1, below) if math.gcd(above, below) == 1])
        return Part(_fraction(desk, above, below), f"{above} / {below}")
    written = draw(rng, rng.choice(_SPECS))
    in_digits = not written.isdecimal() or int(written) > _MOST_IN_WORDS
    if in_digits or rng.random() > _IN_WORDS_SHARE:
        return Part(written, written)
    return Part(in_words(written, desk.language), written)


def _fraction(desk: Desk, above: int, below: int) -> str:
    if desk.rng.random() < 0.4:
        return f"{above}/{below}"
    if desk.language == "zh":
        return f"{in_words(str(below), 'zh')}分之{in_words(str(above), 'zh')}"
    names: Mapping[str, str] = desk.material["spoken"]["en_fractions"]
    part = names[str(below)]
    return f"{in_words(str(above), 'en')} {part if above == 1 else _plural(part)}"


def _plural(part: str) -> str:
    return "halves" if part == "half" else f"{part}s"


def _of_one(desk: Desk, part: Part) -> Part:
    """The square, the half, the root … of a part, with a number of its own where that has one."""
    entry = _drawn(desk, "of_one")
    number = draw(desk.rng, entry["n"]) if "n" in entry else ""
    if "of" in entry and part.code.isdecimal():  # a root is mostly asked of what has one
        written = draw(desk.rng, entry["of"])
        part = Part(written, written)
    in_digits = _IN_DIGITS.fullmatch(part.said)
    fitting = [word for word in entry[desk.language] if in_digits or not _SIGN.search(word)]
    before = [wording for wording in fitting if not wording.startswith("{a}")]
    ends_early = part.opens or "/" in part.said
    wording = desk.choose(desk.pick(before if ends_early and before else fitting))
    called = entry["code"].startswith("math.")
    inside = part.code if called else _within(part.code, _level_of(entry))
    said = fill(wording, {"a": part.said, "n": number})
    code = fill(entry["code"], {"a": inside, "n": number})
    # In English, what follows an exponent may be taken for a part of that, too.
    exponent = desk.language == "en" and wording.endswith(" {n}")
    return Part(said, code, opens=exponent or not wording.startswith("{a}"))


def _of_two(desk: Desk, form: str, first: Part, second: Part) -> Part:
    """Two parts added, subtracted, multiplied or divided, in a wording of this `form`."""
    entry = _drawn(desk, "of_two")
    in_digits = all(_IN_DIGITS.fullmatch(part.said) for part in (first, second))
    wordings = entry[f"{desk.language}{form}"]
    fitting = [wording for wording in wordings if in_digits or not _SIGN.search(wording)]
    if not _IN_DIGITS.fullmatch(second.said):
        fitting = [wording for wording in fitting if not _DRAWN_IN.search(wording)]
    wording = desk.choose(desk.pick(fitting))
    level = _level_of(entry)
    code = {"a": _within(first.code, level), "b": _within(second.code, level + 1)}
    said = {"a": first.said, "b": second.said}
    return Part(fill(wording, said), fill(entry["code"], code))


def _drawn(desk: Desk, table: str) -> Mapping[str, Any]:
    entries: list[Mapping[str, Any]] = list(desk.material["spoken"][table].values())
    return desk.rng.choices(entries, [entry["weight"] for entry in entries])[0]


def _level_of(entry: Mapping[str, Any]) -> int:
    """How tightly the code of an entry binds what stands in it."""
    return _level(fill(entry["code"], {"a": "1", "b": "1", "n": "1"}))


def _level(code: str) -> int:
    body = ast.parse(code, mode="eval").body
    if not isinstance(body, ast.BinOp):
        return _TIGHTEST
    if isinstance(body.op, ast.Pow):
        return _POWER
    return _LOOSE if isinstance(body.op, ast.Add | ast.Sub) else _TIGHT


def _within(code: str, level: int) -> str:
    """`code` where something binds as tightly as `level`: in brackets if it binds less."""
    return f"({code})" if _level(code) < level else code
