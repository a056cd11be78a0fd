"""The questions of `train/checks`, by which the material is extended and averages are chosen."""

from __future__ import annotations

import pytest

from glmscope.evaluate.checks import Check, read_checks
from glmscope.train.generators.chat_entries import LANGUAGES
from glmscope.train.generators.recall_material import read_material
from tests.support.paths import REPOSITORY

CHECKS = REPOSITORY / "train" / "checks"
DATA = REPOSITORY / "train" / "data"
COUNTS = {"follow_ups": 120, "identity": 60, "interpreter": 150, "tools": 150}


def _asked(checks: list[Check]) -> set[tuple[str, ...]]:
    return {tuple(one.content for one in check.messages if one.role == "user") for check in checks}


@pytest.mark.parametrize("kind", COUNTS)
def test_every_check_can_be_asked_and_is_not_of_the_evaluation(kind: str) -> None:
    checks = read_checks(kind, CHECKS)
    assert len(checks) == COUNTS[kind]
    assert not _asked(checks) & _asked(read_checks(kind))


def test_no_follow_up_begins_as_a_talk_that_is_trained_on() -> None:
    told = {
        anecdote.told[0][0]
        for language in LANGUAGES
        for anecdote in read_material(DATA, language).anecdotes
    }
    assert not told & {check.messages[0].content for check in read_checks("follow_ups", CHECKS)}
