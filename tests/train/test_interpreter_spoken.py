from __future__ import annotations

import random
import re
from collections.abc import Callable
from fractions import Fraction

import pytest

from glmscope.train.generators.interpreter_formula import evaluate
from glmscope.train.generators.interpreter_material import Desk, Language, Material
from glmscope.train.generators.interpreter_spoken import spoken_exchanges
from tests.support.paths import REPOSITORY

MATERIAL = Material(REPOSITORY / "train" / "data")
NUMBER = r"(\d+(?:\.\d+)?)"

# How people read such words, which the generator must not read otherwise; # is a number. The
# numbers behind stand in code and not in the question.
READINGS: list[tuple[Language, str, Callable[..., Fraction], list[str]]] = [
    ("zh", "#加上?#，(?:再|然后|结果)乘以?#", lambda a, b, c: (a + b) * c, []),
    ("zh", "#减去?#[与和]#(?:的|之)差", lambda a, b, c: a - (b - c), []),
    ("zh", "#除以#[与和]#的乘?积", lambda a, b, c: a / (b * c), []),
    ("zh", "#乘以?#[与和]#(?:的|之)和", lambda a, b, c: a * (b + c), []),
    ("zh", "#加#的平方", lambda a, b: a + b**2, ["2"]),
    ("zh", "#与#的和的平方", lambda a, b: (a + b) ** 2, ["2"]),
    ("en", "the square of the sum of # and #", lambda a, b: (a + b) ** 2, ["2"]),
    ("en", "# minus the difference between # and #", lambda a, b, c: a - (b - c), []),
    ("en", "half (?:of )?#, then (?:times|multiplied by) #", lambda a, b: a / 2 * b, ["2"]),
    (
        "en",
        "the (?:sum|total) of # and #, (?:then|all of that) divided by #",
        lambda a, b, c: (a + b) / c,
        [],
    ),
    ("en", "# plus # squared", lambda a, b: a + b**2, ["2"]),
]


def _questions(language: Language, count: int = 16_000) -> list[tuple[str, str]]:
    desk = Desk(MATERIAL, random.Random(5), language)
    made = [spoken_exchanges(desk)[0] for _ in range(count)]
    return [(exchange.question, exchange.runs[0].code) for exchange in made]


@pytest.fixture(scope="module")
def questions() -> dict[Language, list[tuple[str, str]]]:
    return {"zh": _questions("zh"), "en": _questions("en")}


def _expression(code: str) -> str:
    """What is printed, without the rounding."""
    printed = code.splitlines()[-1].removeprefix("print(").removesuffix(")")
    return printed.removeprefix("round(").removesuffix(", 8)")


@pytest.mark.parametrize(("language", "wording", "meant", "unsaid"), READINGS)
def test_code_means_what_the_words_say(
    questions: dict[Language, list[tuple[str, str]]],
    language: Language,
    wording: str,
    meant: Callable[..., Fraction],
    unsaid: list[str],
) -> None:
    pattern = re.compile(r"\D*?" + wording.replace("#", NUMBER) + r"\D*")
    read = 0
    for question, code in questions[language]:
        found = pattern.fullmatch(question.replace(" ", "") if language == "zh" else question)
        # Where code has other numbers or a root, words around the numbers say more.
        if (
            found
            and "math." not in code
            and sorted(re.findall(NUMBER, _expression(code))) == sorted([*found.groups(), *unsaid])
        ):
            value = evaluate(_expression(code)).exact
            assert value == meant(*map(Fraction, found.groups())), question
            read += 1
    assert read


def test_a_root_is_one_of_the_number_and_not_of_what_follows(
    questions: dict[Language, list[tuple[str, str]]],
) -> None:
    """`The square root of 16 plus 9` may be read in two ways, so a comma stands between."""
    for question, _ in questions["en"]:
        assert not re.search(
            r"(root|square|cube|half|quarter|third) of [\d.]+ (plus|minus)", question
        )


def test_one_in_many_has_fractions_and_numbers_in_words(
    questions: dict[Language, list[tuple[str, str]]],
) -> None:
    assert any("分之" in question for question, _ in questions["zh"])
    assert any("three quarters" in question.lower() for question, _ in questions["en"])
    assert not any("two quarters" in question.lower() for question, _ in questions["en"])
