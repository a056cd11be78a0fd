"""The PyTorch network against the original's outputs, and its two ways of reading rows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.support.paths import GOLDEN, needs_golden

torch = pytest.importorskip("torch", reason="training needs PyTorch, which is not installed")

from glmscope.errors import ModelFilesError  # noqa: E402
from glmscope.train.checkpoint import export_checkpoint, load_checkpoint  # noqa: E402
from glmscope.train.model import (  # noqa: E402
    IGNORED,
    attend_in_blocks,
    document_mask,
    evaluating,
    positions_within,
)
from tests.train.tiny import tiny_model, tiny_vocabulary  # noqa: E402

PLAIN = ("glm3_a", "glm2_b", "glm3_rope4", "glm2_rope4", "glm3_hd64", "glm2_hd128")


@needs_golden
@pytest.mark.parametrize("name", PLAIN)
def test_logits_are_those_of_the_original(name: str) -> None:
    model = load_checkpoint(GOLDEN / "models" / name)
    golden = np.load(GOLDEN / "models" / name / "golden.npz")
    ids = torch.from_numpy(golden["prompt_ids"].astype(np.int64))
    with evaluating(model):
        logits = model(ids).numpy()
    assert np.abs(logits - golden["logits"]).max() < 1e-4


@needs_golden
def test_a_changed_weight_shows() -> None:
    model = load_checkpoint(GOLDEN / "models" / "glm3_a")
    golden = np.load(GOLDEN / "models" / "glm3_a" / "golden.npz")
    with torch.no_grad():
        model.transformer.encoder.layers[0].self_attention.dense.weight[0, 0] += 0.5
        logits = model(torch.from_numpy(golden["prompt_ids"].astype(np.int64))).numpy()
    assert np.abs(logits - golden["logits"]).max() > 1e-3


def test_documents_in_a_row_do_not_see_each_other() -> None:
    model = tiny_model()
    first, second = torch.tensor([[5, 6, 7, 8]]), torch.tensor([[9, 10, 11]])
    row = torch.cat((first, second), dim=1)
    documents = torch.tensor([[1, 1, 1, 1, 2, 2, 2]])
    with evaluating(model):
        together = model(row, documents)
        assert torch.allclose(together[:, :4], model(first), atol=1e-5)
        assert torch.allclose(together[:, 4:], model(second), atol=1e-5)
        assert not torch.allclose(model(row)[:, 4:], model(second), atol=1e-3)


@pytest.mark.parametrize("length", [1, 3, 8, 23])
def test_attention_in_blocks_is_attention(length: int) -> None:
    torch.manual_seed(0)
    q = torch.randn(2, 6, length, 8)
    k, v = torch.randn(2, 2, length, 8), torch.randn(2, 2, length, 8)
    documents = torch.randint(0, 3, (2, length)).sort(dim=1).values
    mask = document_mask(documents, q.dtype)
    spread = (part.repeat_interleave(3, dim=1) for part in (k, v))
    expected = torch.nn.functional.scaled_dot_product_attention(q, *spread, mask)
    torch.testing.assert_close(attend_in_blocks(q, k, v, mask), expected)


def test_positions_start_anew_with_each_document() -> None:
    documents = torch.tensor([[1, 1, 1, 2, 2, 3], [1, 0, 0, 0, 0, 0]])
    assert positions_within(documents).tolist() == [[0, 1, 2, 0, 1, 0], [0, 0, 1, 2, 3, 4]]


def test_an_exported_model_is_read_back_as_it_was(tmp_path: Path) -> None:
    model = tiny_model()
    export_checkpoint(model, tiny_vocabulary(), tmp_path / "model", torch.float32)
    again = load_checkpoint(tmp_path / "model")
    assert again.config == model.config
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, again.state_dict()[name]), name


def test_a_directory_without_weights_is_refused_in_a_sentence(tmp_path: Path) -> None:
    export_checkpoint(tiny_model(), tiny_vocabulary(), tmp_path / "model")
    (tmp_path / "model" / "model.safetensors").unlink()
    with pytest.raises(ModelFilesError):
        load_checkpoint(tmp_path / "model")


def test_weights_say_how_much_each_place_counts() -> None:
    model = tiny_model()
    ids = torch.randint(3, 700, (2, 12), generator=torch.Generator().manual_seed(1))
    targets = ids.clone()
    targets[:, ::2] = IGNORED
    hidden = model.hidden(ids)
    plain = model.head_loss(hidden, targets)
    assert torch.allclose(plain, model.head_loss(hidden, targets, torch.full((2, 12), 3.0)))
    only = torch.zeros(2, 12)
    only[0, 5] = 1.0
    alone = torch.full_like(targets, IGNORED)
    alone[0, 5] = targets[0, 5]
    assert torch.allclose(model.head_loss(hidden, targets, only), model.head_loss(hidden, alone))
