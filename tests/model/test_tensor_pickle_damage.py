"""Pickles that are damaged, nested without end, or lie about their size."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glmscope.errors import ModelFilesError
from glmscope.model.tensor_pickle import StorageView
from tests.model.pickles import HONEST, read
from tests.support.torch_archive import dictionary, number, pickled


def test_nesting_that_explodes_when_copied_or_hashed_costs_nothing():
    """Sixty tuples, each holding the one before twice: 2^60 leaves, were they ever visited."""
    bomb = b")" + b"".join(
        b"q" + bytes([depth]) + b"h" + bytes([depth]) + b"\x86" for depth in range(60)
    )
    with pytest.raises(ModelFilesError):
        read(pickled(dictionary({"x": bomb})))
    with pytest.raises(ModelFilesError, match="malformed"):
        read(pickled(b"}" + bomb + number(1) + b"s"))


def test_deep_nesting_needs_no_recursion():
    with pytest.raises(ModelFilesError, match="no tensor"):
        read(pickled(dictionary({"x": b")" + b"\x85" * 200_000})))


@pytest.mark.parametrize(
    "body",
    [
        b"\x8e" + (2**62).to_bytes(8, "little"),  # bytes of that length
        b"\x8d" + (2**62).to_bytes(8, "little"),
        b"X" + (2**32 - 1).to_bytes(4, "little"),
        b"\x8b" + (2**31 - 1).to_bytes(4, "little"),
    ],
)
def test_sizes_that_are_only_claimed_allocate_nothing(body):
    tracemalloc.start()
    try:
        with pytest.raises(ModelFilesError, match="malformed"):
            read(b"\x80\x02" + body)
        assert tracemalloc.get_traced_memory()[1] < 1024 * 1024
    finally:
        tracemalloc.stop()


def test_a_memo_index_allocates_one_entry():
    """Python's own unpickler would make a table of 2^33 entries for this one."""
    tracemalloc.start()
    try:
        assert read(b"\x80\x02}r" + (2**32 - 1).to_bytes(4, "little") + b".") == {}
        assert tracemalloc.get_traced_memory()[1] < 1024 * 1024
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b".",
        b"\x80\x02",
        b"\x80\x02}",
        b"\x80\x02t.",
        b"\x80\x02(u.",
        b"\x80\x02h\x05.",
        b"\x80\x02}(X\x01\x00\x00\x00au.",  # a key without a value
        b"\x80\x02(0.",
        b"\x80\x02R.",
        b"\x80\x02]}R.",
        pickled(number(5)),
        pickled(dictionary({"x": number(5)})),
        pickled(b"}" + number(5) + HONEST + b"s"),
        b"\xff\x00garbage",
    ],
)
def test_malformed_pickles_get_one_sentence(data):
    with pytest.raises(ModelFilesError, match=r"shard\.bin"):
        read(data)


@settings(deadline=None, max_examples=500)
@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data):
    for prefix in (b"", b"\x80\x02"):
        try:
            assert isinstance(read(prefix + data), dict)
        except ModelFilesError as error:
            assert "shard.bin" in error.message


@settings(deadline=None, max_examples=300)
@given(st.data())
def test_honest_pickles_with_changed_bytes_are_read_or_refused(data):
    octets = bytearray(pickled(dictionary({"x": HONEST, "y": HONEST})))
    for _ in range(data.draw(st.integers(1, 4))):
        octets[data.draw(st.integers(0, len(octets) - 1))] = data.draw(st.integers(0, 255))
    try:
        views = read(bytes(octets))
        assert all(isinstance(view, StorageView) for view in views.values())
    except ModelFilesError as error:
        assert "shard.bin" in error.message
