"""What this machine can do at best: bytes a second from memory, int8 operations a second."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import openvino as ov
from openvino import opset15 as ops

READ_BYTES = 2**30
"""Far more than any cache holds."""

_PASSES = 5
_WIDTH, _ROWS, _MATRICES = 2048, 1024, 4
_LEVELS = 256


def _cores() -> int:
    """Those that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _processor() -> str:
    """What the runtime calls it."""
    return str(ov.Core().get_property("CPU", "FULL_DEVICE_NAME"))


@dataclass
class Machine:
    """The best that was measured so far."""

    cores: int = field(default_factory=_cores)
    processor: str = field(default_factory=_processor)
    bytes_per_second: float = 0.0
    int8_per_second: float = 0.0
    """Multiplications and additions, counted apart."""

    def as_json(self) -> dict[str, Any]:
        """Names and numbers."""
        return asdict(self)


class Gauge:
    """Measures the machine, again and again, into one `Machine`."""

    def __init__(self, read_bytes: int = READ_BYTES) -> None:
        self.machine = Machine()
        self._read_bytes = read_bytes
        self._multiply = Int8Products()

    def measure(self) -> None:
        """Keep what this round reached where it is better than those before."""
        machine = self.machine
        read = read_bandwidth(machine.cores, self._read_bytes)
        machine.bytes_per_second = max(machine.bytes_per_second, read)
        machine.int8_per_second = max(machine.int8_per_second, self._multiply.rate())


def read_bandwidth(cores: int, nbytes: int = READ_BYTES) -> float:
    """Bytes/s that all cores together read from memory: the best of a few passes over `nbytes`."""
    blocks = np.array_split(np.empty(nbytes // 8, np.int64), cores)
    best = 0.0
    with ThreadPoolExecutor(cores) as pool:
        # Pages that nobody wrote to would all be read from the same one.
        list(pool.map(lambda block: block.fill(1), blocks))
        for _ in range(_PASSES):
            started = time.perf_counter()
            list(pool.map(np.max, blocks))
            best = max(best, nbytes / (time.perf_counter() - started))
    return best


class Int8Products:
    """A chain of int8 matrix products in the runtime that serves, on all cores."""

    def __init__(self, width: int = _WIDTH, rows: int = _ROWS) -> None:
        settings = {"INFERENCE_PRECISION_HINT": "f32"}
        self.compiled = ov.Core().compile_model(_int8_products(width), "CPU", settings)
        self._request = self.compiled.create_infer_request()
        self._input = np.random.default_rng(1).uniform(-1, 1, (rows, width)).astype(np.float32)
        self._operations = 2 * rows * width * width * _MATRICES
        self._request.infer([self._input])  # the runtime lays out its weights at the first use

    def rate(self) -> float:
        """Operations/s: the best of a few passes."""
        best = 0.0
        for _ in range(_PASSES):
            started = time.perf_counter()
            self._request.infer([self._input])
            best = max(best, self._operations / (time.perf_counter() - started))
        return best


def _int8_products(width: int) -> ov.Model:
    """Activations rounded to 8 bits before every product, so that the runtime multiplies int8."""
    x = ops.parameter(ov.PartialShape([-1, width]), ov.Type.f32)
    random = np.random.default_rng(0)
    scales = np.full((width, 1), 1 / (128 * width), np.float32)
    low, high = np.float32(-1), np.float32(127 / 128)
    y = x
    for _ in range(_MATRICES):
        rounded = ops.fake_quantize(y, low, high, low, high, _LEVELS)
        integers = ops.constant(random.integers(-127, 128, (width, width), np.int8))
        weights = ops.multiply(ops.convert(integers, "f32"), ops.constant(scales))
        y = ops.matmul(rounded, weights, transpose_a=False, transpose_b=True)
    return ov.Model([y], [x], "int8_products")
