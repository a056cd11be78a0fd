"""Where attention has to look: at what a token is copied from, and at the tool that a call is for.

Plain training says that a name was wrong and not where the right one stands. Here the places are
worked out from the ids, and chosen heads are taught to look there, beside the loss on tokens. The
network stays what it is: only its training knows of this.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from glmscope.model.config import ModelConfig
from glmscope.text.tokenizer import Tokenizer
from glmscope.train.encoding import Example
from glmscope.train.model import ChatGLM, document_mask, positions_within, rotate

_CERTAIN_RUN = 3
"""Equal tokens in a row that leave no doubt where a text comes from."""
_RARE = 2
"""A single token is taken for a copy if it stands in the prompt that often at most."""
_BEFORE_NAME = 6
"""Tokens in front of a tool's name in the list of tools, which are the same for every tool."""


class Kind(IntEnum):
    """What a pointer is for."""

    COPY = 0
    TOOL = 1


@dataclass(frozen=True)
class Heads:
    """The heads of one layer that learn to look where pointers of one kind say."""

    kind: Kind
    layer: int
    heads: tuple[int, ...]


def supervised_heads(config: ModelConfig) -> tuple[Heads, Heads]:
    """One head of each group: halfway up for tools, since a name has to be copied after that, and
    at three quarters for copies."""
    first = tuple(range(0, config.num_attention_heads, config.num_attention_heads // config.groups))
    return (
        Heads(Kind.TOOL, config.num_layers // 2, first),
        Heads(Kind.COPY, config.num_layers * 3 // 4, first),
    )


class Pointing:
    """Finds the pointers of examples that `tokenizer` has encoded."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        special = tokenizer.special
        if special.assistant is None or special.user is None:
            raise ValueError("Pointers are for dialogues in roles.")
        self._assistant, self._user = special.assistant, special.user
        pieces = [tokenizer.piece(id_) for id_ in range(tokenizer.piece_count)]
        self._worded = np.zeros(tokenizer.vocab_size, bool)
        self._worded[: len(pieces)] = [any(map(str.isalnum, piece)) for piece in pieces]
        self._line_break = pieces.index("<0x0A>")
        self._worded[self._line_break] = False

    def of(self, example: Example) -> NDArray[np.int64]:
        """Pointers [P, 3]: kind, the place that predicts a token, a place to look at for it.

        A place may have several to look at. Sources lie before the turn that copies them.
        """
        ids, learned = np.asarray(example.ids, np.int64), np.asarray(example.learned, bool)
        found: list[NDArray[np.int64]] = [np.zeros((0, 3), np.int64)]
        for start, end in turns(learned):
            sources = self._sources(ids, start, end)
            places, looked_at = np.nonzero(sources)
            found.append(_rows(Kind.COPY, places + start - 1, looked_at))
            name = self._name(ids, start, end)
            if name is not None and sources[name - start].any():
                tool = self._tool(ids, int(np.flatnonzero(sources[name - start])[0]))
                found.append(_rows(Kind.TOOL, np.full(len(tool), name - 1), tool))
        return np.concatenate(found)

    def _sources(self, ids: NDArray[np.int64], start: int, end: int) -> NDArray[np.bool_]:
        """[end - start, start]: which earlier places each token of a turn may be copied from."""
        equal = ids[start:end, None] == ids[None, :start]
        equal &= self._worded[ids[start:end], None]
        runs = _runs(equal)
        longest = runs.max(axis=1, keepdims=True, initial=0)
        rare = equal.sum(axis=1, keepdims=True) <= _RARE
        enough = np.where(rare, 1, 2)
        return equal & (runs >= np.maximum(enough, np.minimum(longest, _CERTAIN_RUN)))

    def _name(self, ids: NDArray[np.int64], start: int, end: int) -> int | None:
        """The place of the first token of the name in a turn that is a call."""
        if ids[start - 1] != self._assistant:
            return None
        words = np.flatnonzero(self._worded[ids[start:end]])
        breaks = np.flatnonzero(ids[start:end] == self._line_break)
        if not len(words) or not len(breaks) or breaks[0] < words[0]:
            return None
        return start + int(words[0])

    def _tool(self, ids: NDArray[np.int64], name: int) -> NDArray[np.int64]:
        """The places of the tool whose name stands at `name`; none if no other one is offered."""
        users = np.flatnonzero(ids == self._user)
        listed = int(users[0]) if len(users) else len(ids)
        if not _BEFORE_NAME <= name < listed:
            return np.zeros(0, np.int64)
        windows = np.lib.stride_tricks.sliding_window_view(ids[:listed], _BEFORE_NAME)
        same = (windows == ids[name - _BEFORE_NAME : name]).all(axis=1)
        names = np.flatnonzero(same) + _BEFORE_NAME
        if len(names) < 2:
            return np.zeros(0, np.int64)
        later = names[names > name]
        return np.arange(name, int(later[0]) - _BEFORE_NAME if len(later) else listed)


def turns(learned: NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    """Start and end of each stretch that is learned, without one at the very beginning."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], learned, [False])).astype(np.int8)))
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        if start:
            yield int(start), int(end)


def pointing_loss(
    model: ChatGLM,
    inputs: Sequence[Tensor],
    supervised: Sequence[Heads],
    documents: Tensor,
    pointers: Tensor,
) -> Tensor:
    """-log(attention on the right places): the sum over kinds of the mean over places and heads.

    `inputs` holds [B, S, H] before the layer of each of `supervised`; `documents` is [B, S];
    `pointers` [P, 4]: row, kind, place, place looked at. 0 where there is nothing to look at.
    """
    total = documents.new_zeros((), dtype=torch.float32)
    for x, heads in zip(inputs, supervised, strict=True):
        row, _, place, source = pointers[pointers[:, 1] == heads.kind].unbind(1)
        batch, length = documents.shape
        right = torch.zeros(batch, length, length, dtype=torch.bool, device=documents.device)
        right[row, place, source] = True
        rows, places = right.any(dim=2).nonzero(as_tuple=True)
        attention = _log_attention(model, heads, x, documents)[rows, :, places]
        hit = attention.masked_fill(~right[rows, places][:, None], float("-inf")).logsumexp(dim=2)
        if len(rows):
            total = total - hit.mean()
    return total


def _log_attention(model: ChatGLM, heads: Heads, x: Tensor, documents: Tensor) -> Tensor:
    """Logarithms of the attention [B, heads, S, S] of some heads of a layer on its input `x`."""
    block = model.transformer.encoder.layers[heads.layer]
    attention = block.self_attention
    rotary = model.rotary[positions_within(documents)]
    q, k, _ = attention.split_heads(attention.query_key_value(block.input_layernorm(x)))
    groups = [head // (attention.heads // attention.groups) for head in heads.heads]
    q = rotate(q[:, :, list(heads.heads)], rotary).transpose(1, 2)
    k = rotate(k[:, :, groups], rotary).transpose(1, 2)
    scores = (q @ k.transpose(2, 3)).float() / attention.head_dim**0.5
    return (scores + document_mask(documents, scores.dtype)).log_softmax(dim=-1)


def _runs(equal: NDArray[np.bool_]) -> NDArray[np.int16]:
    """For each pair of equal tokens, how many equal pairs lie in a row on its diagonal."""
    forward, backward = equal.astype(np.int16), equal.astype(np.int16)
    for place in range(len(equal) - 2, -1, -1):
        forward[place, :-1] += forward[place, :-1] * forward[place + 1, 1:]
    for place in range(1, len(equal)):
        backward[place, 1:] += backward[place, 1:] * backward[place - 1, :-1]
    return forward + backward - equal


def _rows(kind: Kind, places: NDArray[np.int64], sources: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.stack((np.full(len(places), int(kind)), places, sources), axis=1)
