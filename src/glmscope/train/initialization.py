"""Weights to start from: random, and with the circuit that copies already laid.

Tool calls, sums and follow-ups are answered by copying from the prompt. A network learns that
through two heads in a row: one that looks at the token before, and one that looks for an earlier
place whose token before is the current one ("induction heads": Olsson et al., 2022). From random
weights, many millions of tokens pass before they form; a small model trained for an hour on two
cores never gets there. So the first heads of three layers start as those two, which training then
changes as it likes. The idea of a structured start: Trockman and Kolter, "Mimetic Initialization of
Self-Attention Layers", 2023. The difference it makes: docs/nano.md.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from glmscope.train.model import ChatGLM

DEVIATION = 0.02
INDUCTION_LAYERS = (1, 3)
POSITION_PAIRS = 4
"""The fastest rotary pairs: they tell neighbouring positions apart."""
POSITION_SCORE = 7.0
MATCH_SCORE = 1.4
WRITE_SCALE = 0.05
"""What heads add to the residual stream at first, beside embeddings of DEVIATION an element."""


def initialize(model: ChatGLM, seed: int) -> None:
    """Random weights of the usual size, smaller where they write into the residual stream.

    The output layer starts as the embedding, so that a copied embedding is a copied token.
    """
    generator = torch.Generator().manual_seed(seed)
    depth = (2 * model.config.num_layers) ** -0.5
    for name, parameter in model.named_parameters():
        if name.endswith("bias"):
            nn.init.zeros_(parameter)
        elif "layernorm" not in name:
            writes = name.endswith(("dense.weight", "dense_4h_to_h.weight"))
            nn.init.normal_(
                parameter, std=DEVIATION * (depth if writes else 1.0), generator=generator
            )
    with torch.no_grad():
        transformer = model.transformer
        transformer.output_layer.weight.copy_(transformer.embedding.word_embeddings.weight)
        _lay_copying_circuit(model, generator)


def _lay_copying_circuit(model: ChatGLM, generator: torch.Generator) -> None:
    """Head 0 of layer 0 looks one back; head 0 of INDUCTION_LAYERS looks for what it wrote."""
    config = model.config
    layers = [layer for layer in INDUCTION_LAYERS if layer < config.num_layers]
    size, width = config.head_dim, config.hidden_size
    if not layers or (2 + len(layers)) * size > width or not config.multi_query_attention:
        return  # too small to hold it, or rows in another order
    basis, _ = torch.linalg.qr(torch.randn(width, (2 + len(layers)) * size, generator=generator))
    signature, written, *carried = basis.split(size, dim=1)
    blocks = model.transformer.encoder.layers
    first = blocks[0].self_attention
    _look_one_back(model, first.query_key_value)
    _set_value(model, blocks[0], signature, written)
    for layer, directions in zip(layers, carried, strict=True):
        weight = blocks[layer].self_attention.query_key_value.weight
        # Elements that are not rotated compare tokens whatever their distance.
        plain = slice(config.rotary_dim, size)
        key = config.attention_width
        weight[plain] = MATCH_SCORE * signature.T[plain]
        weight[key + config.rotary_dim : key + size] = MATCH_SCORE * written.T[plain]
        _set_value(model, blocks[layer], directions, directions)


def _look_one_back(model: ChatGLM, projection: nn.Linear) -> None:
    """Biases alone: the key points at its own position, the query at the one before."""
    config = model.config
    pairs = min(POSITION_PAIRS, config.rotary_dim // 2)
    exponents = -2 * torch.arange(pairs) / config.rotary_dim
    theta = torch.as_tensor(config.rotary_base) ** exponents
    query, key = slice(0, 2 * pairs), config.attention_width
    projection.weight[query] = 0
    projection.weight[key : key + 2 * pairs] = 0
    direction = torch.stack((torch.cos(-theta), torch.sin(-theta)), dim=1).flatten()
    projection.bias[query] = POSITION_SCORE * direction
    ahead = torch.stack((torch.ones(pairs), torch.zeros(pairs)), dim=1).flatten()
    projection.bias[key : key + 2 * pairs] = POSITION_SCORE * ahead


def _set_value(model: ChatGLM, block: nn.Module, read: Tensor, write: Tensor) -> None:
    """Head 0 of group 0 carries `read` [H, d] of what it looks at into `write` [H, d]."""
    config = model.config
    value = config.attention_width + config.kv_width
    attention = block.self_attention
    attention.query_key_value.weight[value : value + config.head_dim] = read.T
    attention.dense.weight[:, : config.head_dim] = WRITE_SCALE * write
