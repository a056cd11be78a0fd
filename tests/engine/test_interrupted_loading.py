"""Ctrl-C while a network loads: the runtime is waited for, as Python must not end before it."""

from __future__ import annotations

import os
import signal
import threading
import time
from types import SimpleNamespace
from typing import Any

import pytest

from glmscope.engine.worker import Worker


def test_an_interrupt_is_raised_when_the_network_has_loaded() -> None:
    threads: list[threading.Thread] = []
    loaded: list[Any] = []

    def open_pipeline() -> Any:
        threads.append(threading.current_thread())
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.2)
        loaded.append(SimpleNamespace())
        return loaded[0]

    with pytest.raises(KeyboardInterrupt):
        Worker(open_pipeline)
    assert len(loaded) == 1
    assert not threads[0].is_alive()


def test_a_network_that_fails_after_the_interrupt_says_nothing_more() -> None:
    def open_pipeline() -> Any:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.2)
        raise RuntimeError("too late")

    with pytest.raises(KeyboardInterrupt):
        Worker(open_pipeline)
