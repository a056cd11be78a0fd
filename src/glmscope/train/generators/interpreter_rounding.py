"""Results to so many decimals, where a question asks for that: 结果保留两位小数."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from glmscope.train.generators.interpreter_formula import PLACES, without_point_zero
from glmscope.train.generators.interpreter_material import Desk, Exchange, Run

_SHARE = 0.1
_ASKED = (1, 2, 2, 2, 2, 3, 4)
_WORDS = {
    "zh": {1: "一", 2: "两", 3: "三", 4: "四"},
    "en": {1: "one", 2: "two", 3: "three", 4: "four"},
}
_END = f", {PLACES}))"
_NEAR_HALF = Fraction(1, 100)
"""So near to halfway between two roundings a result is left alone."""
_STOPS = "。？！.?!"


def now_and_then_rounded(desk: Desk, exchange: Exchange) -> Exchange:
    """The exchange, now and then with a result to one to four decimals, where it has more."""
    if not exchange.runs or desk.rng.random() > _SHARE:
        return exchange
    *before, last = exchange.runs
    places = desk.pick(_ASKED)
    printed = last.code.rpartition("\n")[2]
    rounds = printed.startswith("print(round(") and printed.endswith(_END)
    if not rounds or len(last.output.partition(".")[2]) <= places:
        return exchange
    shown, value = without_point_zero(last.output), Fraction(last.output)
    near_half = abs(value * 10**places % 1 - Fraction(1, 2)) < _NEAR_HALF
    if near_half or not round(value, places) or exchange.answer.count(shown) != 1:
        return exchange
    output = repr(float(round(value, places)))
    run = Run(last.code.removesuffix(_END) + f", {places}))", output)
    return replace(
        exchange,
        question=_asked(desk, exchange.question, places),
        runs=(*before, run),
        answer=exchange.answer.replace(shown, without_point_zero(output)),
    )


def _asked(desk: Desk, question: str, places: int) -> str:
    """The question, and so many decimals asked for, as a sentence of its own or at its end."""
    ends = question[-1:] in _STOPS
    form = "sentence" if ends else "tail"
    wording = desk.choose(desk.pick(desk.material["rounding"][f"{desk.language}_{form}"]))
    number = str(places) if desk.rng.random() < 0.5 else _WORDS[desk.language][places]
    wording = wording.replace("{k}", number)
    if number in ("1", "one"):
        wording = wording.replace("decimals", "decimal").replace("places", "place")
    return question + (" " if ends and desk.language == "en" else "") + wording
