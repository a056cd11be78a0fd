"""The tensors that a checkpoint must hold: names, shapes and storage, from its configuration.

Source: model specification, sections 4 (names and shapes), 5 (quantized matrices) and 6 (prefix).
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass

from glmscope.model.config import ModelConfig

WORD_EMBEDDINGS = "transformer.embedding.word_embeddings.weight"
FINAL_NORM = "transformer.encoder.final_layernorm.weight"
OUTPUT_LAYER = "transformer.output_layer.weight"
INVERSE_FREQUENCIES = "transformer.rotary_pos_emb.inv_freq"  # never read (section 2.3)
PREFIX_ENCODER = "transformer.prefix_encoder."

QKV = "self_attention.query_key_value"
ATTENTION_DENSE = "self_attention.dense"
MLP_UP = "mlp.dense_h_to_4h"
MLP_DOWN = "mlp.dense_4h_to_h"


class TensorKind(enum.Enum):
    """How a tensor may be stored."""

    PLAIN = "plain"  # norms, biases and the prefix encoder: floating point only
    MATRIX = "matrix"  # floating point, or int8 rows with a scale each
    SCALE = "scale"  # one floating-point number for each row of a quantized matrix


@dataclass(frozen=True)
class TensorSpec:
    """One tensor of section 4.

    `shape` is the logical one, [out, in] for a matrix; `bits` is 8 or 4 for a matrix that the
    configuration says is quantized, else 0.
    """

    shape: tuple[int, ...]
    kind: TensorKind
    bits: int = 0

    @property
    def stored_shape(self) -> tuple[int, ...]:
        """The shape in the file: two 4-bit numbers share a byte."""
        if self.bits == 4:
            return (*self.shape[:-1], self.shape[-1] // 2)
        return self.shape


def layer_name(layer: int, part: str) -> str:
    """The full name of `part` (such as "mlp.dense_h_to_4h.weight") of block `layer`, from 0."""
    return f"transformer.encoder.layers.{layer}.{part}"


def scale_name(weight_name: str) -> str:
    """The name under which the row scales of the quantized matrix `weight_name` are stored."""
    return f"{weight_name}_scale"


def expected_tensors(config: ModelConfig) -> dict[str, TensorSpec]:
    """Every tensor that a checkpoint of `config` must hold, in the order of the network.

    With `pre_seq_len` set, the prefix encoder is among them.
    """
    width, vocabulary = config.hidden_size, config.padded_vocab_size
    tensors = {WORD_EMBEDDINGS: TensorSpec((vocabulary, width), TensorKind.MATRIX)}
    for layer in range(config.num_layers):
        tensors.update({layer_name(layer, part): spec for part, spec in _layer_parts(config)})
    if config.post_layer_norm:
        tensors[FINAL_NORM] = TensorSpec((width,), TensorKind.PLAIN)
    tensors[OUTPUT_LAYER] = TensorSpec((vocabulary, width), TensorKind.MATRIX)
    tensors.update(prefix_tensors(config))
    return tensors


def prefix_tensors(config: ModelConfig) -> dict[str, TensorSpec]:
    """The tensors of the P-Tuning v2 prefix encoder; none without `pre_seq_len` (section 6)."""
    if config.pre_seq_len is None:
        return {}
    width, inner = config.prefix_width, config.hidden_size
    shapes: dict[str, tuple[int, ...]] = {"embedding.weight": (config.pre_seq_len, width)}
    if config.prefix_projection:
        shapes.update(
            {
                "trans.0.weight": (inner, width),
                "trans.0.bias": (inner,),
                "trans.2.weight": (width, inner),
                "trans.2.bias": (width,),
            }
        )
    return {
        PREFIX_ENCODER + part: TensorSpec(shape, TensorKind.PLAIN) for part, shape in shapes.items()
    }


def _layer_parts(config: ModelConfig) -> Iterator[tuple[str, TensorSpec]]:
    width, inner = config.hidden_size, config.ffn_hidden_size
    norm = TensorSpec((width,), TensorKind.PLAIN)
    yield "input_layernorm.weight", norm
    yield from _linear(config, QKV, config.qkv_rows, width, bias=config.has_qkv_bias)
    yield from _linear(config, ATTENTION_DENSE, width, config.attention_width)
    yield "post_attention_layernorm.weight", norm
    yield from _linear(config, MLP_UP, 2 * inner, width)
    yield from _linear(config, MLP_DOWN, width, inner)


def _linear(
    config: ModelConfig, name: str, rows: int, columns: int, bias: bool | None = None
) -> Iterator[tuple[str, TensorSpec]]:
    weight = f"{name}.weight"
    yield weight, TensorSpec((rows, columns), TensorKind.MATRIX, config.quantization_bit)
    if config.is_quantized:
        yield scale_name(weight), TensorSpec((rows,), TensorKind.SCALE)
    if config.add_bias_linear if bias is None else bias:
        yield f"{name}.bias", TensorSpec((rows,), TensorKind.PLAIN)
