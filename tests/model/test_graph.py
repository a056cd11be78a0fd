"""The graph against an independent float64 network, over every switch of the configuration."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
import pytest
from safetensors.numpy import save_file

from glmscope.model.checkpoint import Checkpoint
from glmscope.model.config import load_config
from glmscope.model.convert import convert
from glmscope.model.graph import build_block
from glmscope.model.layers import inverse_frequencies
from glmscope.model.manifest import GRAPH_FILE
from glmscope.model.prefix import load_prefix
from glmscope.model.weights import DenseMatrix
from glmscope.parity.network import EXACT, Network
from tests.support.checkpoints import Tensors, random_tensors, write_config
from tests.support.reference_network import reference_logits

IDS = [3, 1, 4, 1, 5, 9, 2, 6, 5, 31, 0]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"multi_query_attention": False},
        {"multi_query_group_num": 1},
        {"multi_query_group_num": 4},
        {"add_bias_linear": True, "add_qkv_bias": False},
        {"add_qkv_bias": False},
        {"post_layer_norm": False},
        {"apply_residual_connection_post_layernorm": True},
        {"kv_channels": 16},
        {"kv_channels": None},
        {"kv_channels": 12, "num_attention_heads": 2},
        {"rope_ratio": 7.5},
        {"_name_or_path": "THUDM/chatglm2-6b-32k", "rope_ratio": 3},
        {"layernorm_epsilon": 0.1},
        {"num_layers": 1, "ffn_hidden_size": 8},
    ],
    ids=str,
)
def test_logits_equal_the_reference(tmp_path: Path, changes: dict[str, Any]) -> None:
    source = tmp_path / "source"
    write_config(source, **changes)
    config = load_config(source)
    tensors = {name: t / np.float16(2) for name, t in random_tensors(config, seed=5).items()}
    save_file(tensors, source / "model.safetensors")
    convert(source, tmp_path / "converted", weights="fp32")
    network = Network(tmp_path / "converted")
    network.start()
    ids = np.array([IDS])
    logits = network.feed(ids, np.arange(len(IDS))[None]).logits[0]
    expected = reference_logits(config, tensors, IDS)
    assert np.abs(logits - expected).max() < 1e-4 * max(1.0, np.abs(expected).max())


@pytest.mark.parametrize("changes", [{}, {"multi_query_attention": False}], ids=str)
def test_the_runtime_knows_the_rotation(tmp_path: Path, changes: dict[str, Any]) -> None:
    """It runs queries and keys of each layer as one operation each, and none is left in pieces."""
    source = tmp_path / "source"
    config = write_config(source, **changes)
    save_file(random_tensors(config, seed=5), source / "model.safetensors")
    convert(source, tmp_path / "converted", weights="fp32")
    compiled = ov.Core().compile_model(tmp_path / "converted" / GRAPH_FILE, "CPU")
    kinds = Counter(
        node.get_rt_info()["layerType"].astype(str)
        for node in compiled.get_runtime_model().get_ops()
    )
    assert kinds["RoPE"] == 2 * config.num_layers
    assert kinds["Split"] <= config.num_layers  # into queries, keys and values; nothing else


@pytest.mark.parametrize("changes", [{}, {"pre_seq_len": 3}, {"rope_ratio": 7.5}], ids=str)
def test_blocks_by_themselves_are_the_network(tmp_path: Path, changes: dict[str, Any]) -> None:
    source = tmp_path / "source"
    config = write_config(source, **changes)
    tensors = {name: t / np.float16(2) for name, t in random_tensors(config, seed=5).items()}
    save_file(tensors, source / "model.safetensors")
    prefix = load_prefix(config, Checkpoint.open(source))
    convert(source, tmp_path / "converted", weights="fp32")
    network = Network(tmp_path / "converted")
    network.start()
    positions = np.arange(len(IDS))[None]
    hidden = network.feed(np.array([IDS]), positions).hidden
    mask = np.ones((1, len(IDS) + (0 if prefix is None else prefix.shape[2])), np.int64)
    weights = Published(tensors)
    for layer in range(config.num_layers):
        block = build_block(config, weights, layer, prefix)
        request = ov.Core().compile_model(block, "CPU", EXACT).create_infer_request()
        request.infer({"hidden": hidden[layer], "attention_mask": mask, "position_ids": positions})
        made = request.get_output_tensor().data
        assert np.abs(made - hidden[layer + 1]).max() < 1e-4 * np.abs(hidden[layer + 1]).max()


class Published:
    """The weights of a graph, as they are."""

    def __init__(self, tensors: Tensors) -> None:
        self.kept = {name: np.array(tensor, np.float32) for name, tensor in tensors.items()}

    def vector(self, name: str) -> np.ndarray:
        return self.kept[name]

    def matrix(self, name: str) -> DenseMatrix:
        return DenseMatrix(self.kept[name])


def test_the_reference_tells_a_wrong_network(tmp_path: Path) -> None:
    """The comparison above can fail: another rotary rule is seen."""
    one = write_config(tmp_path / "one", rope_ratio=7.5)
    other = write_config(tmp_path / "other")
    tensors = random_tensors(one)
    difference = reference_logits(one, tensors, IDS) - reference_logits(other, tensors, IDS)
    assert np.abs(difference).max() > 1e-2


def test_inverse_frequencies_are_float32_numbers_of_the_formula() -> None:
    theta = inverse_frequencies(64, 10000.0)
    assert theta.dtype == np.float32 and theta.shape == (32,)
    exact = 10000.0 ** (-np.arange(0, 64, 2) / 64)
    assert np.abs(theta / exact - 1).max() < 2e-7
