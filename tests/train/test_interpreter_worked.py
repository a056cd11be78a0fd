"""Worked problems: one expression for all steps, and the same numbers in question and code."""

from __future__ import annotations

import dataclasses
import gzip
import json
import random
import re
import subprocess
import sys
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest

from glmscope.train import material
from glmscope.train.examples import _key
from glmscope.train.generators.interpreter import dialogues
from glmscope.train.generators.interpreter_formula import evaluate
from glmscope.train.generators.interpreter_material import Desk, Exchange, Material, fill
from glmscope.train.generators.interpreter_sums import formula_run
from glmscope.train.generators.interpreter_worked import (
    another,
    suits,
    with_articles,
    worked_exchanges,
)
from glmscope.train.generators.interpreter_worked_question import Written
from glmscope.train.generators.interpreter_worked_reading import (
    FILE_NAME,
    Problem,
    composed,
    has_problems,
    read_problems,
)
from glmscope.train.settings import load_settings
from tests.support.paths import REPOSITORY, SHARED
from tests.train.tiny import write_settings

DATA = REPOSITORY / "train" / "data"

FIT = {
    "48 + 48 / 2": (
        "Anna sold 48 clips in April, and then half as many in May. How many clips did she sell?",
        "In May 48/2 = <<48/2=24>>24.\nTogether 48+24 = <<48+24=72>>72.\n#### 72",
    ),
    "12 / 60 * 50": (
        "Weng earns $12 an hour. She worked 50 minutes. How much did she earn?",
        "A minute is 12/60 = $<<12/60=0.2>>0.2.\n0.2 x 50 = $<<0.2*50=10>>10.\n#### 10",
    ),
    "40 - 40 * 20 / 100": (
        "John buys a shirt that costs $40 at a 20% discount. How much does he pay?",
        "40*.2=$<<40*.2=8>>8 off.\nHe pays 40-8=$<<40-8=32>>32.\n#### 32",
    ),
    "1200 * (1 - 25 / 100)": (
        "A town of 1,200 people lost 25% of them. How many people are left in the town?",
        "1200*.75=<<1200*.75=900>>900\n#### 900",
    ),
    "60 / 3 * 2": (
        "Of 60 students 2/3 are girls. How many girls are there among the students?",
        "A third is 60/3=<<60/3=20>>20.\nGirls: 20*2=<<20*2=40>>40\n#### 40",
    ),
    "90 - 15 - 25": (
        "Tom has 90 cards. He gives 15 to Sam and 25 to Ben. How many cards are left?",
        "He gives 15+25=<<15+25=40>>40.\nLeft are 90-40=<<90-40=50>>50.\n#### 50",
    ),
    "(30 - 6) / 4": (
        "There are 30 eggs and 6 break. The others go into 4 boxes. How many eggs are in a box?",
        "30-6=<<30-6=24>>24\n24/4=<<24/4=6>>6\n#### 6",
    ),
    "2.50 * 7": (
        "A bus ticket costs $2.50. How much are the tickets for a week, one every day?",
        "7*2.5=$<<7*2.5=17.5>>17.5\n#### 17.5",
    ),
}
UNFIT = {
    "a number that nobody wrote": (
        "Each of 4 dogs needs new shoes. How many shoes are that?",
        "4*17=<<4*17=68>>68\n#### 68",
    ),
    "a time": (
        "Tom reads from 3:30 on and reads 20 pages an hour for 2 hours. How many pages is that?",
        "20*2=<<20*2=40>>40\n#### 40",
    ),
    "a year": (
        "In 2009, Tom was 20 years old. His sister was 5 years younger. How old was she?",
        "20-5=<<20-5=15>>15\n#### 15",
    ),
    "a mixed number": (
        "Tom walks 1 1/2 miles and then 3 miles. How far does he walk?",
        "3+1.5=<<3+1.5=4.5>>4.5\n#### 4.5",
    ),
    "an ordinal": (
        "The 5th of 20 children left with 3 others. How many children stayed?",
        "3+1=<<3+1=4>>4\n20-4=<<20-4=16>>16\n#### 16",
    ),
    "another result": (
        "Tom has 4 apples and 5 pears. How many fruits are that?",
        "4+5=<<4+5=9>>9\n#### 10",
    ),
    "a wrong step": (
        "Tom has 4 apples and 5 pears. How many fruits are that?",
        "4+5=<<4+5=10>>10\n#### 10",
    ),
    "a step without its mark": (
        "Tom has 40 apples, eats 5, and gives away 3 times as many. How many are left?",
        "5*3=<<5*3=15>>15\n40-15-5=20\n#### 20",
    ),
    "a number without use": (
        "Tom, who is 11, has 40 apples and eats 5. How many apples are left?",
        "40-5=<<40-5=35>>35\n#### 35",
    ),
    "too many steps": (
        "Tom has 3, 4, 5, 6, 7 and 8 apples in his six bags. How many apples are that?",
        "3+4+5+6+7+8=<<3+4+5+6+7+8=33>>33\n#### 33",
    ),
    "too long": (
        f"{'It was a very long day. ' * 10}Tom has 4 apples and 5 pears. How many is that?",
        "4+5=<<4+5=9>>9\n#### 9",
    ),
    "a percentage taken for a count": (
        "Of 100 people 20% are men. How many people are not men?",
        "100-20=<<100-20=80>>80\n#### 80",
    ),
    "two ways to read a number": (
        "A wheel makes 6 turns in 30 seconds. How many turns does it make in two hours?",
        "60/30=<<60/30=2>>2\n6*2=<<6*2=12>>12\n12*60=<<12*60=720>>720\n"
        "720*2=<<720*2=1440>>1440\n#### 1440",
    ),
}


