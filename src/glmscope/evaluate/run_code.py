"""Runs the code of an interpreter turn, to see whether it prints the right number.

This is for judging our own small model on questions of our own: a process with limits on time,
memory and files, an empty directory and no inherited environment. It is not a sandbox: the process
has the user's rights and the network. The sandbox room replaces it when it lands; until then
nothing but `glmscope evaluate` may call it.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from glmscope.errors import UsageError

CPU_SECONDS = 5
WALL_SECONDS = 20.0
MEMORY_BYTES = 2**30
FILE_BYTES = 2**20

_LAUNCHER = Path(__file__).with_name("rlimits.py")
_FENCE = re.compile(r"```[^\n`]*\n(.*?)```", re.S)
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")


@dataclass(frozen=True, slots=True)
class CodeResult:
    """What a program printed, and why it failed: the last line of its complaints, or empty."""

    stdout: str
    failure: str


def fenced_code(content: str) -> str | None:
    """The last fenced block, as the original's demo takes it, or None."""
    blocks = _FENCE.findall(content)
    return blocks[-1] if blocks else None


def run_code(code: str) -> CodeResult:
    """Run a program to its end or to its limits. Raises UsageError where there are no limits."""
    if os.name != "posix":
        raise UsageError("Code of a model is judged on Linux and macOS only.")
    arguments = [str(limit) for limit in (CPU_SECONDS, MEMORY_BYTES, FILE_BYTES)]
    with (
        tempfile.TemporaryDirectory() as directory,
        # Files and not pipes: the limit on files then bounds what is printed, too.
        tempfile.TemporaryFile() as stdout,
        tempfile.TemporaryFile() as stderr,
    ):
        process = subprocess.Popen(  # noqa: S603 (this interpreter and our launcher)
            [sys.executable, "-I", str(_LAUNCHER), *arguments],
            cwd=directory,
            env={},
            stdin=subprocess.PIPE,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
        )
        timed_out = False
        try:
            process.communicate(code.encode(errors="replace"), WALL_SECONDS)
        except subprocess.TimeoutExpired:
            timed_out = True
        finally:
            _end_group(process)
        complaints = _written(stderr).strip().splitlines()
        failure = ""
        if timed_out:
            failure = f"it ran for more than {WALL_SECONDS:.0f} s"
        elif process.returncode:
            failure = complaints[-1] if complaints else f"exit status {process.returncode}"
        return CodeResult(_written(stdout), failure)


def last_number(text: str) -> float | None:
    """The last number in a text, thousands with or without commas, or None."""
    numbers = _NUMBER.findall(_THOUSANDS.sub("", text))
    return float(numbers[-1]) if numbers else None


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """End the program with whatever it started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _written(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")
