"""How long the runtime takes to run a network once: what scripts that time single steps share."""

from __future__ import annotations

import time

import openvino as ov


def best_seconds(request: ov.InferRequest, repeats: int) -> float:
    """The shortest of so many runs; other work makes a run longer and none shorter."""
    return min(_seconds(request) for _ in range(repeats))


def _seconds(request: ov.InferRequest) -> float:
    started = time.perf_counter()
    request.infer()
    return time.perf_counter() - started
