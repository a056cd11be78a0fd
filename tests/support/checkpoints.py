"""Small checkpoints in the published layout, with random weights, for tests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

from glmscope.family import Family
from glmscope.model.config import ModelConfig, load_config
from glmscope.model.layout import expected_tensors

Tensors = dict[str, np.ndarray[Any, Any]]

TINY: dict[str, Any] = {
    "_name_or_path": "THUDM/chatglm3-6b",
    "model_type": "chatglm",
    "num_layers": 2,
    "hidden_size": 16,
    "ffn_hidden_size": 24,
    "kv_channels": 8,
    "num_attention_heads": 4,
    "multi_query_attention": True,
    "multi_query_group_num": 2,
    "padded_vocab_size": 32,
    "seq_length": 64,
    "add_qkv_bias": True,
}


def write_config(directory: Path, **changes: Any) -> ModelConfig:
    """Write `config.json` of a tiny ChatGLM3; a change to `...` leaves the field out."""
    fields = {key: value for key, value in {**TINY, **changes}.items() if value is not ...}
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "config.json").write_text(json.dumps(fields), encoding="utf-8")
    return load_config(directory, Family.CHATGLM3)


def random_tensors(config: ModelConfig, seed: int = 0) -> Tensors:
    """Random fp16 weights for every tensor of an unquantized `config`."""
    random = np.random.default_rng(seed)
    return {
        name: random.standard_normal(spec.shape).astype(np.float16)
        for name, spec in expected_tensors(config).items()
    }


def write_checkpoint(directory: Path, **changes: Any) -> tuple[ModelConfig, Tensors]:
    """Write a tiny checkpoint in one safetensors file."""
    config = write_config(directory, **changes)
    tensors = random_tensors(config)
    save_file(tensors, directory / "model.safetensors")
    return config, tensors


def write_safetensors(path: Path, tensors: dict[str, tuple[str, np.ndarray[Any, Any]]]) -> None:
    """Write arrays under given format names: numpy, and the library with it, knows no bf16."""
    header: dict[str, Any] = {}
    data = b""
    for name, (dtype, array) in tensors.items():
        offsets = [len(data), len(data) + array.nbytes]
        header[name] = {"dtype": dtype, "shape": array.shape, "data_offsets": offsets}
        data += array.tobytes()
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)


def write_index(directory: Path, index: str, weight_map: dict[str, str]) -> None:
    """Write an index file of shards."""
    (directory / index).write_text(json.dumps({"weight_map": weight_map}), encoding="utf-8")
