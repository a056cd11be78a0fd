"""Two layers put under a trained network, laid so that they find what is to be copied.

The first lets every token know the three before it. The second looks for an earlier place that the
same two or three tokens came before, and passes on the token that stands there: the circuit of
induction heads (Olsson et al., "In-context Learning and Induction Heads", 2022) with a longer
reach, because among digits and letters one token alone tells nothing. A network that is tuned from
random weights does not form it in the time that two cores have (docs/nano.md); laid by hand it is
there from the first step on, and training changes it as it likes.

Room for it: embeddings vary little in most directions. The 5 x 48 directions in which they vary
least carry what the two layers write; the rest tells which token it is.
"""

from __future__ import annotations

import dataclasses
import math

import torch
from torch import Tensor, nn

from glmscope.train.initialization import DEVIATION
from glmscope.train.model import Block, ChatGLM

GROWN_LAYERS = 2
OFFSETS = (1, 2, 3)
"""How far back the heads of a group in the first layer look."""
POSITION_PAIRS = 6
"""The fastest rotary pairs: they tell neighbouring positions apart."""
POSITION_SCORE = 9.0
MATCH_SCORE = 5.0
"""What an equal token adds to the score of a place, before softmax."""
OFFSET_WEIGHTS = ((1.0, 0.8, 0.6), (1.0, 0.9, 0.0))
"""How much each of the tokens before counts, in each of two groups."""
SHARPNESS = (1.0, 0.8, 1.25)
"""What the heads of a group differ in at first."""
SLOW_PAIRS = 6
"""Rotary pairs that turn so slowly that they compare tokens like elements that are not rotated."""
EARLIER_SCALE, FOUND_SCALE = 0.7, 1.5
"""What the layers write, beside embeddings of 1 an element."""
_RIDGE = 1e-3


def can_grow(model: ChatGLM) -> bool:
    """Whether the circuit fits the network's shape."""
    config = model.config
    return (
        config.multi_query_attention
        and config.groups <= len(OFFSET_WEIGHTS)
        and config.num_attention_heads == config.groups * len(OFFSETS)
        and 6 * _signature_size(model) <= config.hidden_size
        and config.rotary_dim >= 2 * max(POSITION_PAIRS, SLOW_PAIRS)
    )


def grow(trained: ChatGLM, counts: Tensor, seed: int) -> ChatGLM:
    """`trained` with two more layers under its own, which stay as they are.

    `counts` [V] tells how often each id stands in what the network was trained on: directions and
    signatures are chosen for the ids that occur. Embeddings are scaled to 1 an element, which the
    next layer's norm takes back. The network must be one that `can_grow`.
    """
    with torch.no_grad():
        return _grown(trained, counts, torch.Generator().manual_seed(seed))


def _grown(trained: ChatGLM, counts: Tensor, generator: torch.Generator) -> ChatGLM:
    config = dataclasses.replace(
        trained.config, num_layers=trained.config.num_layers + GROWN_LAYERS
    )
    model = ChatGLM(config)
    blocks = model.transformer.encoder.layers
    for block, own in zip(blocks[GROWN_LAYERS:], trained.transformer.encoder.layers, strict=True):
        block.load_state_dict(own.state_dict())
    model.transformer.output_layer.load_state_dict(trained.transformer.output_layer.state_dict())
    norm = trained.transformer.encoder.final_layernorm
    model.transformer.encoder.final_layernorm.load_state_dict(norm.state_dict())
    table = trained.transformer.embedding.word_embeddings.weight
    mean_square = (table.square().mean(1) * counts).sum() / counts.sum()
    table = table * mean_square.rsqrt()
    model.transformer.embedding.word_embeddings.weight.copy_(table)

    for block in blocks[:GROWN_LAYERS]:
        _start_idle(block, generator)
    space = _Space(table, counts, _signature_size(model), generator)
    _lay_offsets(model, space)
    _lay_search(model, space, _readable(trained, table, space), generator)
    return model


def _signature_size(model: ChatGLM) -> int:
    return 3 * model.config.head_dim // 4


class _Space:
    """Which directions of the residual stream mean what.

    `signature` [s, H] reads s numbers off an embedding that tell tokens apart, of variance 1 each.
    `earlier`, three of [H, s], is where those of the tokens before are written, `found`, two of
    [H, s], where what the search finds is. `telling` [H, H - 5s] spans the rest.
    """

    def __init__(
        self, table: Tensor, counts: Tensor, size: int, generator: torch.Generator
    ) -> None:
        # Square roots: rare ids have to be told apart, too.
        self.weights = counts.sqrt() / counts.sqrt().sum()
        covariance = (table * self.weights[:, None]).T @ table
        variances, directions = torch.linalg.eigh(covariance)  # the smallest first
        free = 5 * size
        self.telling = directions[:, free:]
        mixed = directions[:, :free] @ _orthogonal(free, free, generator)
        *earlier, first, second = mixed.split(size, dim=1)
        self.earlier, self.found = earlier, (first, second)
        chosen = _orthogonal(self.telling.shape[1], size, generator).T
        self.signature = chosen @ torch.diag(variances[free:].rsqrt()) @ self.telling.T


