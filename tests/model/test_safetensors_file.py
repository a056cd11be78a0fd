"""Safetensors headers: what is read, and what is refused with which sentence."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.numpy import save_file

from glmscope.errors import ModelFilesError
from glmscope.model.safetensors_file import read_safetensors
from glmscope.model.stored_tensor import DType, to_float32
from tests.support.paths import GOLDEN, needs_golden


def write(path, header, data=b"", length=None):
    text = json.dumps(header).encode() if not isinstance(header, bytes) else header
    size = len(text) if length is None else length
    path.write_bytes(size.to_bytes(8, "little") + text + data)
    return path


def entry(dtype="F32", shape=(2,), offsets=(0, 8)):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}


def test_reads_what_the_library_writes(tmp_path):
    arrays = {
        "a": np.arange(6, dtype=np.float32).reshape(2, 3),
        "b": np.arange(4, dtype=np.float16),
        "c": np.array([[-128, 127]], np.int8),
        "scalar": np.array(3.5, np.float32),
        "none": np.zeros((0, 4), np.float32),
    }
    path = tmp_path / "model.safetensors"
    save_file(arrays, path, metadata={"format": "pt"})
    tensors = read_safetensors(path)
    assert tensors.keys() == arrays.keys()
    for name, array in arrays.items():
        read = tensors[name].map()
        assert read.dtype == array.dtype
        assert np.array_equal(read, array)
        assert not read.flags.writeable or not read.size
        assert tensors[name].nbytes == array.nbytes


def test_bf16_comes_as_bits_and_converts_exactly(tmp_path):
    bits = np.array([0x3F80, 0xC049, 0x7F80, 0x0001], "<u2")
    path = write(tmp_path / "a", {"x": entry("BF16", (4,))}, bits.tobytes())
    stored = read_safetensors(path)["x"]
    assert stored.dtype is DType.BF16
    assert np.array_equal(stored.map(), bits)
    expected = [1.0, -3.140625, np.inf, np.float32(2.0**-133)]
    assert np.array_equal(to_float32(stored.map(), stored.dtype), np.array(expected, np.float32))


@needs_golden
def test_agrees_with_the_library_on_the_golden_files():
    for path in sorted((GOLDEN / "models").glob("*/*.safetensors")):
        tensors = read_safetensors(path)
        with safe_open(path, "np") as library:
            assert set(library.keys()) == tensors.keys()
            for name, stored in tensors.items():
                assert np.array_equal(stored.map(), library.get_tensor(name))


def test_a_tensor_larger_than_memory_is_only_looked_at(tmp_path):
    octets = 2**40
    path = write(tmp_path / "a", {"x": entry("F16", (2**20, 2**19), (0, octets))})
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size + octets)  # a hole in the file: takes no disk
    stored = read_safetensors(path)["x"]
    assert stored.nbytes == octets
    assert float(stored.map()[-1, -1]) == 0.0


@pytest.mark.parametrize(
    ("header", "data", "message"),
    [
        ({"x": entry()}, b"1234567", "cut short: x would end"),
        ({"x": entry()}, b"123456789", "1 bytes after its last tensor"),
        ({"x": entry(shape=(3,))}, b"12345678", r"x has 8 bytes of data, and its shape \[3\]"),
        ({"x": entry(), "y": entry()}, b"1" * 16, "starts at byte"),
        ({"x": entry(offsets=(8, 16))}, b"1" * 16, "starts at byte"),
        ({"x": entry(offsets=(8, 0))}, b"12345678", "x has -8 bytes"),
        ({"x": entry(offsets=(0, 10**30))}, b"12345678", "bytes of data"),
        ({"x": entry(offsets=(-8, 0))}, b"12345678", "x has no valid data offsets"),
        ({"x": entry(offsets=(0,))}, b"12345678", "x has no valid data offsets"),
        ({"x": entry(shape=(-2,))}, b"12345678", "x has no valid shape"),
        ({"x": entry(shape=(True,))}, b"12345678", "x has no valid shape"),
        ({"x": entry(shape=(1,) * 9)}, b"12345678", "x has no valid shape"),
        ({"x": {**entry(), "shape": 2}}, b"12345678", "x has no valid shape"),
        ({"x": entry(dtype="F4")}, b"12345678", "x is stored as 'F4'"),
        ({"x": entry(dtype=["F32"])}, b"12345678", "x is stored as"),
        ({"": entry()}, b"12345678", "impossible name ''"),
        ({"a\x1b[2J": entry()}, b"12345678", r"impossible name 'a\\x1b"),
        ({"\ud800": entry()}, b"12345678", "impossible name"),
        ({"x": 5}, b"", "entry of x is no JSON object"),
        ([], b"", "no JSON object"),
        (b"{", b"", "not JSON"),
        (b"[" * 100_000, b"", "not JSON"),
        (b"\xff", b"", "not JSON"),
    ],
)
def test_malformed_files_are_refused_with_file_and_tensor(tmp_path, header, data, message):
    path = write(tmp_path / "model.safetensors", header, data)
    with pytest.raises(ModelFilesError, match=message) as caught:
        read_safetensors(path)
    assert str(path) in caught.value.message


@pytest.mark.parametrize("length", [0, 1000, 2**63, 2**64 - 1])
def test_header_length_that_cannot_be(tmp_path, length):
    path = write(tmp_path / "a", {"x": entry()}, b"12345678", length)
    with pytest.raises(ModelFilesError, match="cut short or no safetensors file"):
        read_safetensors(path)


@pytest.mark.parametrize("content", [b"", b"1234"])
def test_empty_file(tmp_path, content):
    path = tmp_path / "a"
    path.write_bytes(content)
    with pytest.raises(ModelFilesError, match="cut short"):
        read_safetensors(path)


def test_git_lfs_pointer_is_called_by_its_name(tmp_path):
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n")
    with pytest.raises(ModelFilesError, match="git lfs pull"):
        read_safetensors(path)


def test_file_that_shrank_after_opening(tmp_path):
    path = tmp_path / "model.safetensors"
    save_file({"x": np.ones(4096, np.float32)}, path)
    stored = read_safetensors(path)["x"]
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(ModelFilesError, match="can no longer be read where x was"):
        stored.map()


@settings(
    deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200
)
@given(cut=st.integers(0, 400), flips=st.lists(st.tuples(st.integers(0, 200), st.integers(0, 255))))
def test_damage_is_an_error_of_ours_or_none(tmp_path, cut, flips):
    path = tmp_path / "model.safetensors"
    save_file({"x": np.ones((8, 8), np.float32), "y": np.ones(3, np.float16)}, path)
    octets = bytearray(path.read_bytes())
    for position, value in flips:
        octets[position] = value
    path.write_bytes(octets[: len(octets) - cut])
    try:
        for stored in read_safetensors(path).values():
            assert stored.map().sum() is not None
    except ModelFilesError as error:
        assert str(path) in error.message
