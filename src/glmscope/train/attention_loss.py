"""Teaches chosen heads to look where pointers say, beside the loss on tokens.

The network stays what it is: only its training knows of this.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - the name that every PyTorch program uses

from glmscope.model.config import ModelConfig
from glmscope.train.model import ChatGLM, positions_within, rotate
from glmscope.train.pointing import Kind

_CHOICES = (Kind.BOUND, Kind.NAME, Kind.FIRST, Kind.TOLD)


@dataclass(frozen=True)
class Heads:
    """The heads of one layer that learn to look where pointers of one kind say."""

    kind: Kind
    layer: int
    heads: tuple[int, ...]

    @property
    def weight(self) -> float:
        """How much they count: half as much again where one place chooses among many."""
        return 1.5 if self.kind in _CHOICES else 1.0


def supervised_heads(config: ModelConfig) -> tuple[Heads, ...]:
    """Heads of each group for every kind, layer after layer: each kind builds on the one below.

    COPY and FIRST have two layers, and so count twice in a sum.
    """
    size = config.num_attention_heads // config.groups
    first = tuple(range(0, config.num_attention_heads, size))
    # What was told has heads of its own: where a copy is due, other places are right for it.
    second = tuple(head + min(1, size - 1) for head in first)
    # Names are found by what copies everything else, and so is the name that a word of a question
    # stands for: the same heads read it there, many times as often, as where a call begins. The
    # first layers are left free, which find what stood before (`growth`). Below six layers kinds
    # share a layer, which serves tests and teaches little.
    last = config.num_layers - 1
    lowest = last - 1 - Kind.BOUND
    steps = {kind: (min(kind, Kind.BOUND), first) for kind in Kind}
    steps |= {Kind.LINK: (Kind.ASKED, second), Kind.TOLD: (Kind.TOOL, second)}
    found = (Heads(kind, max(lowest + step, 0), heads) for kind, (step, heads) in steps.items())
    # What a token is has to come through few numbers: two layers hold twice as many.
    return (*found, Heads(Kind.COPY, last, first), Heads(Kind.FIRST, last, first))


def pointing_losses(
    model: ChatGLM,
    inputs: Sequence[Tensor],
    supervised: Sequence[Heads],
    documents: Tensor,
    pointers: Tensor,
) -> Tensor:
    """-log(attention on the right places) for each of `supervised`, the mean over places and heads.

    `inputs` holds [B, S, H] before the layer of each of `supervised`; `documents` is [B, S];
    `pointers` [P, 4]: row, kind, place, place looked at. 0 where there is nothing to look at.
    """
    losses = []
    projected: dict[tuple[int, tuple[int, ...]], tuple[Tensor, Tensor]] = {}
    for x, heads in zip(inputs, supervised, strict=True):
        row, _, place, source = pointers[pointers[:, 1] == heads.kind].unbind(1)
        if not len(row):
            losses.append(torch.zeros((), device=documents.device))
            continue
        lookers, at = torch.unique(torch.stack((row, place)), dim=1, return_inverse=True)
        shape = (lookers.shape[1], documents.shape[1])
        right = torch.zeros(shape, dtype=torch.bool, device=documents.device)
        right[at, source] = True
        shared = (heads.layer, heads.heads)
        if shared not in projected:
            projected[shared] = _queries_and_keys(model, heads, x, documents)
        attention = _log_attention(*projected[shared], documents, lookers)
        hit = attention.masked_fill(~right[:, None], float("-inf")).logsumexp(dim=2)
        losses.append(-hit.mean())
    return torch.stack(losses)


def _queries_and_keys(
    model: ChatGLM, heads: Heads, x: Tensor, documents: Tensor
) -> tuple[Tensor, Tensor]:
    """Q and K [B, heads, S, d] of some heads of a layer on its input `x` [B, S, H], turned."""
    block = model.transformer.encoder.layers[heads.layer]
    attention = block.self_attention
    linear = attention.query_key_value
    numbers = torch.arange(linear.out_features, device=x.device)[None, None]
    q_rows, k_rows, _ = attention.split_heads(numbers)
    groups = [head // (attention.heads // attention.groups) for head in heads.heads]
    rows = torch.cat((q_rows[0, 0, list(heads.heads)], k_rows[0, 0, groups])).flatten()
    bias = None if linear.bias is None else linear.bias[rows]
    both = F.linear(block.input_layernorm(x), linear.weight[rows], bias)
    both = both.unflatten(-1, (-1, attention.head_dim))
    turned = rotate(both, model.rotary[positions_within(documents)]).transpose(1, 2)
    q, k = turned.split(len(groups), dim=1)
    return q, k


def _log_attention(q: Tensor, k: Tensor, documents: Tensor, lookers: Tensor) -> Tensor:
    """Logarithms of the attention [N, heads, S] at the rows and places `lookers` [2, N], which are
    sorted by row."""
    rows, places = lookers
    # Row after row: few of all scores [B, heads, S, S] are looked at.
    each = (
        (queries[:, places[rows == row]] @ keys.transpose(1, 2)).transpose(0, 1)
        for row, (queries, keys) in enumerate(zip(q.unbind(), k.unbind(), strict=True))
    )
    scores = torch.cat(list(each)).float() / q.shape[-1] ** 0.5
    seen = documents[rows] == documents[rows, places][:, None]
    seen &= torch.arange(documents.shape[1], device=documents.device) <= places[:, None]
    return scores.masked_fill(~seen[:, None], float("-inf")).log_softmax(dim=-1)
