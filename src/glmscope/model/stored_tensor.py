"""A tensor where it lies: in which file, from which byte, in which number format.

Both file formats are read into this one record, and both are mapped by this one function.
"""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from glmscope.errors import ModelFilesError

Array: TypeAlias = NDArray[Any]

MOST_DIMENSIONS = 8
_LONGEST_NAME = 500
_LFS_POINTER = b"version https://git-lfs"


class DType(enum.Enum):
    """Number formats, by their safetensors names."""

    F64 = "F64"
    F32 = "F32"
    F16 = "F16"
    BF16 = "BF16"
    I64 = "I64"
    I32 = "I32"
    I16 = "I16"
    I8 = "I8"
    U8 = "U8"
    BOOL = "BOOL"

    @property
    def numpy(self) -> np.dtype[Any]:
        """Little-endian numpy type; bf16, which numpy lacks, is given as its uint16 bits."""
        return _NUMPY[self]

    @property
    def itemsize(self) -> int:
        """Bytes of one element."""
        return self.numpy.itemsize

    @property
    def is_weight(self) -> bool:
        """Whether a weight may be stored so: fp32, fp16 or bf16."""
        return self in (DType.F32, DType.F16, DType.BF16)


_NUMPY: dict[DType, np.dtype[Any]] = {
    DType.F64: np.dtype("<f8"),
    DType.F32: np.dtype("<f4"),
    DType.F16: np.dtype("<f2"),
    DType.BF16: np.dtype("<u2"),
    DType.I64: np.dtype("<i8"),
    DType.I32: np.dtype("<i4"),
    DType.I16: np.dtype("<i2"),
    DType.I8: np.dtype("i1"),
    DType.U8: np.dtype("u1"),
    DType.BOOL: np.dtype("?"),
}


@dataclass(frozen=True)
class StoredTensor:
    """Name, shape and number format of a tensor, and where its bytes are.

    `offset` counts bytes from the start of `file`. `strides` counts elements, one a dimension;
    None means row-major without gaps. Whoever makes one has checked that it lies in the file.
    """

    name: str
    shape: tuple[int, ...]
    dtype: DType
    file: Path
    offset: int
    strides: tuple[int, ...] | None = None

    @property
    def nbytes(self) -> int:
        """Bytes of the elements themselves, without gaps and without sharing."""
        return math.prod(self.shape) * self.dtype.itemsize

    def map(self) -> Array:
        """A read-only array over the mapped file; nothing is read until it is touched.

        The mapping lives as long as the array and its views: let go of them and its memory goes.
        The data may start at any byte, so the array need not be aligned. Raises ModelFilesError
        when the file has gone or shrunk since it was opened.
        """
        if 0 in self.shape:
            return np.empty(self.shape, self.dtype.numpy)
        strides = row_major_strides(self.shape) if self.strides is None else self.strides
        extent = elements_spanned(self.shape, strides)
        try:
            mapped = np.memmap(
                self.file, self.dtype.numpy, mode="r", offset=self.offset, shape=(extent,)
            )
        except (OSError, ValueError):
            raise ModelFilesError(
                f"{self.file} can no longer be read where {self.name} was."
            ) from None
        byte_strides = [stride * self.dtype.itemsize for stride in strides]
        return np.lib.stride_tricks.as_strided(
            np.asarray(mapped), self.shape, byte_strides, writeable=False
        )


def row_major_strides(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Strides in elements of an array of `shape` without gaps, last dimension fastest."""
    return tuple(math.prod(shape[axis + 1 :]) for axis in range(len(shape)))


def elements_spanned(shape: tuple[int, ...], strides: tuple[int, ...]) -> int:
    """How many elements lie from the first to the last one of a strided array, both included."""
    if 0 in shape:
        return 0
    return 1 + sum((size - 1) * stride for size, stride in zip(shape, strides, strict=True))


def to_float32(array: Array, dtype: DType) -> NDArray[np.float32]:
    """The numbers of `array`, stored as `dtype`, in fp32: exact for fp16, bf16, int8 and fp32.

    An fp32 array comes back as it is, any other as a copy of the same shape.
    """
    if dtype is DType.BF16:
        # A bf16 number is the upper half of an fp32 one.
        bits: NDArray[np.uint32] = array.astype(np.uint32) << np.uint32(16)
        return bits.view(np.float32)
    numbers: NDArray[np.float32] = array.astype(np.float32, copy=False)
    return numbers


def check_name(path: Path, name: str) -> None:
    """Raise ModelFilesError when `name`, found in `path`, is not fit to be shown or compared."""
    if not name or len(name) > _LONGEST_NAME or not name.isprintable():
        raise ModelFilesError(f"{path} has a tensor with the impossible name {name[:80]!r}.")


def refuse_pointer(path: Path, start: bytes) -> None:
    """Raise ModelFilesError when `start`, the first bytes of `path`, is a Git LFS pointer."""
    if start.startswith(_LFS_POINTER):
        raise ModelFilesError(
            f"{path} is a Git LFS pointer, not the weights: fetch them with `git lfs pull`."
        )
