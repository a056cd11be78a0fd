"""The ChatGLM2/ChatGLM3 network as one OpenVINO graph (model specification, sections 2, 3, 6).

Inputs, all named as OpenVINO GenAI expects them:

    input_ids       int64 [B, S]   new tokens
    attention_mask  int64 [B, T]   1 for real tokens; T = cached + new
    position_ids    int64 [B, S]
    beam_idx        int32 [B]      which cached row each row continues

Output `logits` float32 [B, S, V]. The KV cache lives in the graph as `ReadValue`/`Assign` pairs,
float32 [B, G, T, d], keys already rotated. The serving pipeline replaces them by paged attention.

A P-Tuning v2 prefix of P virtual tokens becomes P extra ids V … V+P-1 that a prompt starts with:
their keys and values are looked up instead of projected, and positions count from -P, so real
tokens still start at 0. Nothing else in the graph or in serving knows about prefixes.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
import openvino as ov
from openvino import opset15 as ops
from openvino.op.util import Variable, VariableInfo

from glmscope.model.config import ModelConfig
from glmscope.model.layers import (
    apply_rotary,
    causal_mask,
    ints,
    repeat_groups,
    rms_norm,
    rotary_tables,
)
from glmscope.model.weights import Array, Matrix, Node, constant, linear, matrix_node


class Weights(Protocol):
    """Where the graph takes its tensors from, by their published names.

    The graph shares the memory of matrices: whoever implements this keeps each one it has given
    out until the graph is gone. Vectors are copied.
    """

    def matrix(self, name: str) -> Matrix:
        """A matrix [out, in], dense or quantized."""
        ...

    def vector(self, name: str) -> Array:
        """A norm weight or bias, float32."""
        ...


def build_graph(
    config: ModelConfig, weights: Weights, *, prefix_kv: Array | None = None
) -> ov.Model:
    """Build the network of `config` over `weights`, which has to outlive the graph.

    `prefix_kv` float32 [layers, 2, P, G, d] is a P-Tuning v2 prefix. The nodes `hidden.0`
    (embedding) … `hidden.L` (after the last block) and `hidden.final` (after the final norm) are
    named so that a check can look at them.
    """
    return _Builder(config, weights, prefix_kv).build()


def build_block(
    config: ModelConfig, weights: Weights, layer: int, prefix_kv: Array | None = None
) -> ov.Model:
    """Block `layer`, from 0, by itself and without a cache, for whole texts: [B, S, H] → [B, S, H].

    Inputs are `hidden` float32 [B, S, H], `attention_mask` int64 [B, P + S] and `position_ids`
    int64 [B, S], which count from 0; the output is `hidden` of the next block. Keys and values of
    the P virtual tokens of `prefix_kv` are part of the graph. Each product with a matrix has the
    matrix's name without ".weight"; the one that is used in halves has ".gate" and ".up" after it.
    """
    return _BlockBuilder(config, weights, prefix_kv).build_block(layer)


class _Builder:
    def __init__(self, config: ModelConfig, weights: Weights, prefix_kv: Array | None) -> None:
        self.config = config
        self.weights = weights
        self.prefix_kv = prefix_kv
        self.prefix_length = 0 if prefix_kv is None else int(prefix_kv.shape[2])
        self.assigns: list[Node] = []

    def build(self) -> ov.Model:
        config = self.config
        self.input_ids = _input("input_ids", ov.Type.i64, [-1, -1])
        self.attention_mask = _input("attention_mask", ov.Type.i64, [-1, -1])
        position_ids = _input("position_ids", ov.Type.i64, [-1, -1])
        self.beam_idx = _input("beam_idx", ov.Type.i32, [-1])
        positions = position_ids
        if self.prefix_length:
            positions = ops.subtract(position_ids, np.int64(self.prefix_length))
        self._place(self.input_ids, positions)

        x = _named(self._embedding(), "hidden.0")
        for layer in range(config.num_layers):
            x = _named(self._block(x, layer), f"hidden.{layer + 1}")
        if config.post_layer_norm:
            x = _named(self._norm(x, "transformer.encoder.final_layernorm"), "hidden.final")
        result = ops.result(self._logits(x))
        result.output(0).set_names({"logits"})
        inputs = [self.input_ids, self.attention_mask, position_ids, self.beam_idx]
        return ov.Model([result], self.assigns, inputs, "chatglm")

    def _place(self, new: Node, positions: Node) -> None:
        """What attention knows of the S tokens of `new` [B, S, …] at `positions` [B, S]."""
        config = self.config
        self.rotary = rotary_tables(
            positions, config.rotary_dim, config.rotary_base, config.rotary_position_divisor
        )
        self.mask = causal_mask(new, self.attention_mask)

    def _embedding(self) -> Node:
        ids = self.input_ids
        if self.prefix_length:  # a virtual token's own embedding is never read; any row will do
            ids = ops.minimum(ids, np.int64(self.config.padded_vocab_size - 1))
        table = self.weights.matrix("transformer.embedding.word_embeddings.weight")
        return ops.gather(matrix_node(table), ids, np.int64(0))

    def _logits(self, x: Node) -> Node:
        name = "transformer.output_layer"
        logits = linear(x, self.weights.matrix(f"{name}.weight"), name=name)
        if not self.prefix_length:
            return logits
        # The sampler indexes logits by prompt id, and prompts hold the virtual ids.
        shape = ops.shape_of(logits, "i64")
        front = ops.gather(shape, ints(0, 1), ints(0))
        extra = ops.concat([front, ints(self.prefix_length)], axis=0)
        never = ops.broadcast(np.float32(np.finfo(np.float32).min), extra)
        return ops.concat([logits, never], axis=2)

    def _norm(self, x: Node, name: str) -> Node:
        weight = constant(self.weights.vector(f"{name}.weight"))
        return rms_norm(x, weight, self.config.layernorm_epsilon)

    def _linear(self, x: Node, name: str, has_bias: bool) -> Node:
        bias = self.weights.vector(f"{name}.bias") if has_bias else None
        return linear(x, self.weights.matrix(f"{name}.weight"), bias, name)

    def _block(self, x: Node, layer: int) -> Node:
        config = self.config
        name = f"transformer.encoder.layers.{layer}"
        normed = self._norm(x, f"{name}.input_layernorm")
        residual = normed if config.apply_residual_connection_post_layernorm else x
        x = ops.add(residual, self._attention(normed, f"{name}.self_attention", layer))
        normed = self._norm(x, f"{name}.post_attention_layernorm")
        residual = normed if config.apply_residual_connection_post_layernorm else x
        return ops.add(residual, self._mlp(normed, f"{name}.mlp"))

    def _mlp(self, x: Node, name: str) -> Node:
        """silu(first half) * second half, then back to [B, S, h] (2.5)."""
        has_bias, width = self.config.add_bias_linear, self.config.ffn_hidden_size
        name_both = f"{name}.dense_h_to_4h"
        both = self.weights.matrix(f"{name_both}.weight")
        biases: tuple[Array | None, Array | None] = None, None
        if has_bias:
            gate_bias, up_bias = np.split(self.weights.vector(f"{name_both}.bias"), 2)
            biases = gate_bias, up_bias
        # Two products: cutting the result of one in half would copy it, and silu could not be
        # applied while it is written.
        gate = linear(x, both.rows(0, width), biases[0], f"{name_both}.gate")
        up = linear(x, both.rows(width, 2 * width), biases[1], f"{name_both}.up")
        inner = ops.multiply(ops.swish(gate), up)
        return self._linear(inner, f"{name}.dense_4h_to_h", has_bias)

    def _attention(self, x: Node, name: str, layer: int) -> Node:
        config = self.config
        heads, groups, width = config.num_attention_heads, config.groups, config.head_dim
        qkv = self._linear(x, f"{name}.query_key_value", config.has_qkv_bias)
        query, key, value = self._split_heads(qkv)
        order = ints(0, 2, 1, 3)
        query, key = self._rotate(query), self._rotate(key)
        value = ops.transpose(value, order)
        if self.prefix_kv is not None:
            key = self._look_up_prefix(key, self.prefix_kv[layer, 0])
            value = self._look_up_prefix(value, self.prefix_kv[layer, 1])
        keys = self._cached(key, f"{layer}.key")
        values = self._cached(value, f"{layer}.value")
        context = ops.scaled_dot_product_attention(
            query,
            repeat_groups(keys, groups, heads, width),
            repeat_groups(values, groups, heads, width),
            self.mask,
            ops.constant(np.float32(1.0 / np.sqrt(width))),
            False,
        )
        merged = ops.reshape(
            ops.transpose(context, order), ints(0, 0, heads * width), special_zero=True
        )
        return self._linear(merged, f"{name}.dense", config.add_bias_linear)

    def _split_heads(self, qkv: Node) -> tuple[Node, Node, Node]:
        """[B, S, rows] → query [B, S, A, d], key and value [B, S, G, d] (2.2)."""
        config = self.config
        heads, groups, width = config.num_attention_heads, config.groups, config.head_dim
        if not config.multi_query_attention:  # rows are interleaved: Q, K, V of head 0, of head 1 …
            threes = ops.reshape(qkv, ints(0, 0, heads, 3 * width), special_zero=True)
            lengths = ints(width, width, width)
            return tuple(ops.variadic_split(threes, ints(3), lengths).outputs())
        rows = ints(heads * width, groups * width, groups * width)
        parts = ops.variadic_split(qkv, ints(2), rows).outputs()
        query, key, value = (
            ops.reshape(part, ints(0, 0, count, width), special_zero=True)
            for part, count in zip(parts, (heads, groups, groups), strict=True)
        )
        return query, key, value

    def _rotate(self, x: Node) -> Node:
        """[B, S, heads, d] → [B, heads, S, d]."""
        config = self.config
        return apply_rotary(x, self.rotary, head_dim=config.head_dim, rotary_dim=config.rotary_dim)

    def _look_up_prefix(self, projected: Node, stored: Array) -> Node:
        """Replace rows of virtual ids in [B, G, S, d] by rows of `stored` [P, G, d]."""
        vocabulary = self.config.padded_vocab_size
        offset = ops.subtract(self.input_ids, np.int64(vocabulary))
        is_virtual = ops.greater_equal(offset, np.int64(0))
        row = ops.maximum(offset, np.int64(0))
        gathered = ops.gather(constant(stored.astype(np.float32)), row, np.int64(0))
        virtual = ops.transpose(gathered, ints(0, 2, 1, 3))
        return ops.select(ops.unsqueeze(is_virtual, ints(1, 3)), virtual, projected)

    def _cached(self, new: Node, name: str) -> Node:
        """Append `new` [B, G, S, d] to the cache variable and give all T positions back."""
        config = self.config
        index, kind = name.split(".")
        info = VariableInfo()
        info.data_shape = ov.PartialShape([-1, config.groups, -1, config.head_dim])
        info.data_type = ov.Type.f32
        info.variable_id = f"past_key_values.{index}.{kind}present.{index}.{kind}"
        variable = Variable(info)
        batch = ops.gather(ops.shape_of(self.input_ids, "i64"), ints(0), ints(0))
        shape = ops.concat([batch, ints(config.groups, 0, config.head_dim)], axis=0)
        empty = ops.broadcast(np.float32(0.0), shape)
        past = ops.gather(ops.read_value(empty, variable), self.beam_idx, np.int64(0))
        whole = ops.concat([past, new], axis=2)
        self.assigns.append(ops.assign(whole, variable))
        return whole


class _BlockBuilder(_Builder):
    def build_block(self, layer: int) -> ov.Model:
        hidden = _input("hidden", ov.Type.f32, [-1, -1, self.config.hidden_size])
        self.attention_mask = _input("attention_mask", ov.Type.i64, [-1, -1])
        positions = _input("position_ids", ov.Type.i64, [-1, -1])
        self._place(hidden, positions)
        result = ops.result(self._block(hidden, layer))
        return ov.Model([result], [hidden, self.attention_mask, positions], "block")

    def _look_up_prefix(self, projected: Node, stored: Array) -> Node:
        """Put `stored` [P, G, d] in front of [B, G, S, d]."""
        shape = ops.shape_of(projected, "i64")
        front = ops.gather(shape, ints(0), ints(0))
        target = ops.concat([front, ints(stored.shape[1], len(stored), stored.shape[2])], axis=0)
        prefix = constant(stored.transpose(1, 0, 2).astype(np.float32))
        return ops.concat([ops.broadcast(prefix, target), projected], axis=2)

    def _cached(self, new: Node, name: str) -> Node:
        return new


def _input(name: str, element: ov.Type, shape: list[int]) -> Node:
    node = ops.parameter(ov.PartialShape(shape), element)
    node.output(0).set_names({name})
    return _named(node, name)  # the serving pipeline finds inputs by this name, too


def _named(node: Node, name: str) -> Node:
    node.set_friendly_name(name)
    return node
