"""Blank infilling: every exercise can be solved back to the document it was made from."""

from __future__ import annotations

import random

import pytest

from glmscope.train.encoding import Example
from glmscope.train.objective import Shares, exercise, repetition
from tests.train.tiny import tiny_tokenizer

SPECIAL = tiny_tokenizer().special
TEXT = list(range(100, 160))
SENTENCES = [10, 25, 40, 60]


def exercises(shares: Shares, count: int = 200) -> list[Example]:
    rng = random.Random(1)
    return [exercise(TEXT, SENTENCES, SPECIAL, shares, rng) for _ in range(count)]


def solve(example: Example, mask: int) -> list[int]:
    """Put the spans, written in any order, back in place: tokens of TEXT ascend, so order tells."""
    text, *written = _split(example.ids, SPECIAL.sop)
    spans = sorted(span[:-1] for span in written)
    assert all(span[-1] == SPECIAL.eop for span in written)
    solved: list[int] = []
    for token in text:
        solved += spans.pop(0) if token == mask else [token]
    assert not spans
    return solved


def _split(ids: list[int], mark: int) -> list[list[int]]:
    parts: list[list[int]] = [[]]
    for token in ids:
        if token == mark:
            parts.append([])
        else:
            parts[-1].append(token)
    return parts


@pytest.mark.parametrize(
    ("shares", "mask"),
    [(Shares(1.0, 0.0), SPECIAL.mask), (Shares(0.0, 1.0), SPECIAL.smask)],
    ids=["short spans", "sentences"],
)
def test_blanks_are_written_after_the_text(shares: Shares, mask: int) -> None:
    for example in exercises(shares):
        assert mask in example.ids
        assert solve(example, mask) == TEXT
        first = example.ids.index(SPECIAL.sop)
        assert not any(example.learned[:first])
        for token, learned in zip(example.ids[first:], example.learned[first:], strict=True):
            assert learned == (token != SPECIAL.sop)


def test_short_spans_blank_about_fifteen_per_cent() -> None:
    learned = [sum(example.learned) for example in exercises(Shares(1.0, 0.0))]
    ends = [example.ids.count(SPECIAL.eop) for example in exercises(Shares(1.0, 0.0))]
    blanked = (sum(learned) - sum(ends)) / (len(learned) * len(TEXT))
    assert 0.12 < blanked < 0.18


def test_whole_sentences_are_blanked() -> None:
    sentences = [TEXT[start:end] for start, end in zip([0, *SENTENCES], SENTENCES, strict=False)]
    for example in exercises(Shares(0.0, 1.0)):
        _, *written = _split(example.ids, SPECIAL.sop)
        assert all(span[:-1] in sentences for span in written)


def test_the_tail_follows_its_head_and_ends() -> None:
    heads = set()
    for example in exercises(Shares(0.0, 0.0)):
        place = example.ids.index(SPECIAL.gmask)
        heads.add(place)
        assert example.ids[place : place + 2] == [SPECIAL.gmask, SPECIAL.sop]
        assert [*example.ids[:place], *example.ids[place + 2 : -1]] == TEXT
        assert example.ids[-1] == SPECIAL.eos
        assert [*example.learned[:place], *example.learned[place + 2 :]] == [True] * 61
    assert 0 in heads
    assert max(heads) <= len(TEXT) // 2
    assert len(heads) > 10


def test_a_short_document_is_only_continued() -> None:
    rng = random.Random(1)
    example = exercise(TEXT[:5], [5], SPECIAL, Shares(1.0, 0.0), rng)
    assert SPECIAL.gmask in example.ids


def test_a_repetition_is_learned_from_its_second_time_on() -> None:
    rng = random.Random(2)
    for _ in range(200):
        example = repetition(range(3, 5000), rng)
        length = example.learned.index(True) - 1
        run, rest = example.ids[:length], example.ids[length:]
        assert rest == run * (len(rest) // length)
        assert 2 <= len(example) // length <= 4
        assert example.learned == [False] * (length + 1) + [True] * (len(rest) - 1)
