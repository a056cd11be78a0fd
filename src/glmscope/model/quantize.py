"""Our own quantization: symmetric integers with one scale a group of columns, or a row.

The official int8/int4 files have their own rule (`official_quant`); they are carried over as they
are and never pass through here.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from glmscope.model.weights import Array

# Where the number of largest magnitude in a group may come to lie, as a negative integer: beyond -8
# it is clipped, and all other numbers of its group get a finer step (docs/quantization.md).
_NARROW = np.arange(8.5, 10.25, 0.5, np.float32)
_WIDE = np.arange(8.5, 13.25, 0.5, np.float32)
_WIDE_FROM = 512
"""Groups of so many numbers have extremes so far out that clipping deeper pays."""
# Numbers that are looked at together: what the search goes over again and again stays in the cache.
_CACHED_ELEMENTS = 2**16


def extreme_scales(weight: Array, bits: Literal[4, 8], group_size: int) -> Array:
    """The float16 scales [rows, columns / group_size] of a float32 matrix that clip nothing.

    The number of largest magnitude in a group maps to the most negative integer, so that all
    2^bits levels are in use; its scale may therefore be negative. A group of zeros has scale 0.
    """
    rows, columns = weight.shape
    extreme = _extremes(weight.reshape(rows, columns // group_size, group_size))
    return _half(extreme / np.float32(-(2 ** (bits - 1))))


def searched_scales(weight: Array, group_size: int) -> Array:
    """The float16 scales [rows, columns / group_size] of int4 with a small error.

    Each group tries several scales, lets least squares correct them for the integers that they
    give, and keeps the best; what `extreme_scales` gives is among them, so no group is worse off.
    The squared error of a number counts by its `importance`.
    """
    rows, columns = weight.shape
    groups = weight.reshape(-1, group_size)
    scales = np.empty(len(groups), np.float16)
    step = max(1, _CACHED_ELEMENTS // group_size)
    # Overflow ends as a scale that is not finite, which the caller looks for.
    with np.errstate(over="ignore", invalid="ignore"):
        for start in range(0, len(groups), step):
            scales[start : start + step] = _search(groups[start : start + step])
    return scales.reshape(rows, columns // group_size)


def importance(groups: Array) -> Array:
    """How much the error of each number w of `groups` [n, group_size] counts: sqrt(w² + mean w²).

    Without it, a group gives up precision of its largest numbers, and where these meet the large
    activations of the network it loses much more than it gains (docs/quantization.md).
    """
    squares = np.square(groups)
    squares += squares.mean(axis=1, keepdims=True)
    weights: Array = np.sqrt(squares, out=squares)
    return weights


def _search(groups: Array) -> Array:
    """`searched_scales` of groups [n, group_size] that fit the cache: float16 [n]."""
    weights = importance(groups)
    weighted = weights * groups
    integers, scratch = np.empty_like(groups), np.empty_like(groups)
    extremes = _extremes(groups)
    best = _half(extremes / np.float32(-8))
    towards = np.divide(-1.0, extremes, out=np.zeros_like(extremes), where=best != 0)

    def products(inverse: Array) -> tuple[Array, Array]:
        """Of each group, the weighted sums of w q and q q for the integers q."""
        _round(groups, inverse[:, None], 4, integers)
        np.multiply(weights, integers, out=scratch)
        along = np.einsum("ij,ij->i", weighted, integers)
        return along, np.einsum("ij,ij->i", scratch, integers)

    gain = _gain(best, *products(_inverse(best)))

    def offer(inverse: Array) -> None:
        along, square = products(inverse)
        fitted = _half(np.divide(along, square, out=np.zeros_like(along), where=square != 0))
        brought = _gain(fitted, along, square)
        better = brought > gain
        np.copyto(best, fitted, where=better)
        np.copyto(gain, brought, where=better)

    for landing in _NARROW if groups.shape[1] < _WIDE_FROM else _WIDE:
        offer(towards * landing)
    offer(_inverse(best))  # the corrected scale may round some numbers differently
    return best


def _gain(scales: Array, along: Array, square: Array) -> Array:
    """By how much `scales` times q lowers the weighted error of a group from that of all zeros."""
    wide = scales.astype(np.float32)
    gain: Array = wide * (2 * along - wide * square)
    return gain


def quantize(weight: Array, bits: Literal[4, 8], group_size: int) -> tuple[Array, Array]:
    """Round a float32 matrix [rows, columns] to integers; returns (packed, scales).

    `packed` is int8 [rows, columns], or uint8 [rows, columns / 2] with the even column in the low
    nibble; `scales` is float16 [rows, columns / group_size]: searched for int4; int8 has steps
    enough to clip nothing. Works on any block of rows, so a matrix can be streamed through it.
    """
    scales = (
        searched_scales(weight, group_size) if bits == 4 else extreme_scales(weight, 8, group_size)
    )
    integers = nearest_integers(weight, scales, bits)
    return (pack_low_first(integers) if bits == 4 else integers), scales


def nearest_integers(weight: Array, scales: Array, bits: Literal[4, 8]) -> Array:
    """The int8 numbers [rows, columns], within `bits`, that times their scale come closest.

    `scales` is [rows, columns / group_size]. Where a scale is 0 they are 0: its group is 0, or too
    small for float16.
    """
    rows, columns = weight.shape
    groups = weight.reshape(rows, scales.shape[1], -1)
    nearest = np.empty_like(groups)
    _round(groups, _inverse(scales)[:, :, None], bits, nearest)
    return nearest.astype(np.int8).reshape(rows, columns)


def _extremes(groups: Array) -> Array:
    """The number of largest magnitude along the last axis, with its sign."""
    # max and min need no copy of the matrix, unlike argmax over the magnitudes
    high, low = groups.max(axis=-1), groups.min(axis=-1)
    extremes: Array = np.where(high > -low, high, low)
    return extremes


def _half(scales: Array) -> Array:
    with np.errstate(over="ignore"):  # the caller looks for scales that are not finite
        return scales.astype(np.float16)


def _inverse(scales: Array) -> Array:
    wide = scales.astype(np.float32)
    return np.divide(1.0, wide, out=np.zeros_like(wide), where=wide != 0)


def _round(weight: Array, inverse: Array, bits: int, out: Array) -> None:
    np.multiply(weight, inverse, out=out)
    np.rint(out, out=out)
    np.clip(out, -(2 ** (bits - 1)), 2 ** (bits - 1) - 1, out=out)


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
