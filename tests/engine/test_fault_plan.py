from __future__ import annotations

import json
from pathlib import Path

import pytest

from glmscope.engine.fault import Fault, FaultError, known_error
from glmscope.engine.fault_plan import Asked, FaultPlan
from glmscope.errors import (
    DataInspectionFailed,
    GLMScopeError,
    RequestError,
    ServiceError,
    Throttling,
    UsageError,
)

DROP = {"drop_after": 1}


def plan(*rules: dict[str, object], seed: object = 0) -> FaultPlan:
    return FaultPlan.from_json(json.dumps({"rules": rules, "seed": seed}), "this plan")


def struck(faults: FaultPlan, *questions: str, model: str = "m", key: str | None = None) -> str:
    return "".join("x" if faults.strike(Asked(q, model, key)) else "." for q in questions)


def test_the_first_rule_that_strikes_decides() -> None:
    faults = plan(
        {"match": ["a", "b"], "drop_after": 1}, {"match": "a", "end_after": 2}, {"malformed": True}
    )
    assert faults.strike(Asked("b a", "m")) == Fault(drop_after=1)
    assert faults.strike(Asked("a", "m")) == Fault(end_after=2)
    assert faults.strike(Asked("", "m")) == Fault(malformed=True)


def test_conditions_hold_together() -> None:
    faults = plan({"match": "a", "model": "m", "key": "k"} | DROP)
    assert struck(faults, "a", key="k") == "x"
    assert struck(faults, "b", key="k") == "."
    assert struck(faults, "a", key="k", model="other") == "."
    assert struck(faults, "a") == "."


def test_the_nth_of_its_kind() -> None:
    assert struck(plan({"match": "a", "nth": 2} | DROP), "b", "a", "a", "a") == "..x."
    assert struck(plan({"nth": [1, 3]} | DROP), *"abcd") == "x.x."


def test_a_rule_that_spares_a_request_leaves_it_to_the_next() -> None:
    faults = plan({"nth": 1} | DROP, {"end_after": 1})
    assert [faults.strike(Asked("", "m")) for _ in range(2)] == [
        Fault(drop_after=1),
        Fault(end_after=1),
    ]


def test_chance_follows_the_seed() -> None:
    half = {"probability": 0.5} | DROP
    first = struck(plan(half, seed=1), *"a" * 60)
    assert first == struck(plan(half, seed=1), *"a" * 60)
    assert first != struck(plan(half, seed=2), *"a" * 60)
    assert 15 < first.count("x") < 45
    assert struck(plan({"probability": 0} | DROP), *"a" * 20) == "." * 20
    assert struck(plan({"probability": 1} | DROP), *"a" * 20) == "x" * 20


@pytest.mark.parametrize(
    ("rule", "complaint"),
    [
        ([], "Not an object: rule 1 of the fault plan this plan."),
        ({"match": "a"}, "No fault in rule 1 of the fault plan this plan: it needs one of error, "),
        ({"drop": 1}, 'In rule 1 of the fault plan this plan: unknown name "drop"; did you mean '),
        ({"drop_after": -1}, '"drop_after" must be an integer of at least 0 in rule 1'),
        ({"drop_after": 1.0}, '"drop_after" must be an integer'),
        ({"drop_after": True}, '"drop_after" must be an integer'),
        ({"hang_ms": "1"}, '"hang_ms" must be a number of milliseconds from 0 to 3600000'),
        ({"hang_ms": float("nan")}, '"hang_ms" must be'),
        ({"token_ms": 1e9}, '"token_ms" must be'),
        ({"malformed": 1}, '"malformed" must be true or false'),
        ({"nth": 0} | DROP, '"nth" must be an integer of at least 1, or a list of them'),
        ({"nth": [1, "2"]} | DROP, '"nth" must be'),
        ({"probability": 2} | DROP, '"probability" must be a number from 0 to 1'),
        ({"match": [""]} | DROP, '"match" must be a string or a list of strings'),
        ({"model": 3} | DROP, '"model" must be a string'),
        ({"error": "x"}, '"error" must be an object'),
        ({"error": {"status": 200}}, '"status" must be an integer from 400 to 599 in "error"'),
        ({"error": {"code": "Mine"}}, '"Mine" is no code of ours: give a "status" too'),
        ({"error": {"retry_after": -1}}, '"retry_after" must be a whole number of seconds'),
        (
            {"error": {"kind": 1}},
            'In "error" in rule 1 of the fault plan this plan: unknown name "kind"; ',
        ),
    ],
    ids=str,
)
def test_what_a_file_may_not_hold(rule: object, complaint: str) -> None:
    with pytest.raises(UsageError) as caught:
        FaultPlan.from_json(json.dumps({"rules": [rule]}), "this plan")
    assert complaint in caught.value.message


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{", "is not JSON"),
        ("[]", 'an object with a list "rules"'),
        ('{"rules": 1}', 'an object with a list "rules"'),
        ('{"rules": [], "seed": "x"}', '"seed" must be an integer'),
        (
            '{"rules": [], "seeds": 1}',
            'faults.json has an unknown name, "seeds"; did you mean "seed"?',
        ),
    ],
)
def test_files_that_are_no_plan(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "faults.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=complaint):
        FaultPlan.from_file(path)
    with pytest.raises(UsageError, match="No such file"):
        FaultPlan.from_file(tmp_path / "nowhere")


def test_errors_are_those_of_the_wire() -> None:
    assert isinstance(FaultError(code="Throttling").refusal(), Throttling)
    refused = FaultError(code="Own", status=409, message="Words.").refusal()
    assert isinstance(refused, RequestError)
    assert (refused.code, refused.status, refused.message) == ("Own", 409, "Words.")
    assert isinstance(FaultError(code="Own", status=502).refusal(), ServiceError)
    moved = FaultError(code="Throttling", status=503).refusal()
    assert (moved.code, moved.status) == ("Throttling", 503)


def test_inside_a_reply_every_error_is_the_services() -> None:
    failure = Fault(error=FaultError(code="DataInspectionFailed"), error_after=2).failure
    assert isinstance(failure, ServiceError)
    assert failure.code == DataInspectionFailed.code
    assert failure.status == 400
    assert failure.message == DataInspectionFailed.default_message
    assert Fault(error_after=0).failure.code == "InternalError.Algo"
    assert Fault(error_after=0).refusal is None


def test_every_code_of_the_tree_is_known() -> None:
    assert known_error("InvalidApiKey")
    assert known_error("nothing") is None
    assert known_error(GLMScopeError.code) is not RequestError
