"""The layers of the network as OpenVINO sub-graphs (model specification, section 2).

Shapes: B batch, S new tokens, T = past + S keys, A query heads, G KV groups, d head width,
r = d / 2 rotated elements. Everything is float32 in the graph; the runtime may lower it.
"""

from __future__ import annotations

import numpy as np
from openvino import opset15 as ops

from glmscope.model.weights import Array, Node, constant

_TO_THE_END = np.iinfo(np.int32).max


def ints(*values: int) -> Node:
    """A constant vector of int64, for shapes and axes."""
    return ops.constant(np.array(values, np.int64))


def rms_norm(x: Node, weight: Node, epsilon: float) -> Node:
    """RMSNorm over the last axis: weight * (x / rms), in float32 throughout (2.1).

    Where a model runs in half precision, rounding the result is its single rounding.
    """
    mean_square = ops.reduce_mean(ops.power(x, np.float32(2.0)), ints(-1), keep_dims=True)
    root = ops.sqrt(ops.add(mean_square, np.float32(epsilon)))
    return ops.multiply(weight, ops.multiply(x, ops.divide(np.float32(1.0), root)))


def inverse_frequencies(rotary_dim: int, base: float) -> Array:
    """theta_j = 1 / base^(2j/r) for the r/2 pairs, float32 (2.3).

    The power is rounded once from float64: that gives the original's own float32 numbers, where
    numpy's float32 power is an ulp off and puts angles at position 100,000 off by 0.004.
    """
    exponents = np.arange(0, rotary_dim, 2, dtype=np.float32) / np.float32(rotary_dim)
    powers = np.power(float(base), exponents.astype(np.float64)).astype(np.float32)
    frequencies: Array = np.float32(1.0) / powers
    return frequencies


def rotary_tables(positions: Node, rotary_dim: int, base: float, position_divisor: float) -> Node:
    """sin, then cos, of `positions` [B, S] (int64): [B, S, r], r/2 of each.

    ChatGLM3 long-context checkpoints raise `base`; ChatGLM2's divide the position.
    """
    steps = ops.convert(positions, "f32")
    if position_divisor != 1.0:
        steps = ops.divide(steps, np.float32(position_divisor))
    theta = inverse_frequencies(rotary_dim, base).reshape(1, 1, -1)
    angles = ops.multiply(ops.unsqueeze(steps, ints(2)), constant(theta))
    return ops.concat([ops.sin(angles), ops.cos(angles)], axis=2)


def apply_rotary(x: Node, tables: Node, *, head_dim: int, rotary_dim: int) -> Node:
    """Rotate adjacent pairs of the first `rotary_dim` elements of x [B, S, heads, d] (2.3).

    Gives [B, heads, S, d]. Written as GPT-J's exports have it, transpose included: the runtime
    knows this pattern and runs it as one operation, where another form of it takes twelve.
    """
    half = rotary_dim // 2
    halves = ops.variadic_split(tables, ints(-1), ints(half, -1)).outputs()
    twice = ops.constant(np.repeat(np.arange(half, dtype=np.int32), 2))  # an angle for each pair
    sin, cos = (ops.gather(ops.unsqueeze(each, ints(2)), twice, ints(3)) for each in halves)
    lengths = ints(rotary_dim, head_dim - rotary_dim)
    turning, passed = ops.variadic_split(x, ints(3), lengths).outputs()
    even = ops.slice(turning, ints(0), ints(_TO_THE_END), ints(2), ints(3))
    odd = ops.slice(turning, ints(1), ints(_TO_THE_END), ints(2), ints(3))
    minus_odd = ops.multiply(odd, np.float32(-1.0))
    pairs = ops.concat([ops.unsqueeze(minus_odd, ints(-1)), ops.unsqueeze(even, ints(-1))], axis=-1)
    quarter_turned = ops.reshape(pairs, ints(0, 0, 0, rotary_dim), special_zero=True)
    turned = ops.add(ops.multiply(turning, cos), ops.multiply(quarter_turned, sin))
    return ops.transpose(ops.concat([turned, passed], axis=-1), ints(0, 2, 1, 3))


def repeat_groups(x: Node, groups: int, heads: int, head_dim: int) -> Node:
    """[B, G, T, d] → [B, A, T, d]: query head i reads group i // (A/G), contiguous blocks (2.2)."""
    if groups == heads:
        return x
    each = heads // groups
    shape = ops.shape_of(x, "i64")
    front = ops.gather(shape, ints(0, 1), ints(0))
    back = ops.gather(shape, ints(2, 3), ints(0))
    target = ops.concat([front, ints(each), back], axis=0)
    spread = ops.broadcast(ops.unsqueeze(x, ints(2)), target, "BIDIRECTIONAL")
    return ops.reshape(spread, ints(0, heads, -1, head_dim), special_zero=True)


def causal_mask(input_ids: Node, attention_mask: Node) -> Node:
    """Additive mask [B, 1, S, T]: 0 where query may see key, lowest float elsewhere (3).

    `attention_mask` [B, T] is 0 on pads. Rows of pad queries see nothing; the finite lowest value
    makes their softmax uniform instead of NaN, and nobody reads them.
    """
    new = ops.gather(ops.shape_of(input_ids, "i64"), ints(1), ints(0))
    total = ops.gather(ops.shape_of(attention_mask, "i64"), ints(1), ints(0))
    zero, one = np.int64(0), np.int64(1)
    keys = ops.range(ops.constant(zero), ops.squeeze(total, ints(0)), ops.constant(one), "i64")
    queries = ops.range(ops.constant(zero), ops.squeeze(new, ints(0)), ops.constant(one), "i64")
    absolute = ops.unsqueeze(ops.add(queries, ops.subtract(total, new)), ints(1))
    causal = ops.unsqueeze(ops.less_equal(ops.unsqueeze(keys, ints(0)), absolute), ints(0, 1))
    real = ops.unsqueeze(ops.not_equal(attention_mask, ops.constant(zero)), ints(1, 2))
    lowest = np.float32(np.finfo(np.float32).min)
    return ops.select(ops.logical_and(causal, real), np.float32(0.0), lowest)
