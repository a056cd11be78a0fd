"""Our own quantization: symmetric integers with one scale a group of columns, or a row.

The official int8/int4 files have their own rule (`official_quant`); they are carried over as they
are and never pass through here.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from glmscope.model.weights import Array


def group_scales(weight: Array, bits: Literal[4, 8], group_size: int) -> Array:
    """The float16 scales [rows, columns / group_size] of a float32 matrix.

    The number of largest magnitude in a group maps to the most negative integer, so that all
    2^bits levels are in use; its scale may therefore be negative. A group of zeros has scale 0.
    """
    rows, columns = weight.shape
    grouped = weight.reshape(rows, columns // group_size, group_size)
    # max and min need no copy of the matrix, unlike argmax over the magnitudes
    high, low = grouped.max(axis=2), grouped.min(axis=2)
    extreme = np.where(high > -low, high, low)
    with np.errstate(over="ignore"):  # the caller looks for scales that are not finite
        scales: Array = (extreme / np.float32(-(2 ** (bits - 1)))).astype(np.float16)
    return scales


def quantize(weight: Array, bits: Literal[4, 8], group_size: int) -> tuple[Array, Array]:
    """Round a float32 matrix [rows, columns] to integers; returns (packed, scales).

    `packed` is int8 [rows, columns], or uint8 [rows, columns / 2] with the even column in the low
    nibble; `scales` is float16 [rows, columns / group_size]. Works on any block of rows, so a
    matrix can be streamed through it.
    """
    rows, columns = weight.shape
    scales = group_scales(weight, bits, group_size)
    wide = scales.astype(np.float32)
    # A scale of 0 belongs to a group that is 0, or too small for float16: all its integers are 0.
    inverse = np.divide(1.0, wide, out=np.zeros_like(wide), where=wide != 0)
    scaled = weight.reshape(rows, columns // group_size, group_size) * inverse[:, :, None]
    np.rint(scaled, out=scaled)
    np.clip(scaled, -(2 ** (bits - 1)), 2 ** (bits - 1) - 1, out=scaled)
    integers = scaled.astype(np.int8).reshape(rows, columns)
    return (pack_low_first(integers) if bits == 4 else integers), scales


def pack_low_first(integers: Array) -> Array:
    """Pack int4 numbers [rows, columns] two to a byte, the even column in the low nibble."""
    nibbles = integers.view(np.uint8)
    packed: Array = (nibbles[:, 0::2] & np.uint8(0x0F)) | (nibbles[:, 1::2] << np.uint8(4))
    return packed


def swap_nibbles(packed: Array) -> Array:
    """Turn the official order (even column high) into OpenVINO's (even column low)."""
    octets = packed.view(np.uint8)
    swapped: Array = (octets << np.uint8(4)) | (octets >> np.uint8(4))
    return swapped
