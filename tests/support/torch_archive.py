"""A writer of `.bin` files and of the pickles in them, honest and hostile, opcode by opcode.

PyTorch is not needed to test what reads its files; and it could not write the hostile ones.
"""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

STORAGE_TYPES = {
    "float64": "DoubleStorage",
    "float32": "FloatStorage",
    "float16": "HalfStorage",
    "int64": "LongStorage",
    "int32": "IntStorage",
    "int8": "CharStorage",
    "uint8": "ByteStorage",
    "bool": "BoolStorage",
}


def name(module: str, attribute: str) -> bytes:
    return b"c" + f"{module}\n{attribute}\n".encode()


def text(value: str) -> bytes:
    octets = value.encode()
    return b"X" + struct.pack("<I", len(octets)) + octets


def number(value: int) -> bytes:
    if -(2**31) <= value < 2**31:
        return b"J" + struct.pack("<i", value)
    octets = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
    return b"\x8a" + bytes([len(octets)]) + octets


def many(*items: bytes) -> bytes:
    return b"(" + b"".join(items) + b"t"


def call(function: bytes, *arguments: bytes) -> bytes:
    return function + many(*arguments) + b"R"


def storage(kind: str, key: str, elements: int) -> bytes:
    items = (text("storage"), name("torch", kind), text(key), text("cpu"), number(elements))
    return many(*items) + b"Q"


def tensor(
    stored: bytes, shape: Sequence[int], strides: Sequence[int] | None = None, offset: int = 0
) -> bytes:
    if strides is None:
        strides = [int(np.prod(shape[axis + 1 :])) for axis in range(len(shape))]
    return call(
        name("torch._utils", "_rebuild_tensor_v2"),
        stored,
        number(offset),
        many(*map(number, shape)),
        many(*map(number, strides)),
        b"\x89",  # requires_grad
        call(name("collections", "OrderedDict")),  # hooks
    )


def dictionary(items: Mapping[str, bytes]) -> bytes:
    pairs = b"".join(text(key) + value for key, value in items.items())
    return b"}(" + pairs + b"u"


def pickled(value: bytes) -> bytes:
    return b"\x80\x02" + value + b"."


def write_archive(
    path: Path,
    pickle: bytes,
    storages: Mapping[str, bytes] | None = None,
    *,
    root: str = "archive",
    compression: int = zipfile.ZIP_STORED,
    extra: Mapping[str, bytes] | None = None,
) -> Path:
    """Write the zip archive; `extra` are further members, named as they are."""
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr(f"{root}/data.pkl", pickle)
        for key, data in (storages or {}).items():
            archive.writestr(f"{root}/data/{key}", data)
        for member, data in (extra or {}).items():
            archive.writestr(member, data)
    return path


def write_torch(path: Path, tensors: Mapping[str, np.ndarray[Any, Any]]) -> Path:
    """What the framework would write for these tensors, each in a storage of its own."""
    items = {}
    storages = {}
    for key, (tensor_name, array) in enumerate(tensors.items()):
        kind = STORAGE_TYPES[array.dtype.name]
        items[tensor_name] = tensor(storage(kind, str(key), array.size), array.shape)
        storages[str(key)] = array.tobytes()
    return write_archive(path, pickled(dictionary(items)), storages)
