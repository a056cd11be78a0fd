"""A directory of the golden component layout: the layers of the graph, one by one.

The sub-graphs are the very functions that the network is built from, run by OpenVINO in float32.
Files that are absent are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import openvino as ov
from openvino import opset15 as ops

from glmscope.model.config import ROTARY_BASE
from glmscope.model.layers import apply_rotary, rms_norm, rotary_tables
from glmscope.model.stored_tensor import DType, to_float32
from glmscope.model.weights import Array, Node
from glmscope.parity.golden import Golden
from glmscope.parity.network import EXACT
from glmscope.parity.row import Row, close
from glmscope.parity.sampling import check_sampling

_HALF_FORMATS = {"f16": (DType.F16, 10, -14), "bf16": (DType.BF16, 7, -126)}
"""Stored format, bits of the mantissa, smallest exponent of a normal number."""


def check_components(directory: Path) -> Iterator[Row]:
    """Check every golden component file in `directory`."""
    for name, check in _CHECKS.items():
        path = directory / f"{name}.npz"
        if path.is_file():
            yield from check(name, Golden(path))


def _check_rms_norm(case: str, golden: Golden) -> Iterator[Row]:
    epsilon = float(golden["eps"])
    for dtype in ("f32", "f16", "bf16"):
        if f"{dtype}_x" not in golden:
            continue
        x, weight, expected = (golden[f"{dtype}_{part}"] for part in ("x", "weight", "y"))
        if dtype == "f32":
            actual = _rms_norm(x, weight, epsilon)
            relative = np.abs(actual - expected) / np.maximum(np.abs(expected), 1e-30)
            yield Row(case, "f32, relative", float(relative.max()), 1e-6)
            continue
        stored, mantissa, smallest = _HALF_FORMATS[dtype]
        wide = [to_float32(array, stored) for array in (x, weight, expected)]
        exact = _rms_norm(wide[0], wide[1], epsilon).astype(np.float64)
        unit = np.exp2(np.maximum(np.frexp(exact)[1] - 1, smallest) - mantissa)
        units = np.abs(np.rint(exact / unit) * unit - wide[2]) / unit
        yield Row(case, f"{dtype}, units in the last place", float(units.max()), 1)
        share = float(np.count_nonzero(units) / units.size)
        yield Row(case, f"{dtype}, share of elements off by one", share, 0.02)


def _rms_norm(x: Array, weight: Array, epsilon: float) -> Array:
    return _run(lambda inputs: rms_norm(inputs[0], inputs[1], epsilon), [x, weight])


def _check_rope_tables(case: str, golden: Golden) -> Iterator[Row]:
    """Only float32 tables: lower precision is an option of the original that is not served."""
    for key, expected in golden.items():
        if "_f32" not in key:
            continue
        positions = golden["positions_128k" if key.endswith("_128k") else "positions"]
        ratio = float(key.split("ratio")[1].split("_")[0]) if "ratio" in key else 1.0
        is_chatglm2 = key.startswith("glm2")
        base = ROTARY_BASE * (1.0 if is_chatglm2 else ratio)
        divisor = ratio if is_chatglm2 else 1.0
        rotary_dim = 2 * expected.shape[1]
        actual = _tables(positions[None], rotary_dim, base, divisor)[0]
        near = positions <= 2048
        yield close(case, f"{key}, up to 2048", actual[near], expected[near], 1e-4)
        yield close(case, f"{key}, beyond", actual[~near], expected[~near], 5e-3)


def _tables(positions: Array, rotary_dim: int, base: float, divisor: float) -> Array:
    """cos and sin [B, S, r/2, 2] of positions [B, S]."""

    def build(inputs: list[Node]) -> Node:
        return rotary_tables(inputs[0], rotary_dim, base, divisor)

    sin, cos = np.split(_run(build, [positions]), 2, axis=2)
    return np.stack([cos, sin], axis=3)


def _check_apply_rotary(case: str, golden: Golden) -> Iterator[Row]:
    x = np.ascontiguousarray(golden["x_sbhd"].transpose(1, 0, 2, 3))
    head_dim = x.shape[3]

    def build(inputs: list[Node]) -> Node:
        tables = rotary_tables(inputs[1], head_dim // 2, ROTARY_BASE, 1.0)
        return apply_rotary(inputs[0], tables, head_dim=head_dim, rotary_dim=head_dim // 2)

    actual = _run(build, [x, golden["position_ids"]])
    yield close(case, "rotated", actual.transpose(2, 0, 1, 3), golden["y_sbhd"], 1e-5)


_CHECKS: dict[str, Callable[[str, Golden], Iterator[Row]]] = {
    "rms_norm": _check_rms_norm,
    "rope_tables": _check_rope_tables,
    "apply_rotary": _check_apply_rotary,
    "sampling": check_sampling,
}
COMPONENT_FILES = tuple(_CHECKS)


def _run(build: Callable[[list[Node]], Node], arrays: list[Array]) -> Array:
    """Run a sub-graph over inputs of the arrays' shapes and number formats."""
    inputs = [
        ops.parameter(ov.PartialShape(list(array.shape)), ov.Type(array.dtype)) for array in arrays
    ]
    model = ov.Model([ops.result(build(inputs))], inputs, "component")
    outputs = ov.Core().compile_model(model, "CPU", EXACT).create_infer_request().infer(arrays)
    return np.array(outputs[0])
