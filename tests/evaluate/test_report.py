from __future__ import annotations

import json
import math

import pytest

from glmscope.evaluate.judges import judge
from glmscope.evaluate.perplexity import Perplexity
from glmscope.evaluate.report import Bound, Figure, Report
from glmscope.evaluate.run import run_checks
from glmscope.evaluate.speed import Speed
from glmscope.text.toolcall import write_fenced_call
from tests.evaluate.support import WEATHER, PreparedEngine, answered, check, generated, served

NAME = check("identity", {"any": ["nano"]}, "你是谁")
EXPECTED = {"name": "get_weather", "arguments": {"city": "杭州"}}
CALL = check("tools", {"call": EXPECTED}, "杭州", [WEATHER])
PLAIN = check("tools", {"call": None}, "你好", [WEATHER])


def figures(report: Report) -> dict[str, tuple[int, float | None, bool | None]]:
    return {each.what: (each.count, each.reached, each.passed) for each in report.figures}


def test_each_share_is_of_the_answers_that_it_concerns() -> None:
    answers = [
        answered(NAME, "nano"),
        answered(NAME, "6B", ended=False),
        answered(CALL, write_fenced_call({"city": "苏州"}), "get_weather"),
        answered(PLAIN, "你好"),
    ]
    judged = [(answer, judge(answer)) for answer in answers]
    report = Report("nano", frozenset({"identity", "tools"}), judged)
    assert figures(report) == {
        "identity": (2, 0.5, False),
        "tool calls: well formed": (1, 1.0, True),
        "tool calls: right function": (1, 1.0, True),
        "tool calls: right arguments": (1, 0.0, False),
        "no call where none is needed": (1, 1.0, True),
        "ended by a stop id": (4, 0.75, False),
        "answers with a loop": (4, 0.0, True),
    }
    assert not report.passed


def test_what_was_wanted_and_not_measured_is_missed() -> None:
    report = Report("nano", frozenset({"cities"}))
    assert figures(report) == {"cities, in other wordings": (0, None, False)}
    assert not report.passed


def test_rounding_may_cost_less_than_two_percent() -> None:
    def lost(served: float) -> Figure:
        report = Report(
            "nano",
            frozenset({"perplexity"}),
            served=Perplexity(served, 10),
            fp32=Perplexity(5.0, 10),
        )
        assert [each.reached for each in report.figures[:2]] == [served, 5.0]
        return report.figures[2]

    assert math.isclose(lost(5.05).reached or 0, 0.01)
    assert lost(5.05).passed
    assert not lost(5.1001).passed
    assert lost(4.9).passed


def test_speed_has_its_bounds() -> None:
    fast = Report("nano", frozenset({"speed"}), speed=Speed(1.9, 2.1, 150.0))
    assert fast.passed
    assert [each.passed for each in fast.figures] == [True, None, True]
    assert not Report("nano", frozenset({"speed"}), speed=Speed(2.0, 2.1, 150.0)).passed
    assert not Report("nano", frozenset({"speed"}), speed=Speed(1.9, 2.1, 149.0)).passed


@pytest.mark.parametrize(
    ("bound", "reached", "holds"),
    [
        (Bound("at least", 0.8), 0.8, True),
        (Bound("at least", 0.8), 0.79, False),
        (Bound("below", 0.005), 0.005, False),
        (Bound("below", 0.005), 0.004, True),
        (Bound("below", 0.02), math.nan, False),
        (Bound("at least", 0.0), math.nan, False),
    ],
)
def test_bounds(bound: Bound, reached: float, holds: bool) -> None:
    assert bound.holds(reached) is holds


def test_a_model_is_asked_judged_scored_and_closed() -> None:
    engine = PreparedEngine(
        [
            (NAME, generated("我是nano")),
            (CALL, generated(write_fenced_call({"city": "杭州"}), "get_weather")),
        ],
        logprob=-1.0,
    )
    findings = run_checks([served(engine)], [NAME, CALL])
    assert engine.closed
    assert findings.perplexity is None
    report = Report("nano", frozenset({"identity", "tools"}), findings.answers)
    written = json.loads(json.dumps(report.as_json()))
    assert [row["holds"]["ended"] for row in written["answers"]] == [True, True]
    assert [row["answer"] for row in written["answers"]] == [
        "我是nano",
        {"name": "get_weather", "parameters": {"city": "杭州"}},
    ]
    assert written["answers"][0]["question"] == "你是谁"
    assert written["figures"][0]["passed"] is True
