"""`.bin` archives: tensors come out, wherever they lie; damage and bombs do not get far."""

from __future__ import annotations

import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from glmscope.errors import ModelFilesError, UnsafePickle
from glmscope.model.stored_tensor import DType, to_float32
from glmscope.model.torch_file import read_torch
from tests.support.torch_archive import (
    dictionary,
    pickled,
    storage,
    tensor,
    write_archive,
    write_torch,
)

NUMBERS = np.arange(24, dtype=np.float32)


def write_one(path, value, storages=None, **options):
    """An archive of one tensor "x" over a storage "0" of 24 fp32 numbers."""
    storages = {"0": NUMBERS.tobytes()} if storages is None else storages
    return write_archive(path, pickled(dictionary({"x": value})), storages, **options)


def over_numbers(shape, strides=None, offset=0):
    return tensor(storage("FloatStorage", "0", 24), shape, strides, offset)


@pytest.mark.parametrize(
    "dtype", ["float64", "float32", "float16", "int64", "int32", "int8", "uint8", "bool"]
)
def test_number_formats(tmp_path, dtype):
    array = np.arange(6).reshape(2, 3).astype(dtype)
    path = write_torch(tmp_path / "a.bin", {"x": array})
    read = read_torch(path)["x"].map()
    assert read.dtype == array.dtype
    assert np.array_equal(read, array)


def test_bf16(tmp_path):
    bits = np.array([0x3F80, 0xC049], "<u2")
    value = tensor(storage("BFloat16Storage", "0", 2), (2,))
    stored = read_torch(write_one(tmp_path / "a.bin", value, {"0": bits.tobytes()}))["x"]
    assert stored.dtype is DType.BF16
    assert to_float32(stored.map(), stored.dtype).tolist() == [1.0, -3.140625]


@pytest.mark.parametrize(
    ("shape", "strides", "offset"),
    [
        ((2, 3), None, 0),
        ((2, 3), None, 18),
        ((4, 6), (1, 4), 0),  # transposed
        ((3, 4), (8, 2), 1),  # every other column
        ((5, 8), (4, 1), 0),  # rows that overlap
        ((1000, 24), (0, 1), 0),  # one row, repeated
        ((), (), 7),
        ((0, 5), (5, 1), 24),
    ],
)
def test_offsets_and_strides_are_honored(tmp_path, shape, strides, offset):
    path = write_one(tmp_path / "a.bin", over_numbers(shape, strides, offset))
    read = read_torch(path)["x"].map()
    steps = [4 * step for step in strides] if strides is not None else None
    expected = np.ndarray(shape, np.float32, NUMBERS.tobytes(), 4 * offset, steps)
    assert read.shape == shape
    assert np.array_equal(read, expected)


def test_two_names_may_share_one_storage(tmp_path):
    items = {"x": over_numbers((24,)), "y": over_numbers((2, 12))}
    path = write_archive(tmp_path / "a.bin", pickled(dictionary(items)), {"0": NUMBERS.tobytes()})
    tensors = read_torch(path)
    assert np.array_equal(tensors["x"].map(), tensors["y"].map().ravel())


def test_names_fit_to_be_shown(tmp_path):
    items = {"a\x1b[2J": over_numbers((24,))}
    path = write_archive(tmp_path / "a.bin", pickled(dictionary(items)), {"0": NUMBERS.tobytes()})
    with pytest.raises(ModelFilesError, match=r"impossible name 'a\\x1b"):
        read_torch(path)


@pytest.mark.parametrize(
    ("shape", "strides", "offset"),
    [
        ((25,), None, 0),
        ((24,), None, 1),
        ((4, 6), (7, 1), 0),
        ((2,), (24,), 0),
        ((2**62, 2**62), (1, 1), 0),
        ((1,), (1,), 2**70),
    ],
)
def test_tensor_outside_its_storage(tmp_path, shape, strides, offset):
    strides = strides if strides is not None else (1,)
    path = write_one(tmp_path / "a.bin", over_numbers(shape, strides, offset))
    with pytest.raises(ModelFilesError, match="x reaches outside its storage"):
        read_torch(path)


@pytest.mark.parametrize(
    ("shape", "strides", "offset"),
    [((-1,), (1,), 0), ((2,), (-1,), 5), ((2,), (1, 1), 0), ((2,), (1,), -1)],
)
def test_impossible_shapes(tmp_path, shape, strides, offset):
    path = write_one(tmp_path / "a.bin", over_numbers(shape, strides, offset))
    with pytest.raises(ModelFilesError, match="malformed pickle"):
        read_torch(path)


