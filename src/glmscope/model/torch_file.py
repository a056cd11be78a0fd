"""A `.bin` file: a zip archive of one pickle and, uncompressed, one member a storage.

The members are read where they lie, so they can be mapped; nothing is unpacked, and no member
name ever becomes a path.

Source: model specification, section 4; ZIP file format specification (APPNOTE), section 4.3.
"""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import BinaryIO

from glmscope.errors import ModelFilesError, UnsafePickle
from glmscope.model.stored_tensor import (
    MOST_DIMENSIONS,
    StoredTensor,
    check_name,
    elements_spanned,
    refuse_pointer,
    row_major_strides,
)
from glmscope.model.tensor_pickle import StorageView, read_state_dict

_PICKLE = "data.pkl"
_LARGEST_PICKLE = 1024 * 1024  # a published shard's has some 5 KiB
_ENCRYPTED = 0x1
_LOCAL_HEADER_BYTES = 30
_LOCAL_SIGNATURE = b"PK\x03\x04"


def read_torch(path: Path) -> dict[str, StoredTensor]:
    """The tensors of `path` by name. Reads the archive's directory and its pickle only.

    Raises UnsafePickle when the pickle asks for anything but tensors, ModelFilesError naming the
    file, and the tensor if one is at fault: no archive, cut short, compressed, member missing,
    tensor outside its storage.
    """
    try:
        archive = _Archive(path)
        tensors = {
            name: _stored_tensor(archive, name, view)
            for name, view in read_state_dict(archive.read_pickle(), path).items()
        }
    except OSError as error:
        raise ModelFilesError(f"{path} cannot be read: {error.strerror}.") from None
    if not tensors:
        raise ModelFilesError(f"{path} holds no tensors.")
    return tensors


class _Archive:
    """The members of one archive and where their bytes are."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._size = path.stat().st_size
        self._members: dict[str, zipfile.ZipInfo] = {}
        with path.open("rb") as file:
            self._refuse_other_formats(file)
            self._read_directory(file)
        pickles = [name for name in self._members if name.partition("/")[2] == _PICKLE]
        if len(pickles) != 1:
            raise ModelFilesError(f"{path} is no archive of tensors: it has no single {_PICKLE}.")
        self._root = pickles[0].removesuffix(_PICKLE)
        self._check_byte_order()

    def read_pickle(self) -> bytes:
        """The pickle that names the tensors."""
        offset, size = self.locate(_PICKLE)
        if size > _LARGEST_PICKLE:
            raise UnsafePickle(
                f"{self.path} is refused: its pickle has {size} bytes, far more than a dictionary "
                "of tensors needs."
            )
        with self.path.open("rb") as file:
            file.seek(offset)
            return file.read(size)

    def locate(self, name: str) -> tuple[int, int]:
        """First byte in the file, and size, of the member `name` under the archive's root."""
        member = self._members.get(self._root + name)
        if member is None:
            raise ModelFilesError(f"{self.path} has no member {name}.")
        if not 0 <= member.header_offset < self._size:
            raise ModelFilesError(f"{self.path} is cut short before its member {name}.")
        with self.path.open("rb") as file:
            file.seek(member.header_offset)
            header = file.read(_LOCAL_HEADER_BYTES)
        if len(header) < _LOCAL_HEADER_BYTES or not header.startswith(_LOCAL_SIGNATURE):
            raise ModelFilesError(f"{self.path} is damaged where its member {name} should be.")
        # The local copies of name and extra field may differ in length from the directory's.
        lengths = int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little")
        offset = member.header_offset + _LOCAL_HEADER_BYTES + lengths
        if offset + member.file_size > self._size:
            raise ModelFilesError(f"{self.path} is cut short: its member {name} is not all there.")
        return offset, member.file_size

    def _check_byte_order(self) -> None:
        """Refuse numbers stored big-endian."""
        if self._root + "byteorder" in self._members:
            offset, size = self.locate("byteorder")
            with self.path.open("rb") as file:
                file.seek(offset)
                if file.read(min(size, 16)) != b"little":
                    raise ModelFilesError(f"{self.path} is not stored in little-endian order.")

    def _refuse_other_formats(self, file: BinaryIO) -> None:
        start = file.read(64)
        refuse_pointer(self.path, start)
        if start.startswith(b"\x80"):
            raise UnsafePickle(
                f"{self.path} is refused: it is a bare pickle of a framework before version 1.6; "
                "save it again in the safetensors format."
            )
        if not start.startswith(_LOCAL_SIGNATURE):
            raise ModelFilesError(f"{self.path} is no archive of tensors.")

    def _read_directory(self, file: BinaryIO) -> None:
        try:
            with zipfile.ZipFile(file) as archive:
                members = archive.infolist()
        except (zipfile.BadZipFile, ValueError, NotImplementedError, EOFError):
            raise ModelFilesError(f"{self.path} is cut short or no archive of tensors.") from None
        for member in members:
            name = member.filename
            if name in self._members:
                raise ModelFilesError(f"{self.path} has two members called {name!r}.")
            if ".." in name.split("/") or name.startswith("/") or "\\" in name:
                raise ModelFilesError(f"{self.path} has a member called {name!r}, which is a path.")
            compressed = member.compress_type != zipfile.ZIP_STORED
            if compressed or member.compress_size != member.file_size:
                raise ModelFilesError(
                    f"{self.path} has a compressed member, {name!r}; storages must be plain."
                )
            if member.flag_bits & _ENCRYPTED:
                raise ModelFilesError(f"{self.path} has an encrypted member, {name!r}.")
            self._members[name] = member


def _stored_tensor(archive: _Archive, name: str, view: StorageView) -> StoredTensor:
    storage, path = view.storage, archive.path
    check_name(path, name)
    start, size = archive.locate(f"data/{storage.key}")
    if storage.elements * storage.dtype.itemsize > size:
        raise ModelFilesError(
            f"{path}: the storage of {name} has {size} bytes, and "
            f"{storage.elements * storage.dtype.itemsize} are needed."
        )
    if len(view.shape) > MOST_DIMENSIONS:
        raise ModelFilesError(f"{path}: {name} has {len(view.shape)} dimensions.")
    if view.offset + elements_spanned(view.shape, view.strides) > storage.elements:
        raise ModelFilesError(f"{path}: {name} reaches outside its storage.")
    contiguous = view.strides == row_major_strides(view.shape)
    return StoredTensor(
        name,
        view.shape,
        storage.dtype,
        path,
        start + view.offset * storage.dtype.itemsize,
        None if contiguous else view.strides,
    )
