"""The checks as a set: all of the table, nothing else, and replies that the script really has."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

from glmscope.conform import script
from glmscope.conform.check import CHECKS, Lane, MismatchError, equal, expect, letters
from glmscope.conform.checks import register_all
from glmscope.conform.sdk.process import LineProcess
from glmscope.conform.table import ROWS
from glmscope.conform.target import Target
from glmscope.errors import UsageError
from tests.conform.test_conform import OTHER_SDKS
from tests.support.paths import REPOSITORY

register_all()

QUESTIONS = [
    value for name, value in vars(script).items() if name.isupper() and "conform: " in str(value)
]


def test_the_table_is_numbered_from_1_to_68() -> None:
    assert [row.number for row in ROWS] == list(range(1, 69))
    assert {letter for row in ROWS for letter in row.who.split()} == set("PJRW")
    assert len({row.text for row in ROWS}) == len(ROWS)


def test_every_row_has_a_check_for_everybody_it_names() -> None:
    found = {(check.number, letters(check.number, check.lane)) for check in CHECKS}
    registered = {number: "" for number, _ in found}
    for number, who in found:
        registered[number] += who
    assert {n: set(who) - {" "} for n, who in registered.items()} == {
        row.number: set(row.who.split()) for row in ROWS
    }


def test_only_raw_checks_ask_to_run_alone() -> None:
    assert {check.lane for check in CHECKS if check.alone} == {Lane.WIRE}


@pytest.mark.parametrize("question", QUESTIONS)
def test_the_script_answers_every_question_of_its_own(question: str) -> None:
    rules = json.loads(script.script_text())["rules"]
    assert [rule["match"] for rule in rules if rule.get("match") == question] == [question]


def test_known_replies_are_those_of_the_script() -> None:
    rules = {str(rule.get("match")): rule for rule in json.loads(script.script_text())["rules"]}
    for question, reply in (
        (script.PROBE, script.GREETING),
        (script.DIGITS, script.DIGITS_REPLY),
        (script.ALMOST, script.ALMOST_REPLY),
        (script.CHARACTERS, script.CHARACTERS_REPLY),
        (script.SUNNY, script.SUNNY_REPLY),
    ):
        rule = rules[question]
        assert rule["reply"] * rule.get("repeat", 1) == reply
    stopped = rules[script.STOP]["reply"]
    assert stopped.partition(script.STOP_WORD)[0] == script.STOPPED_REPLY


def test_the_makefile_installs_the_sdks_that_the_tests_drive() -> None:
    found = re.search(r"^SDKS := (.*)$", (REPOSITORY / "Makefile").read_text("utf-8"), re.M)
    assert found
    assert tuple(found[1].split()) == OTHER_SDKS


def test_mismatches_name_both_values() -> None:
    with pytest.raises(MismatchError, match="status: 404, wanted 200"):
        equal(404, 200, "status")
    with pytest.raises(MismatchError, match=r"^no id$"):
        expect("", "no id")
    equal(1, 1, "one")
    expect([0], "something")


@pytest.mark.parametrize(
    ("url", "native"),
    [
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000/api/v1"),
        ("http://127.0.0.1:8000/api/v1/", "http://127.0.0.1:8000/api/v1"),
        ("https://glm.example", "https://glm.example/api/v1"),
    ],
)
def test_an_address_is_taken_with_or_without_its_path(url: str, native: str) -> None:
    assert Target.at(url, "key").native == native


@pytest.mark.parametrize("url", ["", "127.0.0.1:8000", "ftp://x", "http://x/other/path"])
def test_other_addresses_are_refused(url: str) -> None:
    with pytest.raises(UsageError, match="An address like"):
        Target.at(url, "key")


def test_websocket_and_compatible_planes_are_on_the_same_origin() -> None:
    target = Target.at("https://glm.example:444", "key")
    assert target.websocket == "wss://glm.example:444/api-ws/v1/inference"
    assert target.compatible == "https://glm.example:444/compatible-mode/v1"


def program(path: Path, text: str) -> LineProcess:
    path.write_text(text, encoding="utf-8")
    return LineProcess([sys.executable, str(path)], {})


def test_a_program_that_dies_is_quoted(tmp_path: Path) -> None:
    process = program(tmp_path / "dies.py", "raise SystemExit('no such library')")
    with pytest.raises(EOFError, match="no such library"):
        process.ask("{}")
    process.close()


def test_a_program_that_hangs_is_not_waited_for(tmp_path: Path) -> None:
    process = program(tmp_path / "hangs.py", "import time; time.sleep(3600)")
    with pytest.raises(TimeoutError, match="no answer"):
        process.ask("{}", seconds=0.2)
    process.close()
