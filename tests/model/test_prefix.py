"""P-Tuning v2 prefixes as keys and values."""

from __future__ import annotations

import numpy as np
import pytest
from safetensors.numpy import save_file

from glmscope.errors import ModelFilesError
from glmscope.model.checkpoint import Checkpoint
from glmscope.model.config import load_config
from glmscope.model.prefix import load_prefix
from tests.support.checkpoints import write_checkpoint
from tests.support.paths import GOLDEN, needs_golden

EMBEDDING = "transformer.prefix_encoder.embedding.weight"


@needs_golden
@pytest.mark.parametrize("name", ["glm3_ptuning", "glm2_ptuning_proj"])
def test_golden_prefixes(name):
    directory = GOLDEN / "models" / name
    checkpoint = Checkpoint.open(directory)
    prefix = load_prefix(load_config(directory), checkpoint, directory / "ptuning")
    with np.load(directory / "golden.npz") as golden:
        expected = golden["prefix_kv"]
    assert prefix is not None
    assert prefix.dtype == np.float32
    assert prefix.shape == expected.shape
    np.testing.assert_allclose(prefix, expected, rtol=0, atol=1e-5)


def test_prefix_inside_the_checkpoint(tmp_path):
    config, tensors = write_checkpoint(tmp_path, pre_seq_len=3)
    prefix = load_prefix(config, Checkpoint.open(tmp_path))
    assert prefix is not None
    assert prefix.shape == (2, 2, 3, 2, 8)
    row = tensors[EMBEDDING][1]  # virtual token 1: key 0, value 0, key 1, value 1
    assert np.array_equal(prefix[0, 0, 1].ravel(), row[:16])
    assert np.array_equal(prefix[0, 1, 1].ravel(), row[16:32])
    assert np.array_equal(prefix[1, 0, 1].ravel(), row[32:48])


def test_no_prefix(tmp_path):
    config, _ = write_checkpoint(tmp_path)
    assert load_prefix(config, Checkpoint.open(tmp_path)) is None


def test_directory_without_a_prefix(tmp_path):
    config, _ = write_checkpoint(tmp_path)
    with pytest.raises(ModelFilesError, match='no "pre_seq_len"'):
        load_prefix(config, Checkpoint.open(tmp_path), tmp_path)


def test_prefix_of_another_network(tmp_path):
    config, _ = write_checkpoint(tmp_path / "model")
    write_checkpoint(tmp_path / "prefix", pre_seq_len=3, num_layers=3)
    with pytest.raises(
        ModelFilesError, match="another network: num_layers 3, and the model's is 2"
    ):
        load_prefix(config, Checkpoint.open(tmp_path / "model"), tmp_path / "prefix")


def test_missing_part_of_a_projection(tmp_path):
    config, tensors = write_checkpoint(tmp_path, pre_seq_len=3, prefix_projection=True)
    del tensors["transformer.prefix_encoder.trans.2.bias"]
    save_file(tensors, tmp_path / "model.safetensors")
    with pytest.raises(ModelFilesError, match=r"has no tensor .*prefix_encoder\.trans\.2\.bias"):
        load_prefix(config, Checkpoint.open(tmp_path))
