"""The configuration of a checkpoint: `config.json`, checked, with the specification's defaults.

Source: model specification, sections 1 and 2.3.
"""

from __future__ import annotations

import dataclasses
import math
import reprlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from glmscope.errors import ModelFilesError, UnsupportedModel
from glmscope.family import Family
from glmscope.model.family_detection import detect_family
from glmscope.model.json_file import read_json_object

CONFIG_FILE = "config.json"
ROTARY_BASE = 10000.0

_GLM4_VOCABULARY = 151552
_FIRST_GENERATION_FIELDS = ("position_encoding_2d", "inner_hidden_size", "gmask_token_id")
_FIRST_GENERATION_VOCABULARIES = (130528, 150528)
# Far above every published model, low enough that no number here can exhaust the memory.
_LARGEST_SIZE = 2**24
_MOST_LAYERS = 4096


@dataclass(frozen=True)
class ModelConfig:
    """What decides the mathematics of a checkpoint.

    Field names are those of `config.json`; defaults hold where the file leaves a field out.
    Raises ModelFilesError for values out of range or at odds with each other, UnsupportedModel for
    settings of a network that is not built.
    """

    family: Family
    name: str = ""  # `_name_or_path`: what the file calls itself

    num_layers: int = 28
    hidden_size: int = 4096  # residual width H
    ffn_hidden_size: int = 13696  # inner MLP width F
    kv_channels: int | None = 128  # head dimension d; null means hidden_size / heads
    num_attention_heads: int = 32  # query heads A
    multi_query_attention: bool = False
    multi_query_group_num: int = 1
    padded_vocab_size: int = 65024  # rows of embedding and output, V
    seq_length: int = 2048  # positions 0 … seq_length-1 exist
    layernorm_epsilon: float = 1e-5
    rmsnorm: bool = True
    post_layer_norm: bool = True  # whether there is a final norm
    apply_residual_connection_post_layernorm: bool = False
    add_bias_linear: bool = False
    add_qkv_bias: bool = False
    apply_query_key_layer_scaling: bool = True  # cancels out (section 2.4)
    attention_softmax_in_fp32: bool = True
    fp32_residual_connection: bool = False
    quantization_bit: int = 0  # 0, 4 or 8: how the layer matrices are stored
    pre_seq_len: int | None = None  # virtual tokens of a P-Tuning v2 prefix
    prefix_projection: bool = False
    rope_ratio: float = 1.0
    eos_token_id: int = 2
    pad_token_id: int = 0

    def __post_init__(self) -> None:
        self._check_ranges()
        self._check_heads()
        if not self.rmsnorm:
            raise UnsupportedModel(
                'The checkpoint has "rmsnorm": false (LayerNorm); only RMSNorm is built.'
            )

    def _check_ranges(self) -> None:
        sizes = {
            name: getattr(self, name)
            for name in (
                "num_layers",
                "hidden_size",
                "ffn_hidden_size",
                "num_attention_heads",
                "padded_vocab_size",
                "seq_length",
            )
        }
        if self.multi_query_attention:
            sizes["multi_query_group_num"] = self.multi_query_group_num
        if self.kv_channels is not None:
            sizes["kv_channels"] = self.kv_channels
        if self.pre_seq_len is not None:
            sizes["pre_seq_len"] = self.pre_seq_len
        for name, size in sizes.items():
            largest = _MOST_LAYERS if name == "num_layers" else _LARGEST_SIZE
            if not 1 <= size <= largest:
                raise ModelFilesError(f'"{name}" must be from 1 to {largest}, and it is {size}.')
        for name in ("layernorm_epsilon", "rope_ratio"):
            number = getattr(self, name)
            if not (math.isfinite(number) and number > 0):
                raise ModelFilesError(f'"{name}" must be a positive number, and it is {number}.')
        for name in ("eos_token_id", "pad_token_id"):
            token = getattr(self, name)
            if not 0 <= token < self.padded_vocab_size:
                raise ModelFilesError(
                    f'"{name}" must be below "padded_vocab_size" ({self.padded_vocab_size}), '
                    f"and it is {token}."
                )
        if self.quantization_bit not in (0, 4, 8):
            raise UnsupportedModel(
                f'The checkpoint has "quantization_bit": {self.quantization_bit}; only 4 and 8 '
                "are built."
            )
        if self.quantization_bit == 4 and (self.hidden_size % 2 or self.ffn_hidden_size % 2):
            raise ModelFilesError(
                '"quantization_bit" 4 needs an even "hidden_size" and "ffn_hidden_size".'
            )

    def _check_heads(self) -> None:
        if self.kv_channels is None and self.hidden_size % self.num_attention_heads:
            raise ModelFilesError(
                f'"hidden_size" ({self.hidden_size}) is not a multiple of "num_attention_heads" '
                f'({self.num_attention_heads}), and "kv_channels" gives no head dimension.'
            )
        if self.head_dim % 4:
            raise ModelFilesError(
                f"The head dimension must be a multiple of 4, because half of it is rotated in "
                f"pairs, and it is {self.head_dim}."
            )
        if self.num_attention_heads % self.groups:
            raise ModelFilesError(
                f'"num_attention_heads" ({self.num_attention_heads}) is not a multiple of '
                f'"multi_query_group_num" ({self.groups}).'
            )

    @property
    def head_dim(self) -> int:
        """Head dimension d."""
        if self.kv_channels is None:
            return self.hidden_size // self.num_attention_heads
        return self.kv_channels

    @property
    def attention_width(self) -> int:
        """Heads times d: columns of the attention's output matrix; need not equal H."""
        return self.num_attention_heads * self.head_dim

    @property
    def groups(self) -> int:
        """KV groups G; as many as heads without grouped attention."""
        if not self.multi_query_attention:
            return self.num_attention_heads
        return self.multi_query_group_num

    @property
    def kv_width(self) -> int:
        """G times d: numbers in the keys (or the values) of one token and layer."""
        return self.groups * self.head_dim

    @property
    def qkv_rows(self) -> int:
        """Rows of the fused QKV matrix."""
        return self.attention_width + 2 * self.kv_width

    @property
    def has_qkv_bias(self) -> bool:
        """Whether the fused QKV matrix has a bias."""
        return self.add_qkv_bias or self.add_bias_linear

    @property
    def rotary_dim(self) -> int:
        """How many leading elements of a head are rotated, r = d/2."""
        return self.head_dim // 2

    @property
    def rotary_base(self) -> float:
        """Base of the rotary frequencies: ChatGLM3 multiplies it by `rope_ratio` (section 2.3)."""
        return ROTARY_BASE * self.rope_ratio if self.family is Family.CHATGLM3 else ROTARY_BASE

    @property
    def rotary_position_divisor(self) -> float:
        """What positions are divided by: `rope_ratio` in ChatGLM2, 1 in ChatGLM3 (section 2.3)."""
        return self.rope_ratio if self.family is Family.CHATGLM2 else 1.0

    @property
    def is_quantized(self) -> bool:
        """Whether the layer matrices are stored in the official int8 or int4 format."""
        return self.quantization_bit > 0

    @property
    def prefix_width(self) -> int:
        """Numbers in one virtual token of a P-Tuning prefix: keys and values of every layer."""
        return 2 * self.num_layers * self.kv_width

    def kv_bytes_per_token(self, element_bytes: int = 2) -> int:
        """Bytes of KV cache that one token takes, by default in 16-bit numbers (section 3)."""
        return 2 * self.num_layers * self.kv_width * element_bytes


