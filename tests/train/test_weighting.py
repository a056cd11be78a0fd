"""How much each token counts."""

from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="training needs PyTorch, which is not installed")

from glmscope.family import Family  # noqa: E402
from glmscope.nano import directory  # noqa: E402
from glmscope.text.tokenizer import Tokenizer  # noqa: E402
from glmscope.train.weighting import TokenWeights, opening_weights  # noqa: E402


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
