"""Write a GGUF of random weights in the shape of a converted model.

For bench/compare_llama_cpp.py:

    pip install gguf
    python bench/make_gguf.py chatglm3-6b-int4 chatglm3-6b-q4_0.gguf

Formats are those that llama.cpp's own `llama-quantize … Q4_0` picks: Q4_0 for every matrix of a
layer and the embedding, Q6_K for the output matrix (Q4_0 where its width is no multiple of 256).
Blocks are filled with random integers, a tensor at a time, so that neither the published weights
nor room for them are needed. It has no vocabulary: llama.cpp can time it, not talk.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from glmscope.errors import GLMScopeError
from glmscope.model.config import ModelConfig
from glmscope.model.manifest import read_manifest

try:
    import gguf
except ModuleNotFoundError:
    sys.exit("bench/make_gguf.py needs the package gguf: pip install gguf")

Array = np.ndarray[Any, np.dtype[Any]]
Q4_0, Q6_K, F32 = (
    gguf.GGMLQuantizationType.Q4_0,
    gguf.GGMLQuantizationType.Q6_K,
    gguf.GGMLQuantizationType.F32,
)

_SCALE_OFFSET = {Q4_0: 0, Q6_K: 208}
"""Where a block holds its float16 scale."""
_Q6_K_SCALES = slice(192, 208)
_DEVIATION = {Q4_0: 4.6, Q6_K: 18.5}
"""Of random integers of this many bits."""

Tensor = tuple[str, tuple[int, ...], Any]
"""Name, shape [out, in] or [width], format."""


def tensors(config: ModelConfig) -> Iterator[Tensor]:
    """What llama.cpp's architecture "chatglm" expects, in its names."""
    hidden, inner, vocabulary = (
        config.hidden_size,
        config.ffn_hidden_size,
        config.padded_vocab_size,
    )
    rows = config.attention_width + 2 * config.groups * config.head_dim
    yield "token_embd.weight", (vocabulary, hidden), Q4_0
    for layer in range(config.num_layers):
        name = f"blk.{layer}"
        yield f"{name}.attn_norm.weight", (hidden,), F32
        yield f"{name}.attn_qkv.weight", (rows, hidden), Q4_0
        yield f"{name}.attn_qkv.bias", (rows,), F32
        yield f"{name}.attn_output.weight", (hidden, config.attention_width), Q4_0
        yield f"{name}.ffn_norm.weight", (hidden,), F32
        yield f"{name}.ffn_up.weight", (2 * inner, hidden), Q4_0
        yield f"{name}.ffn_down.weight", (hidden, inner), Q4_0
    yield "output_norm.weight", (hidden,), F32
    yield "output.weight", (vocabulary, hidden), Q4_0 if hidden % 256 else Q6_K


def random_tensor(name: str, shape: tuple[int, ...], kind: Any, seed: int) -> Array:  # noqa: ANN401
    """Norms of one, biases of zero; matrices as bytes [rows, bytes a row] of blocks."""
    if kind is F32:
        return np.full(shape, "norm" in name, np.float32)
    rows, columns = shape
    width, nbytes = gguf.GGML_QUANT_SIZES[kind]
    rng = np.random.default_rng(seed)
    blocks = rng.integers(0, 256, (rows, columns // width, nbytes), np.uint8)
    scale = 1 / (_DEVIATION[kind] * np.sqrt(columns))
    if kind is Q6_K:
        blocks[..., _Q6_K_SCALES] = 1
    at = _SCALE_OFFSET[kind]
    blocks[..., at : at + 2] = np.array([scale], np.float16).view(np.uint8)
    return blocks.reshape(rows, -1)


def write(config: ModelConfig, path: Path) -> None:
    """Write the file; raises OSError as the disk does."""
    writer = gguf.GGUFWriter(path, "chatglm")
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q4_0)
    writer.add_context_length(config.seq_length)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.ffn_hidden_size)
    writer.add_block_count(config.num_layers)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.groups)
    writer.add_layer_norm_rms_eps(config.layernorm_epsilon)
    writer.add_rope_dimension_count(config.rotary_dim)
    writer.add_rope_freq_base(config.rotary_base)
    writer.add_vocab_size(config.padded_vocab_size)
    writer.add_tokenizer_model("no_vocab")
    wanted = list(tensors(config))
    for name, shape, kind in wanted:
        stored = shape if kind is F32 else gguf.quant_shape_to_byte_shape(shape, kind)
        dtype = np.dtype(np.float32 if kind is F32 else np.uint8)
        nbytes = int(np.prod(stored)) * dtype.itemsize
        writer.add_tensor_info(name, stored, dtype, nbytes, None if kind is F32 else kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    for seed, (name, shape, kind) in enumerate(wanted):
        writer.write_tensor_data(random_tensor(name, shape, kind, seed))
    writer.close()


def main() -> int:
    """Read the command line and write the file; returns the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("converted", type=Path, help="directory whose shape is to be had")
    parser.add_argument("gguf", type=Path, help="file to write")
    options = parser.parse_args()
    try:
        config = read_manifest(options.converted).config
    except GLMScopeError as error:
        print(error.message, file=sys.stderr)
        return 1
    if not config.multi_query_attention or config.add_bias_linear:
        print("llama.cpp's chatglm has grouped heads and no bias in its layers.", file=sys.stderr)
        return 1
    write(config, options.gguf)
    print(f"{options.gguf}: {options.gguf.stat().st_size / 1e9:.2f} GB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
