"""A scratch file that converted matrices are streamed into, mapped rather than held in memory."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from glmscope.errors import ModelFilesError
from glmscope.model.official_quant import stored_bits
from glmscope.model.quantize import quantize, swap_nibbles
from glmscope.model.stored_tensor import DType, StoredTensor, to_float32
from glmscope.model.weights import Array, DenseMatrix, Matrix, QuantizedMatrix

# Rows of a block are chosen so that its float32 form has about this many elements: small enough
# for bounded memory, large enough that numpy's per-call cost does not matter.
_BLOCK_ELEMENTS = 2**21
_ALIGNMENT = 64


class MatrixStore:
    """Appends matrices to `path` and gives them back as arrays over the mapped file.

    The arrays stay valid as long as the store. Blocks of rows are converted on `threads` threads.
    """

    def __init__(self, path: Path, threads: int) -> None:
        self._path = path
        self._file = path.open("w+b")
        self._pool = ThreadPoolExecutor(threads, "convert")
        self._mapped: list[Array] = []  # the graph shares their memory without keeping them alive

    def close(self) -> None:
        """Stop the threads and close the file; mapped arrays stay valid."""
        self._pool.shutdown(cancel_futures=True)
        self._file.close()

    def dense(self, source: StoredTensor, dtype: npt.DTypeLike) -> DenseMatrix:
        """Store `source` [rows, columns] as float32 or float16.

        Raises ModelFilesError when a number is not finite, or does not fit float16.
        """
        rows, columns = source.shape
        target = self._allocate((rows, columns), np.dtype(dtype))
        stored = source.map()

        def fill(block: slice) -> None:
            values = finite(source, to_float32(stored[block], source.dtype))
            with np.errstate(over="ignore"):
                target[block] = values
            if target.dtype == np.float16 and not np.isfinite(target[block]).all():
                raise ModelFilesError(
                    f"{source.file}: {source.name} holds numbers that float16 cannot; "
                    "use --weights fp32."
                )

        self._each_block(rows, columns, fill)
        return DenseMatrix(target)

    def quantized(
        self, source: StoredTensor, bits: Literal[4, 8], group_size: int
    ) -> QuantizedMatrix:
        """Quantize `source` [rows, columns] by groups of `group_size` columns."""
        rows, columns = source.shape
        packed_type = np.dtype(np.uint8 if bits == 4 else np.int8)
        packed = self._allocate((rows, columns // 2 if bits == 4 else columns), packed_type)
        scales = self._allocate((rows, columns // group_size), np.dtype(np.float16))
        stored = source.map()

        def fill(block: slice) -> None:
            values = finite(source, to_float32(stored[block], source.dtype))
            packed[block], scales[block] = quantize(values, bits, group_size)
            _refuse_large(source, scales[block])

        self._each_block(rows, columns, fill)
        return QuantizedMatrix(packed, scales, bits)

    def keep(self, source: StoredTensor, matrix: QuantizedMatrix) -> QuantizedMatrix:
        """Store what something else has made of `source`."""
        _refuse_large(source, matrix.scales)
        packed = self._allocate(matrix.packed.shape, matrix.packed.dtype)
        scales = self._allocate(matrix.scales.shape, matrix.scales.dtype)
        packed[:], scales[:] = matrix.packed, matrix.scales
        return QuantizedMatrix(packed, scales, matrix.bits)

    def official(
        self, source: StoredTensor, scales: StoredTensor, shape: tuple[int, int]
    ) -> Matrix:
        """Carry an official int8/int4 matrix of `shape` [rows, columns] over, number for number."""
        bits = stored_bits(source.shape, shape)
        rows, stored_columns = source.shape
        packed_type = np.dtype(np.uint8 if bits == 4 else np.int8)
        packed = self._allocate((rows, stored_columns), packed_type)
        stored = source.map()

        def fill(block: slice) -> None:
            packed[block] = swap_nibbles(stored[block]) if bits == 4 else stored[block]

        self._each_block(rows, stored_columns, fill)
        # float32 holds every scale exactly, whichever format it was stored in
        row_scales = self._allocate((rows, 1), np.dtype(np.float32))
        row_scales[:, 0] = finite(scales, to_float32(scales.map(), scales.dtype))
        return QuantizedMatrix(packed, row_scales, 4 if bits == 4 else 8)

    def _allocate(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
        offset = -(-self._file.seek(0, 2) // _ALIGNMENT) * _ALIGNMENT
        size = int(np.prod(shape)) * dtype.itemsize
        self._reserve(offset, size)
        mapped = np.memmap(self._path, dtype, mode="r+", offset=offset, shape=shape)
        self._mapped.append(mapped)
        return mapped

    def _reserve(self, offset: int, size: int) -> None:
        """Grow the file on disk: a full disk is an error here, but a crash in mapped memory."""
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(self._file.fileno(), offset, size)
        else:  # macOS
            self._file.truncate(offset + size)

    def _each_block(self, rows: int, columns: int, fill: Callable[[slice], None]) -> None:
        step = max(1, _BLOCK_ELEMENTS // columns)
        blocks = (slice(start, min(start + step, rows)) for start in range(0, rows, step))
        for _ in self._pool.map(fill, blocks):
            pass


def _refuse_large(source: StoredTensor, scales: Array) -> None:
    if not np.isfinite(scales).all():
        raise ModelFilesError(
            f"{source.file}: {source.name} holds numbers too large for a float16 scale; "
            "use --weights fp32."
        )


def finite(source: StoredTensor, values: Array) -> Array:
    """`values` of `source`; raises ModelFilesError when one of them is NaN or infinite."""
    if not np.isfinite(values).all():
        raise ModelFilesError(
            f"{source.file}: {source.name} holds a number that is not finite; every reply would "
            "be noise."
        )
    return values


def holds_official_integers(source: StoredTensor) -> bool:
    """Whether a matrix is stored in the official int8 or int4 format."""
    return source.dtype is DType.I8
