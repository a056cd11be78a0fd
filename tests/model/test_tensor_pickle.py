"""The pickle reader runs nothing: honest dictionaries are read, hostile ones are refused by name.

Every hostile pickle here is first shown to work on Python's own unpickler, or is of a kind that
would: the marker it leaves behind must then be absent after our reader has seen it.
"""

from __future__ import annotations

import io
import os
import pickle
import sys
import types
from collections import OrderedDict

import pytest

from glmscope.errors import ModelFilesError, UnsafePickle
from glmscope.model.torch_file import read_torch
from tests.model.pickles import HONEST, VIEW, read
from tests.support.torch_archive import (
    call,
    dictionary,
    many,
    name,
    number,
    pickled,
    tensor,
    text,
    write_archive,
)


def test_plain_dictionary():
    assert read(pickled(dictionary({"x": HONEST}))) == {"x": VIEW}


def test_ordered_dictionary_with_module_versions():
    versions = dictionary({"_metadata": dictionary({"": dictionary({"version": number(1)})})})
    ordered = call(name("collections", "OrderedDict")) + b"(" + text("x") + HONEST + b"u"
    assert read(pickled(ordered + versions + b"b")) == {"x": VIEW}


def test_parameter_is_its_tensor():
    hooks = call(name("collections", "OrderedDict"))
    value = call(name("torch._utils", "_rebuild_parameter"), HONEST, b"\x88", hooks)
    assert read(pickled(dictionary({"x": value}))) == {"x": VIEW}


@pytest.mark.parametrize("protocol", range(2, 6))
def test_what_pythons_own_pickler_writes(monkeypatch, protocol):
    """Of stand-ins for the framework's names: memoized, framed, with names on the stack."""
    torch = types.ModuleType("torch")
    utils = types.ModuleType("torch._utils")
    torch.HalfStorage = type("HalfStorage", (), {"__module__": "torch"})
    rebuild = types.FunctionType((lambda *_: None).__code__, {}, "_rebuild_tensor_v2")
    rebuild.__module__, rebuild.__qualname__ = "torch._utils", "_rebuild_tensor_v2"
    utils._rebuild_tensor_v2 = rebuild
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.setitem(sys.modules, "torch._utils", utils)

    class Block:
        pass

    class Tensor:
        def __reduce__(self):
            return rebuild, (Block(), 0, (2, 3), (3, 1), False, OrderedDict())

    class Pickler(pickle.Pickler):
        def persistent_id(self, value):
            if isinstance(value, Block):
                return ("storage", torch.HalfStorage, "0", "cpu", 6)
            return None

    state = OrderedDict(x=Tensor())
    state["y"] = state["x"]
    state._metadata = OrderedDict({"": {"version": 1}})
    buffer = io.BytesIO()
    Pickler(buffer, protocol).dump(state)
    assert read(buffer.getvalue()) == {"x": VIEW, "y": VIEW}


class _Touch:
    """Pickles to a call of os.system, which leaves a file behind."""

    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return os.system, (f"touch {self.marker}",)


@pytest.mark.parametrize("protocol", range(6))
def test_a_pickle_that_runs_a_command_does_not_run_here(tmp_path, protocol):
    marker = tmp_path / "ran"
    hostile = pickle.dumps({"x": _Touch(marker)}, protocol)
    pickle.loads(hostile)
    assert marker.exists(), "the attack works on Python's unpickler"
    marker.unlink()
    with pytest.raises(UnsafePickle):
        read(hostile)
    path = write_archive(tmp_path / "pytorch_model.bin", hostile)
    with pytest.raises(UnsafePickle, match=r"pytorch_model\.bin is refused") as caught:
        read_torch(path)
    assert protocol == 0 or "posix.system" in caught.value.message or os.name == "nt"
    assert not marker.exists()


SYSTEM = name("os", "system")
HOSTILE_GLOBALS = {
    "os.system": call(SYSTEM, text("touch ran")),
    "builtins.eval": call(name("builtins", "eval"), text("open('ran', 'w')")),
    "builtins.getattr": call(
        name("builtins", "getattr"), name("torch._utils", "_rebuild_tensor_v2"), text("__globals__")
    ),
    "torch._utils.__builtins__": name("torch._utils", "__builtins__"),
    "collections.OrderedDict.__init__": name("collections", "OrderedDict.__init__"),
    "collections.namedtuple": name("collections", "namedtuple"),
    "torch.load": call(name("torch", "load"), text("other")),
    "torch.storage._load_from_bytes": call(name("torch.storage", "_load_from_bytes"), b"C\x01x"),
    "torch.jit.load": name("torch.jit", "load"),
    "numpy.core.multiarray._reconstruct": name("numpy.core.multiarray", "_reconstruct"),
    "_codecs.encode": name("_codecs", "encode"),
}


