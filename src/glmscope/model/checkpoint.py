"""A published checkpoint directory: every tensor by name, whatever files they lie in.

Source: model specification, section 4.
"""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Mapping
from pathlib import Path

from glmscope.errors import ModelFilesError
from glmscope.model.config import CONFIG_FILE, ModelConfig
from glmscope.model.digest import sha256_of
from glmscope.model.json_file import read_json_object
from glmscope.model.layout import (
    INVERSE_FREQUENCIES,
    TensorKind,
    TensorSpec,
    expected_tensors,
    scale_name,
)
from glmscope.model.official_quant import stored_bits
from glmscope.model.safetensors_file import read_safetensors
from glmscope.model.stored_tensor import Array, DType, StoredTensor
from glmscope.model.torch_file import read_torch

# In the order of preference; ".index.json" files map tensor names to shards.
ENTRY_FILES = (
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
)


class Checkpoint:
    """The tensors of one directory. Opening reads headers only; nothing is cached.

    `entry` is the file that was used: the weights themselves or the index of their shards.
    `passed_over` says, one sentence each, which better entries were incomplete.
    """

    def __init__(
        self,
        entry: Path,
        files: tuple[Path, ...],
        tensors: Mapping[str, StoredTensor],
        passed_over: tuple[str, ...] = (),
    ) -> None:
        self.entry = entry
        self.files = files  # the weight files, in the order of the index
        self.passed_over = passed_over
        self._tensors = dict(tensors)

    @classmethod
    def open(cls, directory: Path) -> Checkpoint:
        """Find the weights in `directory`: safetensors if complete, else `.bin`.

        Raises ModelFilesError naming what is missing or broken, UnsafePickle for a `.bin` file that
        asks for anything but tensors.
        """
        passed_over: list[str] = []
        for name in ENTRY_FILES:
            entry = directory / name
            if not entry.is_file():
                continue
            shard_map = _read_index(entry) if entry.suffix == ".json" else None
            files = (
                (entry,)
                if shard_map is None
                else tuple(directory / file for file in dict.fromkeys(shard_map.values()))
            )
            missing = [file.name for file in files if not file.is_file()]
            if missing:
                passed_over.append(
                    f"{entry} names {missing[0]}, which does not exist"
                    + (f" (nor do {len(missing) - 1} others)." if len(missing) > 1 else ".")
                )
                continue
            return cls(entry, files, _read_tensors(entry, files, shard_map), tuple(passed_over))
        if passed_over:
            raise ModelFilesError(passed_over[0])
        raise ModelFilesError(f"{directory} holds no weights: none of {', '.join(ENTRY_FILES)}.")

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all tensors, in the order of the files."""
        return tuple(self._tensors)

    def __contains__(self, name: object) -> bool:
        return name in self._tensors

    @property
    def nbytes(self) -> int:
        """Bytes of all weight files together."""
        return sum(file.stat().st_size for file in self.files)

    def info(self, name: str) -> StoredTensor:
        """Shape, number format, file and size of a tensor, without reading it.

        Raises ModelFilesError when there is none of that name.
        """
        try:
            return self._tensors[name]
        except KeyError:
            raise ModelFilesError(f"{self.entry} has no tensor {name}.") from None

    def tensor(self, name: str) -> Array:
        """The tensor as a read-only array over the mapped file, in its stored number format.

        bf16 comes as uint16 bits (`to_float32` converts). Drop the array when done and its memory
        goes, so that any checkpoint streams through in the memory of its largest tensor. Raises
        ModelFilesError when there is none of that name.
        """
        return self.info(name).map()

    def verify(self, config: ModelConfig) -> tuple[str, ...]:
        """Check that everything `config` needs is here, in the right shape and number format.

        Reads no data. Returns the names of tensors that no part of the network uses. Raises
        ModelFilesError naming file and tensor of the first fault, and how many more there are.
        """
        expected = expected_tensors(config)
        self.require(expected)
        used = {*expected, INVERSE_FREQUENCIES, *map(scale_name, expected)}
        return tuple(name for name in self._tensors if name not in used)

    def require(self, expected: Mapping[str, TensorSpec]) -> None:
        """Check that every tensor of `expected` is here; reads no data, raises as `verify`."""
        faults = [
            fault
            for name, spec in expected.items()
            if (fault := self._fault(name, spec)) is not None
        ]
        if faults:
            more = f" ({len(faults) - 1} more such faults.)" if len(faults) > 1 else ""
            raise ModelFilesError(faults[0] + more)

    def bits(self, name: str, spec: TensorSpec) -> int:
        """How the matrix `name` is stored: 8 or 4 for the official formats, 0 for floating point.

        Told by the number format and the number of columns (section 5). Raises ModelFilesError
        when it is stored in neither way.
        """
        info = self.info(name)
        if info.dtype is not DType.I8:
            return 0
        bits = stored_bits(info.shape, spec.shape)
        if bits is None:
            raise ModelFilesError(_wrong_shape(info, spec.stored_shape))
        return bits

    def sha256(self, progress: Callable[[int], None] | None = None) -> dict[str, str]:
        """SHA-256 of every source file by name: configuration, index and weights.

        `progress` is told the number of bytes of each piece as it is done.
        """
        directory = self.entry.parent
        files = dict.fromkeys((directory / CONFIG_FILE, self.entry, *self.files))
        return {file.name: sha256_of(file, progress) for file in files if file.is_file()}

    def _fault(self, name: str, spec: TensorSpec) -> str | None:
        """What is wrong with the tensor `name`, or None."""
        info = self._tensors.get(name)
        if info is None:
            return f"{self.entry} has no tensor {name}."
        if info.dtype is DType.I8 and spec.kind is TensorKind.MATRIX:
            return self._quantized_fault(info, spec)
        if spec.bits:
            return _wrong_dtype(info, f"I8, because the configuration says {spec.bits} bits")
        if not info.dtype.is_weight:
            return _wrong_dtype(info, "F32, F16 or BF16")
        if info.shape != spec.shape:
            return _wrong_shape(info, spec.shape)
        return None

    def _quantized_fault(self, info: StoredTensor, spec: TensorSpec) -> str | None:
        """As `_fault`, for a matrix of int8: any matrix may be one if its scales are here too."""
        bits = stored_bits(info.shape, spec.shape)
        if bits is None or (spec.bits and bits != spec.bits):
            return _wrong_shape(info, spec.stored_shape)
        return self._fault(scale_name(info.name), TensorSpec(spec.shape[:1], TensorKind.SCALE))


def _wrong_shape(info: StoredTensor, shape: tuple[int, ...]) -> str:
    return f"{info.file}: {info.name} has shape {list(info.shape)}; expected {list(shape)}."


def _wrong_dtype(info: StoredTensor, expected: str) -> str:
    return f"{info.file}: {info.name} is stored as {info.dtype.value}; expected {expected}."


def _read_index(path: Path) -> dict[str, str]:
    """Tensor name → shard file name."""
    weight_map = read_json_object(path).get("weight_map")
    if not isinstance(weight_map, dict) or not weight_map:
        raise ModelFilesError(f'{path} has no "weight_map".')
    for name, file in weight_map.items():
        # Shards lie beside their index; anything else could name any file of the machine.
        if not isinstance(file, str) or file in ("", ".", "..") or set(file) & set("/\\:\0"):
            raise ModelFilesError(
                f"{path} gives {reprlib.repr(file)} for {name!r}, which is no file name."
            )
    return weight_map


def _read_tensors(
    entry: Path, files: tuple[Path, ...], shard_map: Mapping[str, str] | None
) -> dict[str, StoredTensor]:
    read = read_safetensors if ".safetensors" in entry.suffixes else read_torch
    if shard_map is None:
        return read(entry)
    shards = {file.name: read(file) for file in files}
    tensors: dict[str, StoredTensor] = {}
    for name, file in shard_map.items():
        if name not in shards[file]:
            raise ModelFilesError(f"{entry} says that {file} holds {name}, and it does not.")
        tensors[name] = shards[file][name]
    return tensors