def test_too_many_dimensions(tmp_path):
    path = write_one(tmp_path / "a.bin", over_numbers((1,) * 9))
    with pytest.raises(ModelFilesError, match="x has 9 dimensions"):
        read_torch(path)


def test_storage_shorter_than_it_says(tmp_path):
    path = write_one(tmp_path / "a.bin", over_numbers((24,)), {"0": NUMBERS.tobytes()[:-1]})
    with pytest.raises(ModelFilesError, match="the storage of x has 95 bytes, and 96 are needed"):
        read_torch(path)


def test_storage_that_is_not_there(tmp_path):
    path = write_one(tmp_path / "a.bin", over_numbers((24,)), {})
    with pytest.raises(ModelFilesError, match="no member data/0"):
        read_torch(path)


def test_members_that_are_compressed_are_refused_unread(tmp_path):
    bomb = {"0": bytes(10_000_000)}
    value = tensor(storage("FloatStorage", "0", 2_500_000), (2_500_000,))
    path = write_one(tmp_path / "a.bin", value, bomb, compression=zipfile.ZIP_DEFLATED)
    with pytest.raises(ModelFilesError, match="compressed member"):
        read_torch(path)


def test_compressed_member_that_claims_its_plain_size(tmp_path):
    path = write_one(tmp_path / "a.bin", over_numbers((24,)))
    octets = bytearray(path.read_bytes())
    last_entry = octets.rindex(b"PK\x01\x02")
    octets[last_entry + 10] = zipfile.ZIP_DEFLATED
    path.write_bytes(octets)
    with pytest.raises(ModelFilesError, match="compressed member"):
        read_torch(path)


@pytest.mark.parametrize("member", ["../evil", "archive/../../evil", "/etc/evil"])
def test_members_named_as_paths_are_refused(tmp_path, member):
    path = write_one(tmp_path / "a.bin", over_numbers((24,)), extra={member: b"x"})
    with pytest.raises(ModelFilesError, match="is a path"):
        read_torch(path)
    assert [file.name for file in tmp_path.iterdir()] == ["a.bin"]


def test_two_members_of_one_name_are_refused(tmp_path):
    path = tmp_path / "a.bin"
    with pytest.warns(UserWarning, match="Duplicate name"):
        write_one(path, over_numbers((24,)), extra={"archive/data/0": b"x" * 96})
    with pytest.raises(ModelFilesError, match="two members"):
        read_torch(path)


def test_big_endian_numbers_are_refused(tmp_path):
    path = write_one(tmp_path / "a.bin", over_numbers((24,)), extra={"archive/byteorder": b"big"})
    with pytest.raises(ModelFilesError, match="little-endian"):
        read_torch(path)


def test_archive_without_or_with_two_pickles(tmp_path):
    path = tmp_path / "a.bin"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data/0", b"")
    with pytest.raises(ModelFilesError, match="no single"):
        read_torch(path)
    write_one(path, over_numbers((24,)), extra={"other/data.pkl": b"."})
    with pytest.raises(ModelFilesError, match="no single"):
        read_torch(path)


def test_oversized_pickle_is_refused_unread(tmp_path):
    path = write_archive(tmp_path / "a.bin", bytes(17 * 1024 * 1024))
    with pytest.raises(UnsafePickle, match="far more than"):
        read_torch(path)


def test_old_bare_pickle_is_refused_unread(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.")
    with pytest.raises(UnsafePickle, match=r"before version 1\.6"):
        read_torch(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no archive"),
        (b"hello", "no archive"),
        (b"PK\x03\x04", "cut short"),
        (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
    ],
)
def test_other_files(tmp_path, content, message):
    path = tmp_path / "a.bin"
    path.write_bytes(content)
    with pytest.raises(ModelFilesError, match=message):
        read_torch(path)


def test_empty_dictionary(tmp_path):
    with pytest.raises(ModelFilesError, match="holds no tensors"):
        read_torch(write_archive(tmp_path / "a.bin", b"\x80\x02}."))


@settings(
    deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300
)
@given(
    cut=st.integers(0, 50),
    flips=st.lists(st.tuples(st.integers(0, 1000), st.integers(0, 255)), max_size=6),
)
def test_damage_is_an_error_of_ours_or_none(tmp_path, cut, flips):
    arrays = {"x": np.ones((4, 4), np.float32), "y": np.ones(3, np.float16)}
    path = write_torch(tmp_path / "a.bin", arrays)
    octets = bytearray(path.read_bytes())
    for position, value in flips:
        octets[position % len(octets)] = value
    path.write_bytes(octets[: len(octets) - cut])
    try:
        for stored in read_torch(path).values():
            assert stored.map().shape == stored.shape
    except ModelFilesError as error:
        assert str(path) in error.message
