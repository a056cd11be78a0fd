"""The tensors of a checkpoint in the formats that are served, as the graph takes them."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from glmscope.errors import UsageError
from glmscope.model.checkpoint import Checkpoint
from glmscope.model.config import ModelConfig
from glmscope.model.layout import TensorKind, expected_tensors, scale_name
from glmscope.model.matrix_store import MatrixStore, finite, holds_official_integers
from glmscope.model.stored_tensor import DType, to_float32
from glmscope.model.weights import Array, Matrix, QuantizedMatrix


@dataclass(frozen=True)
class WeightFormat:
    """How the layer matrices, and the embedding and output, are written.

    `bits` 32 and 16 are floating point; below, integers with a scale per `group_size` columns
    (None: per row). Embedding and output take `vocabulary_bits`.
    """

    bits: Literal[4, 8, 16, 32]
    vocabulary_bits: Literal[4, 8, 16, 32]
    group_size: int | None = None


# docs/performance.md says what was measured before these were chosen.
WEIGHT_FORMATS = {
    "fp32": WeightFormat(32, 32),
    "fp16": WeightFormat(16, 16),
    "int8": WeightFormat(8, 8),
    "int4": WeightFormat(4, 8, 128),
}


class Calibrator(Protocol):
    """What makes the int4 matrices of the layers where calibration texts were given."""

    def matrix(self, name: str) -> QuantizedMatrix:
        """The matrix `name` [out, in]; each is asked for once, in the order of the network."""
        ...


class ConvertedWeights:
    """The `Weights` of a graph: each matrix is converted into the file `scratch` when asked for.

    `weights` is a key of WEIGHT_FORMATS. Where the checkpoint has official integers, these are
    carried over, and what the official format leaves in floating point stays so. `progress` is
    told the source bytes of each tensor. Raises UsageError for such a checkpoint and a
    `calibrator`, which would have nothing to round.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        config: ModelConfig,
        weights: str,
        scratch: Path,
        progress: Callable[[int], None],
        calibrator: Callable[[], Calibrator] | None = None,
    ) -> None:
        self._checkpoint = checkpoint
        self._specs = expected_tensors(config)
        self._format = WEIGHT_FORMATS[weights]
        self._progress = progress
        matrices = [name for name, spec in self._specs.items() if spec.kind is TensorKind.MATRIX]
        official = max(checkpoint.bits(name, self._specs[name]) for name in matrices)
        self._is_official = official > 0
        if official and calibrator:
            raise UsageError(
                f"The checkpoint holds official INT{official} integers, which are carried over as "
                "they are: --calibrate has nothing to round."
            )
        self._calibrator = calibrator and calibrator()
        self.weights = f"official-int{official}" if official else weights
        self.group_size = None if official else self._format.group_size
        self._store = MatrixStore(scratch, os.cpu_count() or 1)

    def close(self) -> None:
        """Stop converting; what the graph was given stays valid as long as this object."""
        self._store.close()

    def vector(self, name: str) -> Array:
        """A norm weight or bias, float32."""
        info = self._checkpoint.info(name)
        self._progress(info.nbytes)
        return finite(info, to_float32(info.map(), info.dtype))

    def matrix(self, name: str) -> Matrix:
        """A matrix [out, in] in its new format."""
        matrix = self._convert(name)
        self._progress(self._checkpoint.info(name).nbytes)
        return matrix

    def _convert(self, name: str) -> Matrix:
        info = self._checkpoint.info(name)
        rows, columns = self._specs[name].shape
        if holds_official_integers(info):
            scales = self._checkpoint.info(scale_name(name))
            return self._store.official(info, scales, (rows, columns))
        if self._is_official:  # what the official format leaves in floating point stays so
            return self._store.dense(info, "float16" if info.dtype is DType.F16 else "float32")
        is_layer = ".layers." in name
        if is_layer and self._calibrator is not None:
            return self._store.keep(info, self._calibrator.matrix(name))
        bits = self._format.bits if is_layer else self._format.vocabulary_bits
        if bits in (16, 32):
            return self._store.dense(info, f"float{bits}")
        if bits == 4 and columns % 2 == 0:
            return self._store.quantized(info, 4, _group_size(columns, self._format.group_size))
        return self._store.quantized(info, 8, columns)


def _group_size(columns: int, wanted: int | None) -> int:
    """The largest halving of `wanted` that divides `columns`, at least 32; else the whole row."""
    size = wanted or columns
    while size >= 32:
        if columns % size == 0:
            return size
        size //= 2
    return columns
