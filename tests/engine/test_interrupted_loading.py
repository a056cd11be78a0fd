"""Ctrl-C while a network loads: the runtime is waited for, as Python must not end before it.

Each case is a process of its own, which interrupts itself.
"""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import os, signal, threading, time
from types import SimpleNamespace
from glmscope.engine.worker import Worker

signal.signal(signal.SIGINT, signal.default_int_handler)

def open_pipeline():
    threads.append(threading.current_thread())
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(0.2)
    {then}

threads = []
try:
    Worker(open_pipeline)
except KeyboardInterrupt:
    print("interrupted", "while loading" if threads[0].is_alive() else "after loading")
"""


def interrupted(then: str) -> subprocess.CompletedProcess[str]:
    """Of a process whose network loads, and ends loading with `then`."""
    command = [sys.executable, "-c", PROGRAM.format(then=then)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_an_interrupt_is_raised_when_the_network_has_loaded() -> None:
    ended = interrupted("return SimpleNamespace()")
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "interrupted after loading\n", "")


def test_a_network_that_fails_after_the_interrupt_says_nothing_more() -> None:
    ended = interrupted("raise RuntimeError('too late')")
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "interrupted after loading\n", "")