def load_config(directory: Path, family: Family | None = None) -> ModelConfig:
    """Read and check `directory/config.json`.

    `family` overrides what the files say. Raises ModelFilesError for a file that is missing,
    malformed or inconsistent, UnsupportedModel for a network that is not ChatGLM2 or ChatGLM3 and
    for a family that cannot be told.
    """
    path = directory / CONFIG_FILE
    fields = read_json_object(path)
    _refuse_other_models(path, fields)
    name = fields.get("_name_or_path")
    name = name if isinstance(name, str) else ""
    try:
        return ModelConfig(
            family=family or detect_family(directory, name), name=name, **_settings(fields)
        )
    except UnsupportedModel as error:
        raise UnsupportedModel(f"{path}: {error.message}") from None
    except ModelFilesError as error:
        raise ModelFilesError(f"{path}: {error.message}") from None


def _refuse_other_models(path: Path, fields: Mapping[str, object]) -> None:
    supported = "only ChatGLM2-6B and ChatGLM3-6B networks are supported"
    model_type = fields.get("model_type")
    if model_type != "chatglm":
        found = "no model type" if model_type is None else f"model type {reprlib.repr(model_type)}"
        raise UnsupportedModel(f"{path} names {found}; {supported}.")
    if fields.get("padded_vocab_size") == _GLM4_VOCABULARY:
        raise UnsupportedModel(
            f"{path} describes GLM-4 (a vocabulary of {_GLM4_VOCABULARY}); {supported}."
        )
    if "multi_query_attention" not in fields:
        first = fields.get("vocab_size") in _FIRST_GENERATION_VOCABULARIES or any(
            name in fields for name in _FIRST_GENERATION_FIELDS
        )
        found = "the first-generation ChatGLM-6B" if first else "a network of another generation"
        raise UnsupportedModel(
            f'{path} describes {found} (it has no "multi_query_attention"); {supported}.'
        )


def _settings(fields: Mapping[str, object]) -> dict[str, Any]:
    """The fields of ModelConfig that the file gives, with checked types."""
    settings: dict[str, Any] = {}
    for field in dataclasses.fields(ModelConfig):
        if field.name in ("family", "name") or field.name not in fields:
            continue
        value = fields[field.name]
        if value is None:
            # Null stands for "not set": the field's own None where it has one, else the default.
            if "None" in str(field.type):
                settings[field.name] = None
            continue
        settings[field.name] = _CONVERTERS[str(field.type)](field.name, value)
    return settings


def _integer(name: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ModelFilesError(f'"{name}" must be a whole number, and it is {reprlib.repr(value)}.')
    return value


def _flag(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise ModelFilesError(f'"{name}" must be true or false, and it is {reprlib.repr(value)}.')
    return value


def _number(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ModelFilesError(f'"{name}" must be a number, and it is {reprlib.repr(value)}.')
    try:
        return float(value)
    except OverflowError:
        raise ModelFilesError(f'"{name}" is too large a number.') from None


# Keyed by the annotations of ModelConfig, so that a new field needs no line here.
_CONVERTERS: dict[str, Callable[[str, object], object]] = {
    "int": _integer,
    "int | None": _integer,
    "bool": _flag,
    "float": _number,
}