def _own(problem: Problem) -> dict[str, str]:
    return {f"n{place}": written.text for place, written in enumerate(problem.numbers)}


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    rows = [{"question": question, "answer": answer} for question, answer in FIT.values()]
    with gzip.open(tmp_path / FILE_NAME, "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
    return tmp_path


@pytest.fixture
def desk(corpus: Path) -> Desk:
    return Desk(Material(DATA, corpus), random.Random(5), "en")


def _draw(desk: Desk, count: int) -> list[Exchange]:
    return [exchange for _ in range(count) for exchange in worked_exchanges(desk)]


def _numbers(text: str) -> list[str]:
    return re.findall(r"\d+(?:\.\d+)?", text.replace(",", ""))


@pytest.mark.parametrize("formula", FIT)
def test_steps_become_one_expression(formula: str) -> None:
    question, answer = FIT[formula]
    problem = composed(question, answer)
    assert problem is not None
    assert fill(problem.formula, _own(problem)) == formula
    assert evaluate(formula).exact == Fraction(answer.rpartition(" ")[2])


@pytest.mark.parametrize("reason", UNFIT)
def test_what_is_not_certain_is_left_out(reason: str) -> None:
    assert composed(*UNFIT[reason]) is None


def test_only_numbers_that_stand_alone_are_free() -> None:
    def free(formula: str) -> list[str]:
        problem = composed(*FIT[formula])
        assert problem is not None
        return [written.text for written in problem.numbers if written.is_free]

    assert free("60 / 3 * 2") == ["60"]
    assert free("1200 * (1 - 25 / 100)") == ["1200", "25"]
    # Whose two is it: that of "twice" or that of the friends?
    problem = composed(
        "James writes 3 pages to 2 friends twice a week. How many pages does he write?",
        "3*2=<<3*2=6>>6\n6*2=<<6*2=12>>12\n#### 12",
    )
    assert problem is not None
    assert [written.is_free for written in problem.numbers] == [True, False]


def test_code_prints_what_the_run_says(desk: Desk) -> None:
    runs = [exchange.runs[0] for exchange in _draw(desk, 300)]
    script = "\n".join(run.code for run in runs)
    done = subprocess.run(
        [sys.executable, "-I", "-"], input=script, capture_output=True, encoding="utf-8"
    )
    assert done.stdout.splitlines() == [run.output for run in runs]


def test_numbers_of_question_and_code_agree(desk: Desk) -> None:
    for exchange in _draw(desk, 300):
        code = exchange.runs[0].code.replace(", 8))", ")")
        asked, copied = set(_numbers(exchange.question)), set(_numbers(code))
        assert asked <= copied, exchange
        assert copied - asked <= {"1", "2", "7", "60", "100"}, exchange
        result = exchange.runs[0].output.removesuffix(".0")
        assert result in exchange.answer
        assert float(result) > 0


def test_most_numbers_are_drawn_anew_and_people_renamed(desk: Desk) -> None:
    exchanges = _draw(desk, 400)
    own = sum(
        any(exchange.runs[0].code.find(f"({formula}") >= 0 for formula in FIT)
        for exchange in exchanges
    )
    assert 0.1 < own / len(exchanges) < 0.3
    cards = [exchange.question for exchange in exchanges if "cards" in exchange.question]
    assert 0.3 < sum("Tom has" not in question for question in cards) / len(cards) < 0.7


def test_parts_stay_whole_and_above_zero(desk: Desk) -> None:
    eggs = composed(*FIT["(30 - 6) / 4"])
    assert eggs is not None
    assert suits(eggs, {"n0": "40", "n1": "5", "n2": "7"})
    assert not suits(eggs, {"n0": "40", "n1": "5", "n2": "6"})
    assert not suits(eggs, {"n0": "5", "n1": "40", "n2": "7"})
    for exchange in _draw(desk, 200):
        if "eggs" in exchange.question:
            assert exchange.runs[0].output.endswith(".0")


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [("6", 2, 18), ("40", 13, 120), ("2.50", 1, 8), ("0.75", 0, 3), ("1500", 500, 4500)],
)
def test_another_number_is_of_about_the_same_size(
    desk: Desk, text: str, low: int, high: int
) -> None:
    written = Written(text, grouped=False, is_percent=False, is_free=True, most=None)
    drawn = [another(desk, written) for _ in range(200)]
    assert len(set(drawn)) > 4
    assert all(low <= float(number) <= high and number != "1" for number in drawn)
    assert {len(number.partition(".")[2]) for number in drawn} == {len(text.partition(".")[2])}


