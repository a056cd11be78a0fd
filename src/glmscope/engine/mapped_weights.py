"""The mapped file of weights: what of it lies in memory, and letting go of it.

The runtime maps the file, packs its matrices into memory of its own at their first use, and does
not read them again. Their pages stay until the system is short of memory, and count as ours.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_MAPS = Path("/proc/self/maps")
_EVERY_SECONDS = 0.1


def let_go(path: Path) -> int:
    """Take the pages of `path` out of this process; returns how many bytes of it are mapped.

    What is touched afterwards is read from the file again. Mappings that can be written to are
    left alone, for changes would be lost. 0 where the system does not tell what is mapped (not
    Linux), and where it refuses.
    """
    try:
        file = path.stat()
        lines = _MAPS.read_text(errors="surrogateescape").splitlines()
    except OSError:
        return 0
    mapped = 0
    for line in lines:
        # 7f12a000-7f13b000 r--p 00000000 fe:00 1234  /path
        addresses, rights, _, device, inode, *_ = line.split(maxsplit=5)
        if int(inode) != file.st_ino or _device(device) != file.st_dev or "w" in rights:
            continue
        start, end = (int(address, 16) for address in addresses.split("-"))
        if _advise(start, end - start):
            mapped += end - start
    return mapped


@contextmanager
def letting_go(path: Path) -> Iterator[None]:
    """Let go of `path` again and again while it is read, and at the end: it never lies there whole.

    Raises what the block raises.
    """
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(_EVERY_SECONDS):
            let_go(path)

    thread = threading.Thread(target=watch, name="let-go", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        let_go(path)


def _device(text: str) -> int:
    major, minor = (int(number, 16) for number in text.split(":"))
    return os.makedev(major, minor)


def _advise(start: int, nbytes: int) -> bool:
    libc = ctypes.CDLL(None, use_errno=True)
    advise = libc.madvise
    advise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    return bool(advise(start, nbytes, mmap.MADV_DONTNEED) == 0)
