from __future__ import annotations

import io
import random
import re
from contextlib import redirect_stdout
from datetime import datetime

import pytest

from glmscope.train.generators.interpreter_clock import Time, clock_exchanges, typed
from glmscope.train.generators.interpreter_material import Desk, Exchange, Language, Material
from tests.support.paths import REPOSITORY

MATERIAL = Material(REPOSITORY / "train" / "data")
SEEDS = range(40)
"""Each way to type a time comes up among so many draws."""


def _typed(language: Language, time: Time, style: str) -> set[str]:
    return {typed(Desk(MATERIAL, random.Random(seed), language), time, style) for seed in SEEDS}


@pytest.mark.parametrize(
    ("language", "time", "style", "texts"),
    [
        ("zh", Time(17, 5), "digits", {"17:05"}),
        ("zh", Time(17, 5), "hours", {"下午5点05分", "下午5点5分"}),
        ("zh", Time(8, 30), "words", {"早上八点半", "上午八点半"}),
        ("zh", Time(14, 15), "words", {"下午两点一刻"}),
        ("zh", Time(12, 7), "words", {"中午十二点零七分", "中午十二点零七"}),
        ("zh", Time(0, 0), "hours", {"凌晨0点", "凌晨0点整"}),
        ("en", Time(0, 10), "hours", {"12:10 am", "12:10 a.m.", "12:10 AM", "12:10am"}),
        ("en", Time(12, 40), "hours", {"12:40 pm", "12:40 p.m.", "12:40 PM", "12:40pm"}),
        ("en", Time(21, 30), "words", {"half past nine at night"}),
        ("en", Time(15, 15), "words", {"quarter past three in the afternoon"}),
    ],
)
def test_times_are_typed_as_people_do(
    language: Language, time: Time, style: str, texts: set[str]
) -> None:
    assert _typed(language, time, style) == texts


def _exchanges(language: Language, count: int) -> list[Exchange]:
    desk = Desk(MATERIAL, random.Random(3), language)
    return [clock_exchanges(desk)[0] for _ in range(count)]


def _printed(code: str) -> str:
    out = io.StringIO()
    with redirect_stdout(out):
        exec(compile(code, "code", "exec"), {})
    return out.getvalue().strip()


@pytest.mark.parametrize("language", ["zh", "en"])
def test_code_prints_what_is_claimed(language: Language) -> None:
    for exchange in _exchanges(language, 300):
        (run,) = exchange.runs
        assert _printed(run.code) == run.output, exchange.question
        assert run.output.removesuffix(".0") in exchange.answer


def test_minutes_and_hours_are_those_from_the_earlier_to_the_later_time() -> None:
    read = 0
    for exchange in _exchanges("zh", 3000):
        times = re.findall(r"\d+:\d\d", exchange.question)
        (run,) = exchange.runs
        if len(times) != 2 or "24 * 60" in run.code:
            continue
        one, other = (datetime.strptime(each, "%H:%M") for each in times)
        minutes = abs((other - one).total_seconds()) / 60
        per = 60 if "小时" in exchange.question else 1
        assert float(run.output) == round(minutes / per, 8), exchange.question
        read += 1
    assert read > 500


def test_no_two_numbers_run_together_and_no_time_is_half_said() -> None:
    for exchange in _exchanges("zh", 3000):
        assert not re.search(r":\d{3}|点十(?![分一二三四五六七八九])", exchange.question)
