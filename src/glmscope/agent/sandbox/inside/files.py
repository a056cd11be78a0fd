"""The files of /mnt/data, handed in and out. No link is followed, and only files are opened."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from .wire import CHUNK_BYTES, DATA_DIRECTORY

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Opening a pipe must not wait for whoever writes to it.
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_INCOMING = ".incoming"
_LISTING_CHARACTERS = 2**18


class FileRefusedError(Exception):
    """Names the file and why it cannot be had."""


def listing() -> tuple[list[tuple[str, int]], int]:
    """Path below /mnt/data and size of every file, and how many other things lie there.

    Others are links, pipes, what has a name that is not UTF-8, what cannot be read, and what has
    no more room in the message.
    """
    found: list[tuple[str, int]] = []
    unreadable: list[OSError] = []
    others, room = 0, _LISTING_CHARACTERS
    walk = os.fwalk(DATA_DIRECTORY, onerror=unreadable.append, follow_symlinks=False)
    for directory, directories, names, handle in walk:
        links = (name for name in directories if _is_link(name, handle))
        others += sum(1 for _ in links)
        for name in names:
            path = os.path.relpath(os.path.join(directory, name), DATA_DIRECTORY)  # noqa: PTH118
            status = os.stat(name, dir_fd=handle, follow_symlinks=False)
            room -= len(path)
            if stat.S_ISREG(status.st_mode) and _is_text(path) and room > 0:
                found.append((path, status.st_size))
            else:
                others += 1
    return sorted(found), others + len(unreadable)


def read(path: str, limit: int) -> Iterator[bytes]:
    """The file's bytes in chunks. Raises FileRefusedError, before the first chunk."""
    *directories, name = path.split("/")
    with _directory(path, directories) as directory:
        try:
            handle = os.open(name, _READ, dir_fd=directory)
        except OSError as error:
            raise _refusal(path, error) from None
    status = os.fstat(handle)
    if not stat.S_ISREG(status.st_mode):
        os.close(handle)
        raise FileRefusedError(f"{path!r} is not a file.")
    with open(handle, "rb") as file:  # noqa: PTH123 (a descriptor)
        if status.st_size > limit:
            raise FileRefusedError(
                f"{path!r} has {status.st_size} bytes; at most {limit} are handed out."
            )
        while data := file.read(CHUNK_BYTES):
            yield data


def write(name: str, chunks: Iterator[bytes]) -> None:
    """Write a new file, in the place of one that has its name. Raises FileRefusedError."""
    with _directory(name, []) as directory:
        try:
            _discard(_INCOMING, directory)
            handle = os.open(_INCOMING, _CREATE, 0o644, dir_fd=directory)
            try:
                with open(handle, "wb") as file:  # noqa: PTH123 (a descriptor)
                    for data in chunks:
                        file.write(data)
                # A link of that name is replaced, not followed.
                os.replace(_INCOMING, name, src_dir_fd=directory, dst_dir_fd=directory)
            finally:
                _discard(_INCOMING, directory)
        except OSError as error:
            raise _refusal(name, error) from None


def _discard(name: str, directory: int) -> None:
    with suppress(FileNotFoundError):
        os.unlink(name, dir_fd=directory)


@contextmanager
def _directory(path: str, names: list[str]) -> Iterator[int]:
    """A handle of the directory that these names lead to, one step at a time."""
    handle = os.open(DATA_DIRECTORY, _DIRECTORY)
    try:
        for name in names:
            inner = os.open(name, _DIRECTORY, dir_fd=handle)
            os.close(handle)
            handle = inner
        yield handle
    except OSError as error:
        raise _refusal(path, error) from None
    finally:
        os.close(handle)


def _refusal(path: str, error: OSError) -> FileRefusedError:
    return FileRefusedError(f"{path!r} cannot be had: {os.strerror(error.errno or 0)}.")


def _is_link(name: str, directory: int) -> bool:
    status = os.stat(name, dir_fd=directory, follow_symlinks=False)
    return stat.S_ISLNK(status.st_mode)


def _is_text(path: str) -> bool:
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
