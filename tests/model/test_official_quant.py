"""The official int8/int4 format, bit for bit."""

from __future__ import annotations

import numpy as np
import pytest

from glmscope.model.checkpoint import Checkpoint
from glmscope.model.official_quant import (
    dequantize,
    dequantize_half,
    pack_nibbles,
    quantize_rows,
    stored_bits,
    unpack_nibbles,
)
from tests.support.paths import GOLDEN, needs_golden


def test_nibbles_even_column_high_in_twos_complement():
    values = np.array([[1, -1, -8, 7]], np.int8)
    packed = pack_nibbles(values)
    assert packed.view(np.uint8).tolist() == [[0x1F, 0x87]]
    assert np.array_equal(unpack_nibbles(packed), values)


def test_every_byte_survives_unpacking_and_packing():
    packed = np.arange(256, dtype=np.uint8).view(np.int8).reshape(16, 16)
    unpacked = unpack_nibbles(packed)
    assert (unpacked.min(), unpacked.max()) == (-8, 7)
    assert np.array_equal(pack_nibbles(unpacked), packed)


@pytest.mark.parametrize(
    ("stored", "bits"), [((6, 8), 8), ((6, 4), 4), ((6, 2), None), ((3, 8), None), ((8,), None)]
)
def test_bits_are_told_by_the_columns(stored, bits):
    assert stored_bits(stored, (6, 8)) == bits


def test_odd_columns_cannot_be_packed():
    assert stored_bits((6, 3), (6, 7)) is None


@pytest.mark.parametrize("bits", [8, 4])
def test_rows_of_zeros_and_of_the_smallest_numbers_stay_in_range(bits):
    tiny = np.float16(2.0**-24)  # the smallest number there is: its scale rounds to 0 or to itself
    weight = np.array([[0, 0], [tiny, -tiny], [10 * tiny, -tiny], [190 * tiny, 0]], np.float16)
    stored, scales = quantize_rows(weight, bits)
    values = unpack_nibbles(stored) if bits == 4 else stored
    assert scales[0] == 0
    assert values[0].tolist() == [0, 0]
    # The scale of this row lost digits: its largest number over its scale is out of range.
    assert values[3 if bits == 8 else 2, 0] == 2 ** (bits - 1) - 1
    assert np.isfinite(dequantize(stored, scales, bits)).all()


def test_rounding_is_half_to_even():
    weight = np.array([[127, 0.5, 1.5, 2.5, -0.5, -1.5]], np.float16)
    stored, scales = quantize_rows(weight, 8)
    assert scales.tolist() == [1.0]
    assert stored.tolist() == [[127, 0, 2, 2, 0, -2]]


@needs_golden
@pytest.mark.parametrize("bits", [8, 4])
def test_quantizing_the_golden_weights_gives_the_golden_files(bits):
    plain = Checkpoint.open(GOLDEN / "models" / "glm3_a")
    official = Checkpoint.open(GOLDEN / "models" / f"glm3_a_int{bits}")
    scale_names = [name for name in official.names if name.endswith("_scale")]
    assert len(scale_names) == 2 * 4
    for scale_name in scale_names:
        name = scale_name.removesuffix("_scale")
        stored, scales = quantize_rows(plain.tensor(name).astype(np.float16), bits)
        assert np.array_equal(stored, official.tensor(name))
        assert np.array_equal(scales.view(np.uint16), official.tensor(scale_name).view(np.uint16))


@needs_golden
@pytest.mark.parametrize("bits", [8, 4])
def test_both_dequantization_rules_equal_the_golden_arrays(bits):
    directory = GOLDEN / "models" / f"glm3_a_int{bits}"
    checkpoint = Checkpoint.open(directory)
    checked = 0
    with np.load(directory / "golden.npz") as golden:
        for key in golden.files:
            rule, _, name = key.partition("::")
            if not name:
                continue
            convert = {"dequant_f32": dequantize, "dequant_f16": dequantize_half}[rule]
            result = convert(checkpoint.tensor(name), checkpoint.tensor(f"{name}_scale"), bits)
            assert result.dtype == golden[key].dtype
            assert result.tobytes() == golden[key].tobytes()
            checked += 1
    assert checked == 8
