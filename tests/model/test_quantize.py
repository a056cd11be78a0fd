"""Our own int8 and int4: layouts, extremes and the size of the error."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmscope.model.official_quant import pack_nibbles, unpack_nibbles
from glmscope.model.quantize import (
    extreme_scales,
    importance,
    nearest_integers,
    pack_low_first,
    quantize,
    searched_scales,
    swap_nibbles,
)


def _dequantized(packed: np.ndarray, scales: np.ndarray, bits: int, group_size: int) -> np.ndarray:
    integers = unpack_nibbles(swap_nibbles(packed).view(np.int8)) if bits == 4 else packed
    return integers.astype(np.float32) * np.repeat(scales.astype(np.float32), group_size, axis=1)


def _rounded(weight: np.ndarray, scales: np.ndarray, bits: Literal[4, 8]) -> np.ndarray:
    group_size = weight.shape[1] // scales.shape[1]
    wide = np.repeat(scales.astype(np.float32), group_size, axis=1)
    return nearest_integers(weight, scales, bits) * wide


def _group_errors(weight: np.ndarray, values: np.ndarray, group_size: int) -> np.ndarray:
    squares = (weight.astype(np.float64) - values).reshape(-1, group_size) ** 2
    return (importance(weight.reshape(-1, group_size)) * squares).sum(axis=1)


def _matrix(kind: str, rows: int = 64, columns: int = 512) -> np.ndarray:
    random = np.random.default_rng(5)
    weight = random.standard_normal((rows, columns))
    if kind == "heavy tails":
        weight = random.standard_t(3, (rows, columns))
    if kind == "outlier columns":
        weight[:, ::37] *= 20
    if kind == "one sign":
        weight = np.abs(weight)
    return (0.02 * weight).astype(np.float32)


@pytest.mark.parametrize("bits", [4, 8])
@pytest.mark.parametrize("group_size", [32, 128, 256])
def test_without_clipping_the_error_is_within_one_step(
    bits: Literal[4, 8], group_size: int
) -> None:
    weight = np.random.default_rng(1).standard_normal((64, 256)).astype(np.float32)
    scales = extreme_scales(weight, bits, group_size)
    assert scales.shape == (64, 256 // group_size) and scales.dtype == np.float16
    step = np.repeat(np.abs(scales.astype(np.float32)), group_size, axis=1)
    error = np.abs(_rounded(weight, scales, bits) - weight)
    # Half a step by rounding; a whole one where the far end of the range has no integer; a little
    # more where rounding the scale itself to float16 moves the largest integer.
    assert (error <= step * (1 + 2.0 ** -(11 - bits))).all()
    assert np.sqrt((error**2).mean()) < 0.3 * step.mean()


@pytest.mark.parametrize("kind", ["normal", "heavy tails", "outlier columns", "one sign"])
@pytest.mark.parametrize("group_size", [32, 128, 512])
def test_no_group_is_worse_off_for_the_search(kind: str, group_size: int) -> None:
    weight = _matrix(kind)
    unclipped = _rounded(weight, extreme_scales(weight, 4, group_size), 4)
    searched = _rounded(weight, searched_scales(weight, group_size), 4)
    before = _group_errors(weight, unclipped, group_size)
    after = _group_errors(weight, searched, group_size)
    assert (after <= before * (1 + 1e-4)).all()  # the search adds up in float32
    assert after.sum() < 0.998 * before.sum()


def test_large_numbers_keep_their_precision() -> None:
    """Where they meet large activations, clipping them would cost more than all else gains."""
    weight = _matrix("outlier columns", columns=1024)
    rounded = _rounded(weight, searched_scales(weight, 128), 4)
    large = slice(None, None, 37)
    error = np.linalg.norm((rounded - weight)[:, large]) / np.linalg.norm(weight[:, large])
    assert error < 0.1


def test_int4_is_searched_for_and_int8_is_not() -> None:
    weight = _matrix("normal")
    packed, scales = quantize(weight, 4, 128)
    assert packed.shape == (64, 256) and scales.shape == (64, 4) and scales.dtype == np.float16
    assert np.array_equal(scales, searched_scales(weight, 128))
    expected = _rounded(weight, scales, 4)
    assert np.array_equal(_dequantized(packed, scales, 4, 128), expected)
    integers, scales = quantize(weight, 8, 512)
    assert np.array_equal(scales, extreme_scales(weight, 8, 512))
    assert np.array_equal(_dequantized(integers, scales, 8, 512), _rounded(weight, scales, 8))


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("group_size", [32, 128])
def test_what_int4_can_hold_comes_back_exactly(sign: int, group_size: int) -> None:
    random = np.random.default_rng(3)
    integers = random.integers(-8, 8, (16, 256)).astype(np.float32)
    integers[:, ::group_size] = -8
    scales = random.uniform(0.001, 0.1, (16, 256 // group_size)).astype(np.float16)
    weight = sign * integers * np.repeat(scales.astype(np.float32), group_size, axis=1)
    packed, found = quantize(weight, 4, group_size)
    assert np.array_equal(found, sign * scales)
    assert np.array_equal(_dequantized(packed, found, 4, group_size), weight)


def test_zeros_tiny_and_extreme_groups() -> None:
    weight = np.zeros((4, 64), np.float32)
    weight[1, 5] = 1e-30  # too small for a float16 scale
    weight[2, 7] = -60000.0
    weight[3, 9] = np.float32(1e-45)  # its inverse is no float32
    packed, scales = quantize(weight, 4, 32)
    values = _dequantized(packed, scales, 4, 32)
    assert np.isfinite(values).all()
    assert (values[[0, 1, 3]] == 0).all()
    assert abs(values[2, 7] + 60000.0) < 60.0


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("number", [1e30, -1e7, np.inf, np.nan])
@pytest.mark.parametrize("bits", [4, 8])
def test_what_no_scale_can_hold_gives_a_scale_that_is_not_finite(
    bits: Literal[4, 8], number: float
) -> None:
    """The store tells it from that, and names the tensor."""
    weight = _matrix("normal", 2, 64)
    weight[1, 40] = number
    scales = searched_scales(weight, 32) if bits == 4 else extreme_scales(weight, 8, 32)
    assert np.isfinite(scales).tolist() == [[True, True], [True, False]]


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
