"""The official int8 and int4 format of ChatGLM2 and ChatGLM3: one scale a row, no zero point.

Source: model specification, section 5.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from glmscope.model.stored_tensor import Array


def stored_bits(stored_shape: tuple[int, ...], shape: tuple[int, ...]) -> int | None:
    """How an int8 tensor of `stored_shape` holds a matrix of `shape` [out, in].

    8 when the shapes are equal, 4 when two columns share a byte, None when it cannot.
    """
    if stored_shape == shape:
        return 8
    if shape[-1] % 2 == 0 and stored_shape == (*shape[:-1], shape[-1] // 2):
        return 4
    return None


def pack_nibbles(values: NDArray[np.int8]) -> NDArray[np.int8]:
    """Pack int4 numbers [out, in], `in` even, two to a byte: [out, in/2].

    Element 2k goes to the high nibble, 2k+1 to the low one, in two's complement.
    """
    high = values[:, 0::2].astype(np.uint8) << np.uint8(4)
    low = values[:, 1::2].astype(np.uint8) & np.uint8(0x0F)
    packed: NDArray[np.uint8] = high | low
    return packed.view(np.int8)


def unpack_nibbles(packed: NDArray[np.int8]) -> NDArray[np.int8]:
    """Undo `pack_nibbles`: [out, in/2] to [out, in], numbers from -8 to 7."""
    rows, columns = packed.shape
    values = np.empty((rows, 2 * columns), np.int8)
    values[:, 0::2] = packed >> np.int8(4)  # arithmetic: the sign is kept
    values[:, 1::2] = (packed.view(np.uint8) << np.uint8(4)).view(np.int8) >> np.int8(4)
    return values


def quantize_rows(
    weight: NDArray[np.float16], bits: int
) -> tuple[NDArray[np.int8], NDArray[np.float16]]:
    """Quantize [out, in] as the original does, in fp16 throughout, the division included.

    `bits` is 8 or 4. Returns the stored matrix, int8 [out, in] or packed [out, in/2], and the
    scales, fp16 [out]. A row of zeros gets scale 0 and zeros.
    """
    largest = np.float16(2 ** (bits - 1) - 1)
    scales = (np.abs(weight).max(axis=1) / largest).astype(np.float16)
    # Where a scale is 0 the row is 0 (or underflowed to it), and so is what it divides to.
    divisors = np.where(scales == 0, np.float16(np.inf), scales)
    # A scale so small that it lost digits could carry a quotient out of the range.
    values = np.clip(np.rint(weight / divisors[:, None]), -largest, largest).astype(np.int8)
    return (pack_nibbles(values) if bits == 4 else values), scales


def dequantize(stored: NDArray[np.int8], scales: Array, bits: int) -> NDArray[np.float32]:
    """scale times q as fp32 [out, in], the rule of the original's CPU path.

    `stored` is int8 [out, in] for 8 bits, packed [out, in/2] for 4; `scales` [out] is fp16 or fp32.
    """
    values = unpack_nibbles(stored) if bits == 4 else stored
    return values.astype(np.float32) * scales.astype(np.float32)[:, None]


def dequantize_half(stored: NDArray[np.int8], scales: Array, bits: int) -> NDArray[np.float16]:
    """scale times q rounded to fp16 once, [out, in]: the rule of the original's GPU path."""
    return dequantize(stored, scales, bits).astype(np.float16)
