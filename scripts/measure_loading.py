"""What the first use of a matrix costs the runtime, by layout of the weights and by setting.

    python scripts/measure_loading.py

A chain of square products as wide as a 6B layer is compiled and used. Processor time a weight,
because that does not depend on how many cores work on it; the first use packs the weights.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from typing import Any

import numpy as np
import openvino as ov
from openvino import opset15 as ops

WIDTH = 4096
SETTINGS = {"INFERENCE_PRECISION_HINT": "f32", "DYNAMIC_QUANTIZATION_GROUP_SIZE": "128"}
TYPES = {"i4": ov.Type.i4, "u4": ov.Type.u4, "nf4": ov.Type.nf4, "i8": ov.Type.i8}

CASES: list[tuple[str, str, int, bool, dict[str, str]]] = [
    # what it is called, type, group, rows are outputs, settings
    ("int4 by 128, as converted", "i4", 128, True, {}),
    ("unsigned int4 with a zero point of 8", "u4", 128, True, {}),
    ("nf4 by 128", "nf4", 128, True, {}),
    ("int4 by 32", "i4", 32, True, {}),
    ("int4 by row", "i4", WIDTH, True, {}),
    ("int4 by 128, rows are inputs", "i4", 128, False, {}),
    ("float32 activations", "i4", 128, True, {"DYNAMIC_QUANTIZATION_GROUP_SIZE": "0"}),
    ("bfloat16", "i4", 128, True, {"INFERENCE_PRECISION_HINT": "bf16"}),
    ("two streams of the runtime", "i4", 128, True, {"NUM_STREAMS": "2"}),
    ("int8 by row", "i8", WIDTH, True, {}),
]


def chain(kind: str, group: int, rows_are_outputs: bool, matrices: int) -> ov.Model:
    """`matrices` products, one after another."""
    random = np.random.default_rng(0)
    x = ops.parameter(ov.PartialShape([-1, WIDTH]), ov.Type.f32)
    y = x
    for _ in range(matrices):
        y = ops.matmul(
            y,
            weights(kind, group, rows_are_outputs, random),
            transpose_a=False,
            transpose_b=rows_are_outputs,
        )
    return ov.Model([y], [x])


def weights(kind: str, group: int, rows_are_outputs: bool, random: np.random.Generator) -> Any:  # noqa: ANN401 (openvino.Node has no usable type)
    """A compressed matrix as a node."""
    groups = WIDTH // group
    shape = [WIDTH, groups, group] if rows_are_outputs else [groups, group, WIDTH]
    scale_shape = [WIDTH, groups, 1] if rows_are_outputs else [groups, 1, WIDTH]
    if groups == 1:
        shape, scale_shape = [WIDTH, WIDTH], [WIDTH, 1]
    octets = WIDTH * WIDTH // (1 if kind == "i8" else 2)
    packed = random.integers(0, 256, octets, np.uint8)
    packed = packed.view(np.int8) if kind == "i8" else packed
    tensor = ov.Tensor(packed, ov.Shape(shape), TYPES[kind])
    matrix = ops.convert(ops.constant(tensor, shared_memory=False), "f16")
    if kind == "u4":
        eight = ov.Tensor(np.array([0x08], np.uint8), ov.Shape([1] * len(shape)), ov.Type.u4)
        matrix = ops.subtract(matrix, ops.convert(ops.constant(eight, shared_memory=False), "f16"))
    matrix = ops.multiply(matrix, ops.constant(np.full(scale_shape, 0.01, np.float16)))
    if groups > 1:
        matrix = ops.reshape(matrix, np.array([WIDTH, WIDTH], np.int64), special_zero=False)
    return ops.convert(matrix, "f32")


def processor_seconds() -> float:
    """Of this process, all threads together."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def measure(name: str, model: ov.Model, matrices: int, settings: dict[str, str]) -> None:
    """Compile, use twice, print."""
    compiled = ov.Core().compile_model(model, "CPU", {**SETTINGS, **settings})
    request = compiled.create_infer_request()
    ones = np.ones((1, WIDTH), np.float32)
    before = processor_seconds()
    request.infer([ones])
    first = processor_seconds() - before
    started = time.perf_counter()
    request.infer([ones])
    step = time.perf_counter() - started
    each = 1e9 * first / (matrices * WIDTH * WIDTH)
    print(f"{name:45} {each:5.2f} ns a weight, then {1e3 * step:5.1f} ms a step", flush=True)


def main() -> None:
    """Print a line a case."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--matrices", type=int, default=8)
    matrices = parser.parse_args().matrices
    for name, kind, group, rows_are_outputs, settings in CASES:
        measure(name, chain(kind, group, rows_are_outputs, matrices), matrices, settings)
    model = chain("i4", 128, True, matrices)
    for mode in ("OPTIMIZE_SPEED", "OPTIMIZE_SIZE"):
        with tempfile.TemporaryDirectory() as directory:
            settings = {"CACHE_DIR": directory, "CACHE_MODE": mode}
            measure(f"compiled into a cache, {mode}", model, matrices, settings)
            measure(f"from that cache, {mode}", model, matrices, settings)


if __name__ == "__main__":
    main()
