"""How much each token counts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs PyTorch, which is not installed")

from glmscope.family import Family  # noqa: E402
from glmscope.nano import directory  # noqa: E402
from glmscope.text.tokenizer import Tokenizer  # noqa: E402
from glmscope.train.model import IGNORED  # noqa: E402
from glmscope.train.packing import Batch  # noqa: E402
from glmscope.train.settings import Optimization  # noqa: E402
from glmscope.train.trainer import language_model_loss  # noqa: E402
from glmscope.train.weighting import (  # noqa: E402
    TokenWeights,
    opening_weights,
    pointing_weight,
)
from tests.train.tiny import tiny_model  # noqa: E402


def test_the_opening_of_a_turn_is_what_follows_the_assistants_id() -> None:
    ids = torch.tensor([[7, 9, 1, 2, 3, 4, 5, 9, 6], [1, 2, 3, 4, 5, 6, 7, 8, 9]])
    weights = opening_weights(ids, assistant=9, weight=6.0)
    assert weights.tolist() == [[1, 6, 6, 6, 6, 1, 1, 6, 6], [1, 1, 1, 1, 1, 1, 1, 1, 6]]


def test_operators_and_brackets_count_more_and_openings_still_most() -> None:
    weigh = TokenWeights(9, torch.tensor([4, 5]), opening_weight=6.0, symbol_weight=3.0)
    ids = torch.tensor([[7, 4, 1, 5, 9, 4, 1, 1, 1, 1, 4]])
    assert weigh(ids).tolist() == [[3, 1, 3, 1, 6, 6, 6, 6, 1, 3, 1]]


def test_signs_are_symbols_alone_and_joined_and_words_are_not() -> None:
    words = Tokenizer.from_file(Path(directory()) / "tokenizer.model", Family.CHATGLM3)
    weigh = TokenWeights.of(words, opening_weight=1.0, symbol_weight=3.0)
    texts = [words.decode([piece]).strip() for piece in weigh.symbols.tolist()]
    assert {"+", "-", "*", "/", "//", "**", "(", ")", "((", "))", '")', "',"} <= set(texts)
    assert not any(text[:1].isalnum() or text in ('"', "'", "") for text in texts)
    ids = torch.tensor([words.encode("print((3 + 4) * 5)")])
    counted = weigh(ids)[0]
    heavy = [
        words.decode([int(after)]).strip()
        for after, weight in zip(ids[0, 1:], counted[:-1], strict=True)
        if weight == 3
    ]
    assert "".join(heavy) == "((+)*)"


def test_where_heads_look_counts_less_and_less_until_half_of_the_steps() -> None:
    options = Optimization(100, 64, (64,), 1e-3, 1e-3, pointing_weight=0.2, pointing_end=0.002)
    weights = [pointing_weight(step, options) for step in (0, 25, 50, 99)]
    assert weights == pytest.approx([0.2, 0.02, 0.002, 0.002])
    always = Optimization(100, 64, (64,), 1e-3, 1e-3, pointing_weight=0.2)
    assert pointing_weight(99, always) == 0.2


def test_every_fourth_step_teaches_where_to_look_and_four_times_as_much() -> None:
    model = tiny_model()
    ids = np.random.default_rng(1).integers(3, 700, (2, 16))
    targets = np.where(np.arange(16) < 4, IGNORED, np.roll(ids, -1, axis=1))
    pointers = np.array([[0, kind, 12, 3] for kind in range(5)])
    batch = Batch(ids, targets, np.ones_like(ids), pointers)
    plain = language_model_loss(model, compiled=False)(batch, 0)
    loss = language_model_loss(model, compiled=False, pointing=lambda step: 0.5 if step else 1.0)
    assert all(torch.equal(loss(batch, step), plain) for step in (1, 2, 3, 5))
    first, later = loss(batch, 0) - plain, loss(batch, 4) - plain
    assert later.item() == pytest.approx(first.item() / 2, rel=1e-4)
    assert later.item() > 0.1
