"""The network of the model specification in plain numpy float64, written from the text alone."""

from __future__ import annotations

import numpy as np

from glmscope.family import Family
from glmscope.model.config import ModelConfig
from tests.support.checkpoints import Tensors


def reference_logits(config: ModelConfig, tensors: Tensors, ids: list[int]) -> np.ndarray:
    """Logits [S, V] of one prompt without padding."""
    weights = {name: tensor.astype(np.float64) for name, tensor in tensors.items()}
    x = weights["transformer.embedding.word_embeddings.weight"][ids]
    for layer in range(config.num_layers):
        name = f"transformer.encoder.layers.{layer}"
        normed = _norm(x, weights[f"{name}.input_layernorm.weight"], config)
        attended = _attention(normed, weights, f"{name}.self_attention", config)
        x = attended + (normed if config.apply_residual_connection_post_layernorm else x)
        normed = _norm(x, weights[f"{name}.post_attention_layernorm.weight"], config)
        u = _linear(normed, weights, f"{name}.mlp.dense_h_to_4h")
        gate, up = u[:, : config.ffn_hidden_size], u[:, config.ffn_hidden_size :]
        inner = gate / (1 + np.exp(-gate)) * up
        down = _linear(inner, weights, f"{name}.mlp.dense_4h_to_h")
        x = down + (normed if config.apply_residual_connection_post_layernorm else x)
    if config.post_layer_norm:
        x = _norm(x, weights["transformer.encoder.final_layernorm.weight"], config)
    return x @ weights["transformer.output_layer.weight"].T


def _norm(x: np.ndarray, weight: np.ndarray, config: ModelConfig) -> np.ndarray:
    return weight * x / np.sqrt((x * x).mean(-1, keepdims=True) + config.layernorm_epsilon)


def _linear(x: np.ndarray, weights: Tensors, name: str) -> np.ndarray:
    return x @ weights[f"{name}.weight"].T + weights.get(f"{name}.bias", 0.0)


def _attention(x: np.ndarray, weights: Tensors, name: str, config: ModelConfig) -> np.ndarray:
    length, heads, d = len(x), config.num_attention_heads, config.head_dim
    qkv = _linear(x, weights, f"{name}.query_key_value")
    if config.multi_query_attention:
        groups = config.multi_query_group_num
        q, k, v = np.split(qkv, [heads * d, (heads + groups) * d], axis=1)
        q = q.reshape(length, heads, d)
        k, v = k.reshape(length, groups, d), v.reshape(length, groups, d)
    else:
        groups = heads
        q, k, v = np.moveaxis(qkv.reshape(length, heads, 3, d), 2, 0)
    q, k = _rotate(q, config), _rotate(k, config)
    future = np.triu(np.ones((length, length), bool), 1)
    context = []
    for head in range(heads):
        group = head // (heads // groups)
        scores = np.where(future, -np.inf, q[:, head] @ k[:, group].T / np.sqrt(d))
        probabilities = np.exp(scores - scores.max(-1, keepdims=True))
        probabilities /= probabilities.sum(-1, keepdims=True)
        context.append(probabilities @ v[:, group])
    return _linear(np.concatenate(context, axis=1), weights, f"{name}.dense")


def _rotate(x: np.ndarray, config: ModelConfig) -> np.ndarray:
    length, _, d = x.shape
    rotated = d // 2
    is_chatglm3 = config.family is Family.CHATGLM3
    base = 10000.0 * (config.rope_ratio if is_chatglm3 else 1.0)
    position = np.arange(length) / (1.0 if is_chatglm3 else config.rope_ratio)
    out = x.copy()
    for j in range(rotated // 2):
        angle = (position * base ** (-2 * j / rotated))[:, None]
        even, odd = x[:, :, 2 * j], x[:, :, 2 * j + 1]
        out[:, :, 2 * j] = even * np.cos(angle) - odd * np.sin(angle)
        out[:, :, 2 * j + 1] = odd * np.cos(angle) + even * np.sin(angle)
    return out
