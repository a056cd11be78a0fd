"""Write a checkpoint directory in the published layout with random weights.

    python scripts/synthetic_checkpoint.py DEST --variant chatglm3-6b --tokenizer tokenizer.model

The shape, tensor names, number formats and files are those of the published model; the numbers are
random, so a model made from it answers noise. It measures speed and memory, and tests loading.
With --ends the noise stops by itself after some 60 to 100 tokens, as an answer would.
"""

from __future__ import annotations

import argparse
import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

from glmscope.family import Family
from glmscope.model.config import ModelConfig, load_config
from glmscope.model.layout import TensorKind, TensorSpec, expected_tensors
from glmscope.text.tokenizer import Tokenizer
from glmscope.text.vocabulary import builtin_vocabulary

Array = np.ndarray[Any, np.dtype[Any]]

STEADY_INPUT, STEADY_SCORE = np.float16(16), np.float16(1.12)
"""What `ends` puts into feature 0 of every embedding, which no layer then writes, and the only
weight of the end token's output row. That feature reaches the output as 3.0 to 3.1 in networks of
28 layers, so the end token scores 3.4 at every step: about the 25th best of 65,024 scores of
deviation 1, inside what top-k 50 and top-p 0.8 leave, and drawn once in 60 to 100 steps."""

SHARD_BYTES = 2_000_000_000
"""The published models are cut into shards of about this size."""

CHATGLM2 = {"_name_or_path": "THUDM/chatglm2-6b", "seq_length": 32768}
CHATGLM3 = {"_name_or_path": "THUDM/chatglm3-6b", "seq_length": 8192}
TINY = {
    "num_layers": 4,
    "hidden_size": 256,
    "ffn_hidden_size": 640,
    "kv_channels": 64,
    "num_attention_heads": 4,
    "seq_length": 2048,
}
VARIANTS: dict[str, dict[str, object]] = {
    "chatglm2-6b": CHATGLM2,
    "chatglm2-6b-32k": {
        **CHATGLM2,
        "_name_or_path": "THUDM/chatglm2-6b-32k",
        "rope_ratio": 16,
    },
    "chatglm2-6b-int4": {
        **CHATGLM2,
        "_name_or_path": "THUDM/chatglm2-6b-int4",
        "quantization_bit": 4,
    },
    "chatglm3-6b": CHATGLM3,
    "chatglm3-6b-base": {**CHATGLM3, "_name_or_path": "THUDM/chatglm3-6b-base"},
    "chatglm3-6b-32k": {
        "_name_or_path": "THUDM/chatglm3-6b-32k",
        "seq_length": 32768,
        "rope_ratio": 50,
    },
    "chatglm3-6b-128k": {
        "_name_or_path": "THUDM/chatglm3-6b-128k",
        "seq_length": 131072,
        "rope_ratio": 500,
    },
    "tiny": {**CHATGLM3, **TINY},
    "tiny-chatglm2": {**CHATGLM2, **TINY},
}

COMMON: dict[str, object] = {
    "model_type": "chatglm",
    "architectures": ["ChatGLMModel"],
    "num_layers": 28,
    "hidden_size": 4096,
    "ffn_hidden_size": 13696,
    "kv_channels": 128,
    "num_attention_heads": 32,
    "multi_query_attention": True,
    "multi_query_group_num": 2,
    "padded_vocab_size": 65024,
    "layernorm_epsilon": 1e-05,
    "add_bias_linear": False,
    "add_qkv_bias": True,
    "rmsnorm": True,
    "post_layer_norm": True,
    "apply_residual_connection_post_layernorm": False,
    "original_rope": True,
    "torch_dtype": "float16",
    "tie_word_embeddings": False,
    "eos_token_id": 2,
    "pad_token_id": 0,
}


