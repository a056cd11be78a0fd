"""Results that a question wants to so many decimals."""

from __future__ import annotations

import random
import re

import pytest

from glmscope.train.generators.interpreter_material import Desk, Exchange, Language, Material, Run
from glmscope.train.generators.interpreter_rounding import now_and_then_rounded
from tests.support.paths import REPOSITORY

MATERIAL = Material(REPOSITORY / "train" / "data")
NUMBERS = {"1": 1, "一": 1, "one": 1, "2": 2, "两": 2, "two": 2, "3": 3, "三": 3, "three": 3}
NUMBERS |= {"4": 4, "四": 4, "four": 4}


QUESTIONS = {"zh": ("22除以7是多少？", "22除以7"), "en": ("What is 22 over 7?", "22 over 7")}


def _exchange(output: str, code: str = "print(round(22 / 7, 8))", question: str = "") -> Exchange:
    asked = question or QUESTIONS["zh"][0]
    return Exchange(asked, (Run(code, output),), f"结果是 {output}。")


def _all(exchange: Exchange, language: Language = "zh") -> list[Exchange]:
    desk = Desk(MATERIAL, random.Random(1), language)
    drawn = [now_and_then_rounded(desk, exchange) for _ in range(3000)]
    return [one for one in drawn if one != exchange]


@pytest.mark.parametrize("ends", [0, 1])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_as_many_decimals_are_shown_as_the_question_asks_for(language: Language, ends: int) -> None:
    asked = QUESTIONS[language][ends]
    rounded = _all(_exchange("3.14285714", question=asked), language)
    assert 200 < len(rounded) < 400
    seen = set()
    for one in rounded:
        added = one.question.removeprefix(asked).casefold()
        (number,) = re.findall(r"([一两三四\d])(?=位)|\b(one|two|three|four|\d)\b", added)
        named = NUMBERS["".join(number).casefold()]
        (run,) = one.runs
        assert run.code == f"print(round(22 / 7, {named}))"
        assert run.output == str(round(22 / 7, named))
        assert one.answer == f"结果是 {run.output}。"
        seen.add(named)
    assert seen == {1, 2, 3, 4}


def test_what_lies_between_two_roundings_or_is_whole_is_left_alone() -> None:
    halfway = _all(_exchange("3.125"))
    assert {one.runs[0].code[-4:] for one in halfway} == {" 1))"}
    assert not _all(_exchange("7", "print(3 + 4)"))
    assert not _all(_exchange("3.0", "print(round(12 / 4, 8))"))
    assert not _all(_exchange("4", "import math\nprint(math.gcd(36, 8))"))
    assert not _all(Exchange("几？", _exchange("3.14285714").runs, "3.14285714 是 3.14285714。"))
    assert not _all(Exchange("你好", (), "你好！"))
