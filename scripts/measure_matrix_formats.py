"""Time one matrix of the 6B shape in the runtime by the format of its weights.

    python scripts/measure_matrix_formats.py i4:128:128 u4:128:128 i4:256:128 i4:row:128

A format is TYPE:GROUP:ACTIVATIONS: integers of TYPE (i4, u4, i8, u8; `u4z` with a zero point of 8),
a scale for GROUP columns of a row, or for the row, and activations rounded to int8 by groups of
ACTIVATIONS (0: not at all). Four matrices [27392, 4096], more than caches hold, are multiplied with
1, 8, 256 and 1024 rows; printed are milliseconds a matrix, best of several, and what one row reads
and 256 rows compute a second.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
import openvino as ov
from openvino import opset15 as ops

from inference_timing import best_seconds

ROWS, COLUMNS, MATRICES = 27392, 4096, 4
REPEATS = {1: 25, 8: 15, 256: 3, 1024: 2}
"""By the number of rows that are multiplied."""
TYPES = {"i4": ov.Type.i4, "u4": ov.Type.u4, "i8": ov.Type.i8, "u8": ov.Type.u8}


def matrix(kind: str, group: str, kept: list[np.ndarray[Any, Any]], seed: int) -> Any:  # noqa: ANN401
    """A node of float32 [ROWS, COLUMNS]; `kept` gets what has to outlive the graph."""
    element = TYPES[kind.removesuffix("z")]
    width = COLUMNS if group == "row" else int(group)
    count = COLUMNS // width
    stored = COLUMNS if "8" in kind else COLUMNS // 2
    packed = np.random.default_rng(seed).integers(0, 256, (ROWS, stored), np.uint8)
    kept.append(packed)
    shape = [ROWS, COLUMNS] if count == 1 else [ROWS, count, width]
    tensor = ov.Tensor(packed.view(np.int8) if kind == "i8" else packed, ov.Shape(shape), element)
    values = ops.convert(ops.constant(tensor, shared_memory=True), "f32")
    if kind.endswith("z"):
        zero = ov.Tensor(np.array([8], np.uint8), ov.Shape([1] * len(shape)), element)
        values = ops.subtract(values, ops.convert(ops.constant(zero), "f32"))
    scale_shape = [*shape[:-1], 1]
    scales = ops.convert(ops.constant(np.full(scale_shape, 0.002, np.float16)), "f32")
    product = ops.multiply(values, scales)
    return ops.reshape(product, np.array([ROWS, COLUMNS], np.int64), special_zero=False)


def measure(name: str) -> list[float]:
    """Seconds a matrix, for each number of rows."""
    kind, group, activations = name.split(":")
    kept: list[np.ndarray[Any, Any]] = []
    x = ops.parameter(ov.PartialShape([-1, 1, COLUMNS]), ov.Type.f32)
    outputs = [
        ops.matmul(x, matrix(kind, group, kept, seed), transpose_a=False, transpose_b=True)
        for seed in range(MATRICES)
    ]
    properties = {
        "INFERENCE_PRECISION_HINT": "f32",
        "DYNAMIC_QUANTIZATION_GROUP_SIZE": activations,
    }
    compiled = ov.Core().compile_model(ov.Model(outputs, [x], name), "CPU", properties)
    request = compiled.create_infer_request()
    drawn = np.random.default_rng(0)
    seconds = []
    for rows, repeats in REPEATS.items():
        values = drawn.standard_normal((rows, 1, COLUMNS)).astype(np.float32)
        request.set_input_tensor(ov.Tensor(values))
        request.infer()
        seconds.append(best_seconds(request, repeats) / MATRICES)
    return seconds


def main() -> None:
    """Read the command line, measure, print a row a format."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("formats", nargs="+", metavar="TYPE:GROUP:ACTIVATIONS")
    options = parser.parse_args()
    print(f"{'format':14}", *(f"{rows:6} rows" for rows in REPEATS), "   GB/s    GOP/s")
    for name in options.formats:
        seconds = measure(name)
        nbytes = ROWS * COLUMNS * (1 if "8" in name.split(":")[0] else 0.5)
        operations = 2 * ROWS * COLUMNS * 256
        print(
            f"{name:14}",
            *(f"{each * 1e3:8.2f} ms" for each in seconds),
            f"{nbytes / seconds[0] / 1e9:7.1f} {operations / seconds[2] / 1e9:8.0f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