def write_checkpoint(
    destination: Path,
    variant: str,
    tokenizer: bytes | None = None,
    seed: int = 0,
    ends: bool = False,
    layers: int | None = None,
) -> None:
    """Write `config.json`, `tokenizer.model` and the weights of `variant` into `destination`.

    Without a `tokenizer` the small built-in vocabulary is written. A "tiny" variant takes as many
    vocabulary rows as its tokenizer needs. `ends` makes replies end by themselves (STEADY_INPUT).
    `layers` in place of the variant's own number.
    """
    destination.mkdir(parents=True, exist_ok=True)
    vocabulary = builtin_vocabulary() if tokenizer is None else tokenizer
    (destination / "tokenizer.model").write_bytes(vocabulary)
    fields = {**COMMON, **VARIANTS[variant]}
    if layers is not None:
        fields["num_layers"] = layers
    if variant.startswith("tiny"):
        ids = Tokenizer(vocabulary, Family.CHATGLM3).vocab_size
        fields["padded_vocab_size"] = -(-ids // 64) * 64
    text = json.dumps(fields, indent=2) + "\n"
    (destination / "config.json").write_text(text, encoding="utf-8")
    config = load_config(destination)
    specs = expected_tensors(config)
    _write_shards(destination, config, specs, np.random.default_rng(seed), ends)


def _write_shards(
    destination: Path,
    config: ModelConfig,
    specs: dict[str, TensorSpec],
    rng: np.random.Generator,
    ends: bool,
) -> None:
    shards = list(_shards(specs))
    weight_map: dict[str, str] = {}
    total = 0
    for number, names in enumerate(shards, 1):
        single = len(shards) == 1
        file = (
            "model.safetensors" if single else f"model-{number:05}-of-{len(shards):05}.safetensors"
        )
        tensors = {name: _random_tensor(name, specs[name], config, rng) for name in names}
        if ends:
            _let_replies_end(tensors, config)
        save_file(tensors, destination / file, {"format": "pt"})
        total += sum(tensor.nbytes for tensor in tensors.values())
        weight_map.update(dict.fromkeys(names, file))
    if len(shards) > 1:
        index = {"metadata": {"total_size": total}, "weight_map": weight_map}
        path = destination / "model.safetensors.index.json"
        path.write_text(json.dumps(index, indent=2) + "\n", encoding="utf-8")


def _shards(specs: dict[str, TensorSpec]) -> Iterator[list[str]]:
    names: list[str] = []
    size = 0
    for name, spec in specs.items():
        nbytes = int(np.prod(spec.stored_shape)) * (1 if spec.bits else 2)
        if names and size + nbytes > SHARD_BYTES:
            yield names
            names, size = [], 0
        names.append(name)
        size += nbytes
    yield names


def _random_tensor(
    name: str, spec: TensorSpec, config: ModelConfig, rng: np.random.Generator
) -> Array:
    """Numbers of a size that keeps activations finite through any number of layers."""
    if spec.bits:
        return rng.integers(-128, 128, spec.stored_shape, dtype=np.int8)
    if spec.kind is TensorKind.SCALE:
        return np.full(spec.shape, 0.3 / np.sqrt(config.hidden_size), np.float16)
    if name.endswith("norm.weight"):
        return np.ones(spec.shape, np.float16)
    deviation = np.float32(1.0 if "word_embeddings" in name else spec.shape[-1] ** -0.5)
    tensor = np.empty(spec.shape, np.float16)
    rows = tensor.reshape(-1, spec.shape[-1])
    for start in range(0, len(rows), 4096):
        block = rows[start : start + 4096]
        block[:] = rng.standard_normal(block.shape, dtype=np.float32) * deviation
    return tensor


def _let_replies_end(tensors: dict[str, Array], config: ModelConfig) -> None:
    """Carry one steady feature from the embedding to the end token's score."""
    for name, tensor in tensors.items():
        if name.endswith("word_embeddings.weight"):
            tensor[:, 0] = STEADY_INPUT
        elif name.endswith(("attention.dense.weight", "dense_4h_to_h.weight")):
            tensor[0] = 0
        elif name.endswith("output_layer.weight"):
            tensor[config.eos_token_id] = 0
            tensor[config.eos_token_id, 0] = STEADY_SCORE


def main() -> None:
    """Read the command line and write the directory."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("destination", type=Path, metavar="DEST")
    parser.add_argument("--variant", choices=VARIANTS, default="tiny")
    parser.add_argument("--tokenizer", type=Path, help="a tokenizer.model to copy")
    parser.add_argument("--layers", type=int, help="so many in place of the variant's own")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--ends", action="store_true", help="replies end after some 60 to 100 tokens"
    )
    options = parser.parse_args()
    destination: Path = options.destination
    if destination.exists() and any(destination.iterdir()):
        parser.error(f"{destination} is not empty")
    started = time.monotonic()
    tokenizer = options.tokenizer.read_bytes() if options.tokenizer else None
    try:
        write_checkpoint(
            destination, options.variant, tokenizer, options.seed, options.ends, options.layers
        )
    except BaseException:
        shutil.rmtree(destination, ignore_errors=True)
        raise
    size = sum(file.stat().st_size for file in destination.iterdir())
    seconds = time.monotonic() - started
    print(f"{destination}: {options.variant}, random weights, {size / 1e9:.2f} GB, {seconds:.0f} s")


if __name__ == "__main__":
    main()