def _start_idle(block: Block, generator: torch.Generator) -> None:
    """Random weights that write nothing yet."""
    for name, parameter in block.named_parameters():
        if "layernorm" in name:
            nn.init.ones_(parameter)
        elif name.endswith("bias"):
            nn.init.zeros_(parameter)
        else:
            nn.init.normal_(parameter, std=DEVIATION, generator=generator)
    nn.init.zeros_(block.self_attention.dense.weight)
    nn.init.zeros_(block.mlp.dense_4h_to_h.weight)


def _lay_offsets(model: ChatGLM, space: _Space) -> None:
    """Layer 0: head h of each group looks OFFSETS[h] back; those of the first group write it."""
    config = model.config
    attention = model.transformer.encoder.layers[0].self_attention
    projection, width = attention.query_key_value, config.head_dim
    keys, values = config.attention_width, config.attention_width + config.kv_width
    elements = 2 * POSITION_PAIRS
    projection.weight[:values] = 0
    for head in range(config.num_attention_heads):
        back = _direction(model, OFFSETS[head % len(OFFSETS)])
        projection.bias[head * width : head * width + elements] = POSITION_SCORE * back
    for group in range(config.groups):
        start = keys + group * width
        projection.bias[start : start + elements] = POSITION_SCORE * _direction(model, 0)
    size = len(space.signature)
    projection.weight[values : values + size] = space.signature
    for head, place in enumerate(space.earlier):
        attention.dense.weight[:, head * width : head * width + size] = EARLIER_SCALE * place


def _direction(model: ChatGLM, back: int) -> Tensor:
    """Elements that, rotated, point `back` positions behind their own."""
    config = model.config
    exponents = -2 * torch.arange(POSITION_PAIRS) / config.rotary_dim
    angle = -back * torch.as_tensor(config.rotary_base) ** exponents
    return torch.stack((angle.cos(), angle.sin()), dim=1).flatten()


def _lay_search(
    model: ChatGLM, space: _Space, readers: list[Tensor], generator: torch.Generator
) -> None:
    """Layer 1: the current tokens are compared with those before each place.

    `readers`, one of [s, H] a group, read off an embedding what is written as found.
    """
    config = model.config
    attention = model.transformer.encoder.layers[1].self_attention
    weight, width = attention.query_key_value.weight, config.head_dim
    keys, values = config.attention_width, config.attention_width + config.kv_width
    size = len(space.signature)
    compared = torch.arange(config.rotary_dim - 2 * SLOW_PAIRS, width)
    scale = math.sqrt(MATCH_SCORE * math.sqrt(width) / len(compared))
    before = [place.T / EARLIER_SCALE for place in space.earlier]
    weight[:values] = 0
    for group, reader in enumerate(readers):
        mixers = [_orthogonal(size, len(compared), generator).T for _ in OFFSETS]
        asked = sum(m @ r for m, r in zip(mixers, (space.signature, *before), strict=False))
        offered = sum(
            share * m @ r for share, m, r in zip(OFFSET_WEIGHTS[group], mixers, before, strict=True)
        )
        weight[keys + group * width + compared] = scale * offered
        weight[values + group * width : values + group * width + size] = reader
        for number, sharpness in enumerate(SHARPNESS):
            start = (group * len(OFFSETS) + number) * width
            weight[start + compared] = scale * sharpness * asked
            written = FOUND_SCALE / len(OFFSETS) * space.found[group]
            attention.dense.weight[:, start : start + size] = written


def _readable(trained: ChatGLM, table: Tensor, space: _Space) -> list[Tensor]:
    """What to read off an embedding so that the output layer takes it for that token.

    One of [s, H] a group: the linear map from embeddings (least squares) to what the output layer
    looks for in the group's `found` directions.
    """
    weights = space.weights[:, None]
    norm = trained.transformer.encoder.final_layernorm.weight
    output = trained.transformer.output_layer.weight * norm
    told = table @ space.telling
    gram = (told * weights).T @ told + _RIDGE * torch.eye(told.shape[1])
    readers = []
    for place in space.found[: trained.config.groups]:
        looked_for = output @ place
        looked_for = looked_for - (looked_for * weights).sum(0)
        variances, directions = torch.linalg.eigh((looked_for * weights).T @ looked_for)
        target = looked_for @ directions @ torch.diag(variances.rsqrt()) @ directions.T
        reader = torch.linalg.solve(gram, (told * weights).T @ target).T @ space.telling.T
        mean_square = ((table @ reader.T).square().mean(1) * space.weights).sum()
        readers.append(reader * mean_square.rsqrt())
    return readers


def _orthogonal(rows: int, columns: int, generator: torch.Generator) -> Tensor:
    """Random orthonormal columns, or rows where there are fewer of them: [rows, columns]."""
    drawn = torch.randn(max(rows, columns), min(rows, columns), generator=generator)
    basis, _ = torch.linalg.qr(drawn)
    return basis if rows >= columns else basis.T
