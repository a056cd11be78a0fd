"""Memory between steps: what glibc is told, in a process of its own."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

PROGRAM = """
from glmscope.train.memory import give_back_memory, keep_freed_memory

def resident():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))

assert keep_freed_memory()
before = resident()
block = b"x" * 2**28
del block
kept = resident() - before
give_back_memory()
print(kept, resident() - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc is told about memory")
def test_freed_memory_is_kept_until_it_is_given_back() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, timeout=60
    )
    kept, left = map(int, ran.stdout.split())
    block = 2**18  # KiB
    assert kept > 0.9 * block
    assert left < 0.1 * block