def test_percentages_and_weeks_have_an_end(desk: Desk) -> None:
    percent = Written("60", grouped=False, is_percent=True, is_free=True, most=None)
    days = Written("5", grouped=False, is_percent=False, is_free=True, most=7)
    assert all(int(another(desk, percent)) in range(5, 100, 5) for _ in range(200))
    assert all(2 <= int(another(desk, days)) <= 7 for _ in range(200))


def test_articles_suit_the_number() -> None:
    text = with_articles("A 8-hour day, an 10-mile walk, an $11 hat, an apple for a 80-year-old")
    assert text == "An 8-hour day, a 10-mile walk, an $11 hat, an apple for an 80-year-old"


def test_they_are_english_and_only_where_the_corpus_is(corpus: Path, tmp_path: Path) -> None:
    questions = [
        message.content
        for dialogue in dialogues(random.Random(3), 2000, DATA, corpus)
        if dialogue.kind == "interpreter_worked"
        for message, after in pairwise(dialogue.messages)
        if after.metadata
    ]
    assert len(questions) > 6
    assert not any(re.search("[一-鿿]", question) for question in questions)
    assert not has_problems(None)
    assert not has_problems(tmp_path / "absent")
    without = list(dialogues(random.Random(3), 100, DATA, tmp_path / "absent"))
    assert without == list(dialogues(random.Random(3), 100, DATA))
    assert "interpreter_worked" not in {dialogue.kind for dialogue in without}


def test_the_desk_needs_english_and_a_corpus(corpus: Path) -> None:
    for language, folder in (("zh", corpus), ("en", None)):
        with pytest.raises(ValueError, match="English"):
            worked_exchanges(Desk(Material(DATA, folder), random.Random(1), language))


def test_the_settings_say_where_the_corpus_is(tmp_path: Path) -> None:
    settings = load_settings(write_settings(tmp_path))
    kept = settings.corpus / FILE_NAME
    vocabulary = tmp_path / "vocabulary"
    vocabulary.write_bytes(b"")
    before = _key(settings, vocabulary)
    row = json.dumps({"question": FIT["48 + 48 / 2"][0], "answer": FIT["48 + 48 / 2"][1]})
    with gzip.open(kept, "wt", encoding="utf-8") as file:
        file.write(row + "\n")
    assert _key(settings, vocabulary) != before
    asked = dataclasses.replace(settings, mix={"interpreter": 1200})
    kinds = {dialogue.kind for dialogue in material.tuning_dialogues(asked)}
    assert "interpreter_worked" in kinds


@pytest.mark.skipif(not (SHARED / "corpus" / FILE_NAME).is_file(), reason="no shared corpus")
def test_most_of_the_corpus_that_is_short_is_of_use() -> None:
    problems = read_problems(SHARED / "corpus")
    assert len(problems) > 1800
    for problem in problems:
        formula = fill(problem.formula, _own(problem))
        run = formula_run(formula, formula)
        assert float(run.output) > 0
        assert len(problem.question.split()) <= 45
