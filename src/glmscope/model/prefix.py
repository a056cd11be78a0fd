"""P-Tuning v2: the trained prefix of a checkpoint, as keys and values of every layer.

Source: model specification, section 6.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from glmscope.errors import ModelFilesError
from glmscope.model.checkpoint import Checkpoint
from glmscope.model.config import ModelConfig, load_config
from glmscope.model.layout import PREFIX_ENCODER, prefix_tensors
from glmscope.model.stored_tensor import to_float32

_SHAPE_FIELDS = ("num_layers", "hidden_size", "groups", "head_dim")


def load_prefix(
    config: ModelConfig, checkpoint: Checkpoint, directory: Path | None = None
) -> NDArray[np.float32] | None:
    """The prefix to serve with the model of `config`: [layers, 2 (keys, values), P, G, d] in fp32.

    It is read from `directory`, which holds the trained part alone with its own `config.json`, or
    without one from `checkpoint` itself if `config` has `pre_seq_len`; None when there is neither.
    Keys are not to be rotated, and real tokens still start at position 0.

    Raises ModelFilesError naming file and tensor when the prefix is incomplete, or was trained for
    a network of another shape.
    """
    if directory is not None:
        trained = load_config(directory, config.family)
        if trained.pre_seq_len is None:
            raise ModelFilesError(f'{directory} holds no prefix: no "pre_seq_len" in its config.')
        _check_same_shape(directory, trained, config)
        return _prefix_kv(trained, Checkpoint.open(directory))
    return None if config.pre_seq_len is None else _prefix_kv(config, checkpoint)


def _check_same_shape(directory: Path, trained: ModelConfig, base: ModelConfig) -> None:
    for field in _SHAPE_FIELDS:
        theirs, ours = getattr(trained, field), getattr(base, field)
        if theirs != ours:
            raise ModelFilesError(
                f"{directory} was trained for another network: {field} {theirs}, and the model's "
                f"is {ours}."
            )


def _prefix_kv(config: ModelConfig, checkpoint: Checkpoint) -> NDArray[np.float32]:
    checkpoint.require(prefix_tensors(config))
    rows = _read(checkpoint, "embedding.weight")  # [P, K], K = 2·layers·G·d
    if config.prefix_projection:
        inner = np.tanh(_linear(checkpoint, "trans.0", rows))
        rows = _linear(checkpoint, "trans.2", inner)
    # A row holds, layer after layer, the layer's key and then its value.
    blocks = rows.reshape(-1, config.num_layers, 2, config.groups, config.head_dim)
    return np.ascontiguousarray(blocks.transpose(1, 2, 0, 3, 4))


def _linear(checkpoint: Checkpoint, name: str, x: NDArray[np.float32]) -> NDArray[np.float32]:
    weight, bias = _read(checkpoint, f"{name}.weight"), _read(checkpoint, f"{name}.bias")
    result: NDArray[np.float32] = x @ weight.T + bias
    return result


def _read(checkpoint: Checkpoint, part: str) -> NDArray[np.float32]:
    name = PREFIX_ENCODER + part
    return to_float32(checkpoint.tensor(name), checkpoint.info(name).dtype)
