"""The brake stops endless repetition and nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain, cycle, islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glmscope.chat.loop import (
    FEWEST_ROUNDS,
    LONGEST_ROWS_LENGTH,
    LONGEST_UNIT,
    LOOK_EVERY,
    PROSE_LENGTH,
    ROWS_LENGTH,
    LoopBrake,
    is_prose,
)
from glmscope.chat.repetition import Loop
from glmscope.family import Family
from glmscope.text.tokenizer import Tokenizer
from tests.chat.repetitive_texts import HARMLESS, PROSE, ROWS
from tests.chat.support import CHATGLM3
from tests.support.paths import TOKENIZER, needs_tokenizer
from tests.support.tokenizers import builtin_tokenizer, published_tokenizer

SILENT = CHATGLM3.vocab_size
"""From here on ids print nothing: to the brake they are symbols, and no sentences."""


def braked(ids: Iterable[int], tokenizer: Tokenizer = CHATGLM3) -> tuple[int, Loop] | None:
    """How many ids were let through, and the loop; None when all were."""
    brake = LoopBrake(tokenizer)
    for count, token_id in enumerate(ids, start=1):
        brake.add(token_id)
        if brake.loop is not None:
            return count, brake.loop
    return None


@pytest.fixture(
    params=["builtin", pytest.param("published", marks=needs_tokenizer)], scope="module"
)
def tokenizer(request: pytest.FixtureRequest) -> Tokenizer:
    published = request.param == "published" and TOKENIZER is not None
    return (published_tokenizer if published else builtin_tokenizer)(Family.CHATGLM3)


@pytest.mark.parametrize("name", HARMLESS)
def test_what_may_be_wanted_passes(name: str, tokenizer: Tokenizer):
    assert braked(tokenizer.encode(HARMLESS[name]), tokenizer) is None


def latest(loop: Loop, length: int) -> int:
    """After how many ids a loop has to be noticed at last."""
    return loop.start + max(length, FEWEST_ROUNDS * loop.unit) + LOOK_EVERY


@pytest.mark.parametrize("name", PROSE)
def test_sentences_that_come_again_and_again_are_a_loop(name: str, tokenizer: Tokenizer):
    ids = tokenizer.encode(PROSE[name])
    found = braked(ids, tokenizer)
    assert found is not None
    count, loop = found
    # Rounds of one unit differ in their ids where white space and punctuation do.
    assert count <= latest(loop, PROSE_LENGTH) + 2 * loop.unit
    assert loop.start + loop.length == count


@pytest.mark.parametrize("name", ROWS)
def test_rows_without_end_are_a_loop(name: str, tokenizer: Tokenizer):
    ids = tokenizer.encode(ROWS[name])
    found = braked(ids, tokenizer)
    assert found is not None
    count, loop = found
    assert ROWS_LENGTH <= count <= latest(loop, LONGEST_ROWS_LENGTH)


INTRODUCTION = "关于这个问题，有几种看法。"
SENTENCE = "我是一个人工智能助手，很高兴见到你。"


@pytest.mark.parametrize(
    "text",
    [INTRODUCTION + SENTENCE * 100, INTRODUCTION + (SENTENCE + SENTENCE[:-1] + "！\n") * 50],
    ids=["ids", "letters"],
)
def test_the_first_round_is_what_a_reader_takes_for_it(text: str, tokenizer: Tokenizer):
    ids = tokenizer.encode(text)
    found = braked(ids, tokenizer)
    assert found is not None
    _, loop = found
    assert tokenizer.decode(ids[: loop.first_round_end]) == INTRODUCTION + SENTENCE


@pytest.mark.parametrize("unit", [1, 2, 7, 24, 60])
@pytest.mark.parametrize("before", [0, 100, 3000])
def test_a_loop_is_noticed_once_there_is_enough_of_it(unit: int, before: int):
    start = range(SILENT, SILENT + before)
    found = braked([*start, *([*range(10**6, 10**6 + unit)] * 2000)])
    assert found is not None
    count, loop = found
    assert loop == Loop(before, unit, count - before)
    assert count - before >= min(ROWS_LENGTH, LONGEST_ROWS_LENGTH)
    assert count <= latest(loop, LONGEST_ROWS_LENGTH)


def test_a_unit_may_be_a_long_paragraph_and_no_longer():
    assert braked([*range(SILENT, SILENT + LONGEST_UNIT)] * 8) is not None
    assert braked([*range(SILENT, SILENT + LONGEST_UNIT + 1)] * 20) is None


def test_what_is_broken_in_time_is_no_loop():
    enough = ROWS_LENGTH - LOOK_EVERY
    assert braked([*([SILENT] * enough), SILENT + 1] * 5) is None


@settings(deadline=None)
@given(
    before=st.lists(st.integers(SILENT, SILENT + 1), max_size=200),
    unit=st.lists(st.integers(SILENT, SILENT + 1), min_size=1, max_size=60),
)
def test_every_endless_repetition_is_noticed(before: list[int], unit: list[int]):
    """However the unit is built: of two symbols, it often holds long stretches twice."""
    found = braked(islice(chain(before, cycle(unit)), 4000))
    assert found is not None
    count, loop = found
    assert len(unit) % loop.unit == 0
    assert count <= len(before) + LONGEST_ROWS_LENGTH + len(unit) * FEWEST_ROUNDS


@pytest.mark.parametrize(
    ("text", "prose"),
    [
        ("杭州是浙江省的省会。\n", True),
        ("It rains. It rains.\n", True),
        ("he said “no.”\nhe said", True),
        ("我爱你我爱你", True),
        ("我爱你\n我爱你\n", False),
        ("张三,杭州\n", False),
        ("see a.txt\n", False),
        ("第 1 天 2024-01-01", False),
        ("print(hello)", False),
        ("。。。", False),
        (" \n", False),
        ("", False),
    ],
)
def test_sentences_are_told_from_rows(text: str, prose: bool):
    assert is_prose(text) is prose
