"""The header of a safetensors file: which tensors it holds, and where.

The file is 8 bytes of header length (little-endian), a JSON header, then the data. The library
`safetensors` does not tell where in the file a tensor lies, which mapping it needs; so the header
is read here, under the same rules as in the library.

Source: the safetensors format description, https://github.com/huggingface/safetensors#format.
"""

from __future__ import annotations

import json
import math
import reprlib
from pathlib import Path

from glmscope.errors import ModelFilesError
from glmscope.model.stored_tensor import (
    MOST_DIMENSIONS,
    DType,
    StoredTensor,
    check_name,
    refuse_pointer,
)

_LENGTH_BYTES = 8
_LARGEST_HEADER = 16 * 1024 * 1024  # a published shard's has some 5 KiB


def read_safetensors(path: Path) -> dict[str, StoredTensor]:
    """The tensors of `path` by name. Reads the header only.

    Raises ModelFilesError naming the file, and the tensor if one is at fault: file cut short,
    header malformed, unknown number format, size at odds with shape, data outside the file, over
    each other or with gaps.
    """
    header, data_start, data_bytes = _read_header(path)
    tensors = {
        name: _tensor(path, name, entry, data_start)
        for name, entry in header.items()
        if name != "__metadata__"
    }
    _check_coverage(path, tensors, data_start, data_bytes)
    return tensors


def _read_header(path: Path) -> tuple[dict[str, object], int, int]:
    """Header, position of the first data byte, number of data bytes."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            start = file.read(_LENGTH_BYTES)
            length = int.from_bytes(start, "little")
            if len(start) == _LENGTH_BYTES and length <= min(size, _LARGEST_HEADER):
                text = file.read(length)
            else:
                refuse_pointer(path, start + file.read(64))
                text = b""
    except OSError as error:
        raise ModelFilesError(f"{path} cannot be read: {error.strerror}.") from None
    data_start = _LENGTH_BYTES + length
    if not text or data_start > size:
        raise ModelFilesError(
            f"{path} is cut short or no safetensors file: it has {size} bytes, and its header "
            f"would end at byte {data_start}."
        )
    try:
        header = json.loads(text.decode("utf-8"))
    except (ValueError, RecursionError):
        raise ModelFilesError(f"{path} is no safetensors file: its header is not JSON.") from None
    if not isinstance(header, dict):
        raise ModelFilesError(f"{path} is no safetensors file: its header is no JSON object.")
    return header, data_start, size - data_start


def _tensor(path: Path, name: str, entry: object, data_start: int) -> StoredTensor:
    check_name(path, name)
    if not isinstance(entry, dict):
        raise ModelFilesError(f"{path}: the header entry of {name} is no JSON object.")
    shape = _whole_numbers(entry.get("shape"))
    offsets = _whole_numbers(entry.get("data_offsets"))
    if shape is None or len(shape) > MOST_DIMENSIONS:
        raise ModelFilesError(f"{path}: {name} has no valid shape.")
    if offsets is None or len(offsets) != 2:
        raise ModelFilesError(f"{path}: {name} has no valid data offsets.")
    try:
        dtype = DType(entry.get("dtype"))
    except ValueError:
        found = reprlib.repr(entry.get("dtype"))
        raise ModelFilesError(
            f"{path}: {name} is stored as {found}, which is not supported."
        ) from None
    begin, end = offsets
    if end - begin != math.prod(shape) * dtype.itemsize:
        raise ModelFilesError(
            f"{path}: {name} has {end - begin} bytes of data, and its shape {list(shape)} in "
            f"{dtype.value} needs {math.prod(shape) * dtype.itemsize}."
        )
    return StoredTensor(name, shape, dtype, path, data_start + begin)


def _whole_numbers(value: object) -> tuple[int, ...] | None:
    if not isinstance(value, list):
        return None
    if any(isinstance(item, bool) or not isinstance(item, int) or item < 0 for item in value):
        return None
    return tuple(value)


def _check_coverage(
    path: Path, tensors: dict[str, StoredTensor], data_start: int, data_bytes: int
) -> None:
    """The format demands that the tensors cover the data exactly, without gap or overlap."""
    position = data_start
    for tensor in sorted(tensors.values(), key=lambda tensor: (tensor.offset, tensor.nbytes)):
        if tensor.offset != position:
            raise ModelFilesError(
                f"{path}: {tensor.name} starts at byte {tensor.offset}, and the tensor before it "
                f"ends at byte {position}."
            )
        position += tensor.nbytes
        if position > data_start + data_bytes:
            raise ModelFilesError(
                f"{path} is cut short: {tensor.name} would end at byte {position}, and the file "
                f"has {data_start + data_bytes}."
            )
    if position != data_start + data_bytes:
        raise ModelFilesError(
            f"{path} has {data_start + data_bytes - position} bytes after its last tensor."
        )
