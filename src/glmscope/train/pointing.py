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
from torch.nn import functional as F  # noqa: N812 - the name that every PyTorch program uses

from glmscope.model.config import ModelConfig
from glmscope.text.tokenizer import Tokenizer
from glmscope.train.encoding import Example
from glmscope.train.model import ChatGLM, positions_within, rotate

_CERTAIN_RUN = 3
"""Equal tokens in a row that leave no doubt where a text comes from."""
_RARE = 2
"""A single token is taken for a copy if it stands in the prompt that often at most."""
_RARE_IN_LIST = 3
"""A token of a question says something of a tool if the list has it that often at most."""
_COMMON = 200
"""Ids that are taken for particles and the like: of 8192 pieces, those of two thirds of a text."""
_BEFORE_NAME = '\n        "name": "'
"""What stands in front of the name of each tool in the list."""
_OF_A_NAME = 2
"""Tokens of a name that the tokens of its tool look at."""
_OWNER_STEP = 4
"""One in so many tokens of a tool is taught whose it is: there are many."""


class Kind(IntEnum):
    """What a pointer is for, in the order in which a call is worked out."""

    OWNER = 0  # from tokens of a tool in the list, one in a few, to the tool's name
    MATCH = 1  # from each token of a question to the same one in the list of tools
    ASKED = 2  # from where a call begins to the tokens of the question that only its tool has
    TOOL = 3  # from there to the same words in the tool
    BOUND = 4  # from a token of the question that one tool alone has to that tool's name
    NAME = 5  # from where a call begins to the name of its tool, the first of what is copied
    COPY = 6  # from before each token that is copied to where it comes from


@dataclass(frozen=True)
class Heads:
    """The heads of one layer that learn to look where pointers of one kind say."""

    kind: Kind
    layer: int
    heads: tuple[int, ...]


