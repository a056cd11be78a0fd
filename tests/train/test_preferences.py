"""The preference loss: it pulls the right way, and is plain at the start."""

from __future__ import annotations

import copy
import math
import random
from pathlib import Path

import pytest

from glmscope.train.encoding import Example
from tests.train.tiny import tiny_model

torch = pytest.importorskip("torch", reason="training needs PyTorch, which is not installed")

from glmscope.errors import UsageError  # noqa: E402
from glmscope.train.preferences import (  # noqa: E402
    Pair,
    PreferenceLoss,
    answer_logprobs,
    last_answer,
    planned_pairs,
    read_pairs,
    write_pairs,
)
from glmscope.train.settings import Alignment, Optimization  # noqa: E402

PAIRS = [Pair([1, 5, 6], [7, 8, 9], [10, 11]), Pair([1, 9], [12], [13, 14, 15, 16])]
OPTIONS = Optimization(10, 64, (16,), 1e-2, 1e-2)


def batch_of(pairs: list[Pair]):
    return next(planned_pairs(pairs, OPTIONS, random.Random(0)))()


def test_the_loss_begins_at_the_logarithm_of_two() -> None:
    model = tiny_model()
    loss = PreferenceLoss(model, copy.deepcopy(model), Alignment(4, 0.1, 0.0))
    assert loss(batch_of(PAIRS)).item() == pytest.approx(math.log(2), abs=1e-5)


def test_training_on_it_separates_the_answers() -> None:
    model = tiny_model()
    reference = copy.deepcopy(model)
    loss = PreferenceLoss(model, reference, Alignment(4, 0.1, 1.0))
    batch = batch_of(PAIRS)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    for _ in range(10):
        optimizer.zero_grad()
        loss(batch).backward()
        optimizer.step()
    ids, targets = torch.from_numpy(batch.ids), torch.from_numpy(batch.targets)
    with torch.no_grad():
        gain = answer_logprobs(model, ids, targets) - answer_logprobs(reference, ids, targets)
    chosen, rejected = gain.view(-1, 2).unbind(1)
    assert (chosen > rejected + 1).all()
    assert (chosen > 0).all()  # the anchor keeps right answers from fading with the wrong ones


def test_a_row_counts_its_answer_alone() -> None:
    model = tiny_model()
    batch = batch_of([PAIRS[0]])
    ids, targets = torch.from_numpy(batch.ids), torch.from_numpy(batch.targets)
    with torch.no_grad():
        found = answer_logprobs(model, ids, targets)[0]
        logits = model(torch.tensor([[1, 5, 6, 7, 8]])).log_softmax(-1)[0]
    assert found.item() == pytest.approx(
        sum(logits[2 + place, token].item() for place, token in enumerate((7, 8, 9))), abs=1e-4
    )


def test_the_last_answer_is_the_last_learned_stretch() -> None:
    example = Example([1, 2, 3, 4, 5, 6], [False, True, True, False, True, True])
    assert last_answer(example) == ([1, 2, 3, 4], [5, 6])


def test_pairs_are_read_back(tmp_path: Path) -> None:
    write_pairs(PAIRS, tmp_path / "pairs.jsonl")
    assert read_pairs(tmp_path / "pairs.jsonl") == PAIRS


def test_no_pairs_is_said_in_a_sentence(tmp_path: Path) -> None:
    write_pairs([], tmp_path / "pairs.jsonl")
    with pytest.raises(UsageError, match="no mistakes"):
        read_pairs(tmp_path / "pairs.jsonl")
    with pytest.raises(UsageError, match="Cannot read"):
        read_pairs(tmp_path / "absent.jsonl")
