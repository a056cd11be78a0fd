"""Examples in arrays: nothing is lost, and what is kept is read again only where it still fits."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Sequence
from pathlib import Path

import pytest

from glmscope.family import Family
from glmscope.text.tokenizer import Tokenizer
from glmscope.text.vocabulary import builtin_vocabulary
from glmscope.train import examples as module
from glmscope.train import material
from glmscope.train.encoding import Example
from glmscope.train.examples import Examples, tuning_examples
from glmscope.train.settings import Settings, load_settings
from tests.train.tiny import write_settings

RNG = random.Random(1)
MADE = [
    Example([5, 6, 7], [False, True, True]),
    Example([8], [True], renamable=True),
    Example([9, 1], [True] * 2),
]


def as_lists(examples: Sequence[Example]) -> list[tuple[list[int], list[bool], bool]]:
    return [(list(one.ids), list(one.learned), one.renamable) for one in examples]


@pytest.fixture
def drawn(tmp_path: Path) -> tuple[Settings, Path, Path]:
    vocabulary = tmp_path / "tokenizer.model"
    vocabulary.write_bytes(builtin_vocabulary())
    return load_settings(write_settings(tmp_path)), vocabulary, tmp_path / "kept.npz"


def test_examples_come_back_one_by_one() -> None:
    collected = Examples.collect(MADE)
    assert as_lists(collected) == as_lists(MADE)
    assert list(collected[-1].ids) == [9, 1]
    assert [list(one.ids) for one in collected[:2]] == [[5, 6, 7], [8]]
    with pytest.raises(IndexError):
        collected[3]


def test_parts_are_joined_in_order() -> None:
    joined = Examples.join([Examples.collect(MADE[:1]), Examples.collect(MADE[1:])])
    assert as_lists(joined) == as_lists(Examples.collect(MADE))


def test_every_dialogue_and_every_copying_exercise_is_there(
    drawn: tuple[Settings, Path, Path],
) -> None:
    settings, vocabulary, kept = drawn
    words = Tokenizer.from_file(vocabulary, Family.CHATGLM3)
    found = tuning_examples(dataclasses.replace(settings, rounds_share=0.0), vocabulary, kept)
    dialogues = list(material.tuning_dialogues(settings))
    assert len(found) == len(dialogues) + settings.repetitions
    for dialogue, example in zip(dialogues, found, strict=False):
        assert list(example.ids) == material.tuning_example(dialogue, words, 0.0, RNG).ids


def test_a_second_run_reads_what_the_first_one_left(
    drawn: tuple[Settings, Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, vocabulary, kept = drawn
    first = as_lists(tuning_examples(settings, vocabulary, kept))
    monkeypatch.setattr(module, "_drawn", lambda *_: pytest.fail("they were drawn again"))
    assert as_lists(tuning_examples(settings, vocabulary, kept)) == first


def test_other_settings_are_drawn_anew(drawn: tuple[Settings, Path, Path]) -> None:
    settings, vocabulary, kept = drawn
    first = as_lists(tuning_examples(settings, vocabulary, kept))
    assert as_lists(tuning_examples(settings.with_seed(8), vocabulary, kept)) != first


def test_processes_draw_the_same_as_one(
    drawn: tuple[Settings, Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, vocabulary, kept = drawn
    alone = as_lists(tuning_examples(settings, vocabulary, kept))
    kept.unlink()
    monkeypatch.setattr(module, "SHARD_DIALOGUES", 1)
    assert as_lists(tuning_examples(settings, vocabulary, kept)) == alone