def supervised_heads(config: ModelConfig) -> tuple[Heads, ...]:
    """One head of each group for every kind, layer after layer: each builds on the one below.

    COPY has two layers, and so counts twice in a sum.
    """
    first = tuple(range(0, config.num_attention_heads, config.num_attention_heads // config.groups))
    # Names are found by what copies everything else, and so is the name that a word of a question
    # stands for: the same heads read it there, many times as often, as where a call begins. The
    # first layers are left free, which find what stood before (`growth`). Below six layers kinds
    # share a layer, which serves tests and teaches little.
    last = config.num_layers - 1
    lowest = last - 1 - Kind.BOUND
    found = (Heads(kind, max(lowest + min(kind, Kind.BOUND), 0), first) for kind in Kind)
    # What a token is has to come through few numbers: two layers hold twice as many.
    return (*found, Heads(Kind.COPY, last, first))


def commonest(ids: NDArray[np.int32]) -> NDArray[np.int64]:
    """The ids that come most often among `ids`: what they stand for tells no tool from another."""
    return np.argsort(-np.bincount(ids), kind="stable")[:_COMMON]


class Pointing:
    """Finds the pointers of examples that `tokenizer` has encoded.

    Where a question and a tool have one of `common` in common, they need not be about the same.
    """

    def __init__(self, tokenizer: Tokenizer, common: NDArray[np.int64] | None = None) -> None:
        special = tokenizer.special
        if special.assistant is None or special.user is None:
            raise ValueError("Pointers are for dialogues in roles.")
        self._assistant, self._user = special.assistant, special.user
        pieces = [tokenizer.piece(id_) for id_ in range(tokenizer.piece_count)]
        self._worded = np.zeros(tokenizer.vocab_size, bool)
        self._worded[: len(pieces)] = [any(map(str.isalnum, piece)) for piece in pieces]
        self._line_break = pieces.index("<0x0A>")
        self._worded[self._line_break] = False
        self._telling = self._worded.copy()
        if common is not None:
            self._telling[common] = False
        # Encoded alone, a text begins with a piece for the space that it is given.
        self._before_name = np.array(tokenizer.encode(_BEFORE_NAME)[1:], np.int64)

    def of(self, example: Example) -> NDArray[np.int64]:
        """Pointers [P, 3]: kind, the place that looks, a place to look at.

        A place may have several to look at. What is copied stands before the turn that copies it.
        """
        ids, learned = np.asarray(example.ids, np.int64), np.asarray(example.learned, bool)
        tools = self._tools(ids)
        found = [np.zeros((0, 3), np.int64), *self._owners(tools)]
        for start, end in turns(learned):
            sources = self._sources(ids, start, end)
            places, looked_at = np.nonzero(sources)
            found.append(_rows(Kind.COPY, places + start - 1, looked_at))
            if len(tools) > 1:
                matches = self._matches(ids, start, tools)
                found.append(_rows(Kind.MATCH, matches[:, 0], matches[:, 1]))
                found.append(_bound(tools, matches))
                name = self._name(ids, start, end)
                if name is not None:
                    found += self._choice(name - 1, sources[name - start], tools, matches)
        return np.concatenate(found)

    def _tools(self, ids: NDArray[np.int64]) -> list[range]:
        """The places of each tool in the list that a dialogue begins with, from its name on."""
        users = np.flatnonzero(ids == self._user)
        listed = ids[: int(users[0]) if len(users) else 0]
        if len(listed) < len(self._before_name):
            return []
        windows = np.lib.stride_tricks.sliding_window_view(listed, len(self._before_name))
        same = (windows == self._before_name).all(axis=1)
        names = [int(at) + len(self._before_name) for at in np.flatnonzero(same)]
        ends = [*(name - len(self._before_name) for name in names), len(listed)][1:]
        return [range(name, end) for name, end in zip(names, ends, strict=False)]

    def _owners(self, tools: Sequence[range]) -> Iterator[NDArray[np.int64]]:
        for tool in tools:
            name = np.arange(tool.start, tool.start + _OF_A_NAME)
            places = np.arange(tool.start + _OF_A_NAME, tool.stop, _OWNER_STEP)
            yield _rows(Kind.OWNER, np.repeat(places, len(name)), np.tile(name, len(places)))

    def _matches(
        self, ids: NDArray[np.int64], start: int, tools: Sequence[range]
    ) -> NDArray[np.int64]:
        """[M, 2]: tokens of the question before the turn at `start`, and the same in the list."""
        users = np.flatnonzero(ids[:start] == self._user)
        asked = int(users[-1]) if len(users) else start
        answers = np.flatnonzero(ids[asked:start] == self._assistant)
        answered = asked + int(answers[0]) if len(answers) else start
        listed = slice(tools[0].start, tools[-1].stop)
        equal = ids[asked:answered, None] == ids[None, listed]
        equal &= self._telling[ids[asked:answered], None]
        equal &= equal.sum(axis=1, keepdims=True) <= _RARE_IN_LIST
        return np.argwhere(equal) + np.array([asked, listed.start])

    def _choice(
        self,
        place: int,
        sources: NDArray[np.bool_],
        tools: Sequence[range],
        matches: NDArray[np.int64],
    ) -> Iterator[NDArray[np.int64]]:
        """Which tool `place` calls, whose name stands at one of `sources`, and what asks for it."""
        called = [tool for tool in tools if sources[tool.start]]
        if len(called) != 1:
            return
        (tool,) = called
        inside = (matches[:, 1] >= tool.start) & (matches[:, 1] < tool.stop)
        asking = np.setdiff1d(matches[inside, 0], matches[~inside, 0])
        yield _rows(Kind.ASKED, np.full(len(asking), place), asking)
        asked_for = matches[np.isin(matches[:, 0], asking), 1]
        # A question may share no word with its tool: then any part of the tool is right.
        looked_at = asked_for if len(asked_for) else np.asarray(tool)
        yield _rows(Kind.TOOL, np.full(len(looked_at), place), looked_at)
        names = np.flatnonzero(sources)
        yield _rows(Kind.NAME, np.full(len(names), place), names)

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


def _bound(tools: Sequence[range], matches: NDArray[np.int64]) -> NDArray[np.int64]:
    """From each token of a question that `matches` find in one of `tools` only to its name."""
    inside = [(matches[:, 1] >= tool.start) & (matches[:, 1] < tool.stop) for tool in tools]
    # What stands between tools, such as "name", is none's.
    belongs, tool = np.nonzero(np.stack(inside, axis=1))
    names = np.array([tool.start for tool in tools])[tool]
    matches = matches[belongs]
    pairs = np.unique(np.stack((matches[:, 0], names), axis=1), axis=0)
    places, counts = np.unique(pairs[:, 0], return_counts=True)
    pairs = pairs[np.isin(pairs[:, 0], places[counts == 1])]
    return _rows(Kind.BOUND, pairs[:, 0], pairs[:, 1])


def turns(learned: NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    """Start and end of each stretch that is learned, without one at the very beginning."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], learned, [False])).astype(np.int8)))
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        if start:
            yield int(start), int(end)


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
        right = torch.zeros(lookers.shape[1], documents.shape[1], dtype=torch.bool)
        right = right.to(documents.device)
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
        (q[row][:, places[rows == row]] @ k[row].transpose(1, 2)).transpose(0, 1)
        for row in range(len(q))
    )
    scores = torch.cat(list(each)).float() / q.shape[-1] ** 0.5
    seen = documents[rows] == documents[rows, places][:, None]
    seen &= torch.arange(documents.shape[1], device=documents.device) <= places[:, None]
    return scores.masked_fill(~seen[:, None], float("-inf")).log_softmax(dim=-1)


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
