"""Keeps glibc from giving memory back between steps, to ask for it again at once."""

from __future__ import annotations

import ctypes
import sys

# Options of mallopt(3). No blocks of their own from the kernel, which go back when they are freed:
_M_MMAP_MAX = -4
# … free memory at the end stays, and more of it is asked for at a time.
_M_TRIM_THRESHOLD = -1
_M_TOP_PAD = -2


def keep_freed_memory() -> bool:
    """Let what is freed be used again as it is, in the whole process; False where glibc is not.

    A step frees and asks for the same sizes all the time, and pages fresh from the kernel cost
    time of their own (`scripts/measure_training.py`).
    """
    mallopt = _glibc("mallopt")
    if mallopt is None:
        return False
    sizes = {_M_MMAP_MAX: 0, _M_TRIM_THRESHOLD: 2**31 - 1, _M_TOP_PAD: 2**28}
    return all(mallopt(option, size) == 1 for option, size in sizes.items())


def give_back_memory() -> None:
    """Return what is free now: over hundreds of steps it falls to pieces that nothing fits in."""
    trim = _glibc("malloc_trim")
    if trim is not None:
        trim(0)


def _glibc(name: str) -> ctypes._NamedFuncPointer | None:
    return getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None
