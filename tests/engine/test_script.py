"""Scripts as files, and the reason for what is none."""

from __future__ import annotations

import pytest

from glmscope.engine.script import Script
from glmscope.errors import UsageError


def test_a_script_is_read_from_a_file(tmp_path):
    path = tmp_path / "script.json"
    path.write_text('{"rules": [{"match": ["甲", "乙"], "reply": "丙"}]}', encoding="utf-8")
    read = Script.from_file(path)
    assert read.rule_for("乙和甲").text("", "", [0]) == "丙"
    assert read.rule_for("甲").reply == ()


def test_a_script_that_is_not_there_is_named(tmp_path):
    with pytest.raises(UsageError, match=r"none\.json"):
        Script.from_file(tmp_path / "none.json")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{", "not JSON"),
        ("[]", 'list "rules"'),
        ('{"rules": [3]}', "rule 1"),
        ('{"rules": [], "rule": []}', 'x.json has an unknown name, "rule"'),
        ('{"rules": [], "seed": 1}', 'an unknown name, "seed"'),
        ('{"rules": [{"reply": "a"}, {}]}', 'No "reply" in rule 2'),
        ('{"rules": [{"reply": "a", "matches": "b"}]}', '"matches"'),
        ('{"rules": [{"reply": 1}]}', '"reply"'),
        ('{"rules": [{"reply": [[]]}]}', '"reply"'),
        ('{"rules": [{"reply": "a", "match": 1}]}', '"match"'),
        ('{"rules": [{"reply": "a", "exact": 1}]}', '"exact"'),
        ('{"rules": [{"reply": "a", "repeat": 0}]}', '"repeat"'),
        ('{"rules": [{"reply": "a", "repeat": true}]}', '"repeat"'),
        ('{"rules": [{"reply": "a", "ids_per_step": 1.5}]}', '"ids_per_step"'),
        ('{"rules": [{"reply": "a", "error_after": -1}]}', '"error_after"'),
        ('{"rules": [{"reply": "a", "delay_ms": NaN}]}', '"delay_ms"'),
    ],
)
def test_a_wrong_script_is_refused_with_its_reason(text: str, complaint: str):
    with pytest.raises(UsageError, match=complaint):
        Script.from_json(text, "x.json")