@pytest.mark.parametrize("found", HOSTILE_GLOBALS)
def test_other_globals_are_refused_by_name(tmp_path, monkeypatch, found):
    monkeypatch.chdir(tmp_path)
    hostile = HOSTILE_GLOBALS[found]
    for value in (
        hostile,  # the whole pickle
        dictionary({"x": HONEST, "y": hostile}),  # beside a tensor
        dictionary({"x": tensor(hostile, (2, 3))}),  # inside a tensor
        dictionary({"x": HONEST}) + hostile + b"b",  # as the dictionary's state
        dictionary({"x": HONEST}) + hostile + b"0",  # thrown away again
    ):
        with pytest.raises(UnsafePickle) as caught:
            read(pickled(value))
        assert found in caught.value.message
        assert "shard.bin" in caught.value.message
    assert list(tmp_path.iterdir()) == []


def test_global_named_by_the_stack():
    with pytest.raises(UnsafePickle, match=r"os\.system"):
        read(b"\x80\x04" + text("os") + text("system") + b"\x93.")
    allowed = text("collections") + text("OrderedDict") + b"\x93" + many() + b"R"
    assert read(b"\x80\x04" + allowed + b".") == {}


@pytest.mark.parametrize(
    ("operation", "body"),
    [
        ("INST", b"(" + text("touch ran") + b"ios\nsystem\n"),
        ("OBJ", b"(" + name("collections", "OrderedDict") + b"o"),
        ("NEWOBJ", name("collections", "OrderedDict") + b")\x81"),
        ("NEWOBJ_EX", name("collections", "OrderedDict") + b")}\x92"),
        ("EXT1", b"\x82\x01"),
        ("PERSID", b"Psomething\n"),
        ("BYTEARRAY8", b"\x96" + (2).to_bytes(8, "little") + b"ab"),
        ("NEXT_BUFFER", b"\x97"),
        ("EMPTY_SET", b"\x8f"),
        ("DUP", b"}2"),
        ("UNICODE", b"Vabc\n"),
        ("INT", b"I5\n"),
    ],
)
def test_other_operations_are_refused_by_name(operation, body):
    with pytest.raises(UnsafePickle, match=f"the operation {operation},"):
        read(pickled(body))


@pytest.mark.parametrize(
    "value",
    [
        call(name("collections", "OrderedDict"), HONEST),
        call(name("torch", "FloatStorage"), number(10**12)),
        call(name("torch._utils", "_rebuild_parameter"), number(1)),
    ],
)
def test_allowed_globals_called_in_other_ways_are_refused(value):
    with pytest.raises(UnsafePickle, match="as no dictionary of tensors does"):
        read(pickled(dictionary({"x": value})))


@pytest.mark.parametrize(
    "identity",
    [
        text("/etc/passwd"),
        many(text("storage")),
        many(text("module"), name("torch", "HalfStorage"), text("0"), text("cpu"), number(6)),
        many(text("storage"), text("HalfStorage"), text("0"), text("cpu"), number(6)),
        *(
            many(text("storage"), name("torch", "HalfStorage"), text(key), text("cpu"), number(6))
            for key in ("../../etc/passwd", "", "0/1", "-1", "٣", "a")
        ),
        many(text("storage"), name("torch", "HalfStorage"), text("0"), text("cpu"), number(-6)),
        many(
            text("storage"), name("collections", "OrderedDict"), text("0"), text("cpu"), number(6)
        ),
    ],
)
def test_other_persistent_ids_are_refused(identity):
    with pytest.raises(UnsafePickle, match="no tensor storage"):
        read(pickled(dictionary({"x": tensor(identity + b"Q", (2, 3))})))


def test_state_of_a_tensor_is_refused():
    with pytest.raises(ModelFilesError, match="malformed"):
        read(pickled(dictionary({"x": HONEST + dictionary({"__setstate__": number(1)}) + b"b"})))
