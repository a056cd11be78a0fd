"""Our own int8 and int4: layouts, extremes and the size of the error."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmscope.model.official_quant import pack_nibbles, unpack_nibbles
from glmscope.model.quantize import pack_low_first, quantize, swap_nibbles


def _dequantized(packed: np.ndarray, scales: np.ndarray, bits: int, group_size: int) -> np.ndarray:
    integers = unpack_nibbles(swap_nibbles(packed).view(np.int8)) if bits == 4 else packed
    return integers.astype(np.float32) * np.repeat(scales.astype(np.float32), group_size, axis=1)


@pytest.mark.parametrize("bits", [4, 8])
@pytest.mark.parametrize("group_size", [32, 128, 256])
def test_error_is_within_one_step(bits: Literal[4, 8], group_size: int) -> None:
    weight = np.random.default_rng(1).standard_normal((64, 256)).astype(np.float32)
    packed, scales = quantize(weight, bits, group_size)
    assert packed.shape == (64, 128 if bits == 4 else 256)
    assert scales.shape == (64, 256 // group_size) and scales.dtype == np.float16
    step = np.repeat(np.abs(scales.astype(np.float32)), group_size, axis=1)
    error = np.abs(_dequantized(packed, scales, bits, group_size) - weight)
    # Half a step by rounding; a whole one where the far end of the range has no integer; a little
    # more where rounding the scale itself to float16 moves the largest integer.
    assert (error <= step * (1 + 2.0 ** -(11 - bits))).all()
    assert np.sqrt((error**2).mean()) < 0.3 * step.mean()


def test_zeros_tiny_and_extreme_groups() -> None:
    weight = np.zeros((3, 64), np.float32)
    weight[1, 5] = 1e-30  # too small for a float16 scale
    weight[2, 7] = -60000.0
    packed, scales = quantize(weight, 4, 32)
    values = _dequantized(packed, scales, 4, 32)
    assert np.isfinite(values).all()
    assert (values[:2] == 0).all()
    assert abs(values[2, 7] + 60000.0) < 60.0


def test_rows_are_independent() -> None:
    """A matrix may be streamed through in blocks of rows."""
    weight = np.random.default_rng(2).standard_normal((10, 64)).astype(np.float32)
    whole = quantize(weight, 4, 32)
    parts = [quantize(weight[part], 4, 32) for part in (slice(0, 3), slice(3, 10))]
    for index in range(2):
        assert np.array_equal(whole[index], np.concatenate([part[index] for part in parts]))


@given(st.binary(min_size=1, max_size=64))
def test_swapping_nibbles_turns_one_order_into_the_other(data: bytes) -> None:
    official = np.frombuffer(data, np.int8).reshape(1, -1)
    integers = unpack_nibbles(official)
    assert np.array_equal(swap_nibbles(official), pack_low_first(integers))
    assert np.array_equal(swap_nibbles(swap_nibbles(official)), official.view(np.uint8))
    assert np.array_equal(pack_nibbles(integers), official)
