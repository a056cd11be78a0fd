"""Weight matrices as the graph takes them: dense, or quantized with scales.

A quantized matrix keeps its integers and scales as they are; the graph holds the product
`scale * q` symbolically and the runtime multiplies compressed weights directly.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import openvino as ov
from openvino import opset15 as ops

Array = npt.NDArray[Any]
Node = Any  # openvino.Node; the wheel ships no usable type for it


@dataclass(frozen=True, slots=True)
class DenseMatrix:
    """A matrix [out, in] in float32 or float16."""

    values: Array

    @property
    def shape(self) -> tuple[int, int]:
        """Output and input width."""
        return self.values.shape[0], self.values.shape[1]

    def rows(self, start: int, stop: int) -> DenseMatrix:
        """Rows `start` to `stop`; shares the memory of this matrix."""
        return DenseMatrix(self.values[start:stop])


@dataclass(frozen=True, slots=True)
class QuantizedMatrix:
    """A matrix [out, in] as symmetric integers and one scale a group of `in / groups` columns.

    `packed` is int8 [out, in] for 8 bits; for 4 bits it is uint8 [out, in / 2], two's complement,
    the even column in the *low* nibble (OpenVINO's order). `scales` is float16 or float32
    [out, groups].
    """

    packed: Array
    scales: Array
    bits: Literal[4, 8]

    @property
    def shape(self) -> tuple[int, int]:
        """Output and input width."""
        rows, columns = self.packed.shape
        return rows, columns * (2 if self.bits == 4 else 1)

    @property
    def group_size(self) -> int:
        """Columns that share a scale."""
        return self.shape[1] // int(self.scales.shape[1])

    def rows(self, start: int, stop: int) -> QuantizedMatrix:
        """Rows `start` to `stop`; shares the memory of this matrix."""
        return QuantizedMatrix(self.packed[start:stop], self.scales[start:stop], self.bits)


Matrix = DenseMatrix | QuantizedMatrix


def constant(values: Array) -> Node:
    """A constant that owns a copy of `values`: for vectors and small tables."""
    return ops.constant(values)


def matrix_node(matrix: Matrix) -> Node:
    """The float32 value [out, in] of `matrix` as a graph node, integers kept compressed.

    The node shares the memory of the matrix, which has to outlive the graph.
    """
    if isinstance(matrix, DenseMatrix):
        rows, columns = matrix.shape
        dense = _shared(matrix.values, [rows, columns], _FLOATS[matrix.values.dtype])
        return _as_float32(dense, matrix.values)
    rows, columns = matrix.shape
    groups = columns // matrix.group_size
    grouped = [rows, columns] if groups == 1 else [rows, groups, matrix.group_size]
    element = ov.Type.i4 if matrix.bits == 4 else ov.Type.i8
    integers = ops.convert(_shared(matrix.packed, grouped, element), "f32")
    scale_shape = [rows, 1] if groups == 1 else [rows, groups, 1]
    scales = _shared(matrix.scales, scale_shape, _FLOATS[matrix.scales.dtype])
    product = ops.multiply(integers, _as_float32(scales, matrix.scales))
    if groups == 1:
        return product
    return ops.reshape(product, np.array([rows, columns], np.int64), special_zero=False)


_FLOATS = {np.dtype(np.float32): ov.Type.f32, np.dtype(np.float16): ov.Type.f16}


def _shared(values: Array, shape: list[int], element: ov.Type) -> Node:
    if not values.flags.c_contiguous:
        raise ValueError("only contiguous arrays can be shared with the graph")
    return ops.constant(ov.Tensor(values, ov.Shape(shape), element), shared_memory=True)


def _as_float32(node: Node, values: Array) -> Node:
    return node if values.dtype == np.float32 else ops.convert(node, "f32")


def linear(x: Node, matrix: Matrix, bias: Array | None = None, name: str | None = None) -> Node:
    """`x @ matrix.T + bias`: [..., in] → [..., out], float32; the product is called `name`."""
    y = ops.matmul(x, matrix_node(matrix), transpose_a=False, transpose_b=True)
    if name is not None:
        y.set_friendly_name(name)
    return y if bias is None else ops.add(y, constant(bias.astype(np.float32)))
