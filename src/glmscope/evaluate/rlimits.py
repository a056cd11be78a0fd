"""Runs Python on standard input under limits: `python -I rlimits.py CPU_SECONDS MEMORY FILE`.

A program of its own, because limits have to be set in the process that they are for and a process
with threads must not run Python between `fork` and `exec`. It imports nothing of ours.
"""

from __future__ import annotations

import os
import resource
import sys


def main() -> None:
    """Set the limits (seconds and bytes), then become the interpreter."""
    cpu, memory, file = map(int, sys.argv[1:])
    for limit, value in (
        (resource.RLIMIT_CPU, cpu),
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_FSIZE, file),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 64),
    ):
        resource.setrlimit(limit, (value, value))
    os.execve(sys.executable, [sys.executable, "-I", "-X", "utf8", "-"], {})  # noqa: S606


if __name__ == "__main__":
    main()
