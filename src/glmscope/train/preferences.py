"""Preference alignment: pairs of a right and a wrong answer, and the loss that tells them apart.

The wrong answers are the model's own. Direct Preference Optimization (Rafailov et al., NeurIPS
2023): no reward model, the tuned model itself is the reference.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from glmscope.errors import UsageError
from glmscope.train.encoding import Example
from glmscope.train.model import IGNORED, ChatGLM
from glmscope.train.settings import Alignment, Optimization


@dataclass(frozen=True, slots=True)
class Pair:
    """One prompt with the answer to prefer and one to avoid, all as token ids."""

    prompt: list[int]
    chosen: list[int]
    rejected: list[int]


@dataclass(frozen=True, slots=True)
class PairBatch:
    """Rows 2i and 2i+1 hold pair i, chosen first: `ids` and `targets` are [2N, S]."""

    ids: NDArray[np.int64]
    targets: NDArray[np.int64]

    @property
    def tokens(self) -> int:
        """Places that are learned from."""
        return int(np.count_nonzero(self.targets != IGNORED))


def last_answer(example: Example) -> tuple[list[int], list[int]]:
    """An example's prompt and the last stretch that is learned."""
    start = len(example)
    while start and example.learned[start - 1]:
        start -= 1
    return list(example.ids[:start]), list(example.ids[start:])


def write_pairs(pairs: Sequence[Pair], path: Path) -> None:
    """One JSON object a line."""
    path.write_text("".join(json.dumps(asdict(pair)) + "\n" for pair in pairs), encoding="utf-8")


def read_pairs(path: Path) -> list[Pair]:
    """What `write_pairs` wrote. Raises UsageError when there is none."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise UsageError(f"Cannot read the pairs {path}: {error.strerror}.") from error
    if not lines:
        raise UsageError(f"{path} holds no pairs: the model made no mistakes to learn from.")
    return [Pair(**json.loads(line)) for line in lines]


def planned_pairs(
    pairs: Sequence[Pair], options: Optimization, rng: random.Random
) -> Iterator[Callable[[], PairBatch]]:
    """Batches without end, made when called, of pairs whose answers fit the longest row."""
    longest = max(options.lengths)
    fitting = [
        pair
        for pair in pairs
        if len(pair.prompt) + max(len(pair.chosen), len(pair.rejected)) <= longest
    ]
    if not fitting:
        raise UsageError(f"No pair fits into {longest} tokens.")
    count = max(1, options.batch_tokens // (2 * longest))
    while True:
        order = rng.sample(fitting, len(fitting))
        for start in range(0, len(order), count):
            yield partial(_batch, order[start : start + count], longest)


def _batch(pairs: Sequence[Pair], length: int) -> PairBatch:
    ids = np.zeros((2 * len(pairs), length), np.int64)
    targets = np.full_like(ids, IGNORED)
    for number, pair in enumerate(pairs):
        for row, answer in ((2 * number, pair.chosen), (2 * number + 1, pair.rejected)):
            begin, end = len(pair.prompt), len(pair.prompt) + len(answer)
            ids[row, :end] = [*pair.prompt, *answer]
            targets[row, begin - 1 : end - 1] = answer
    return PairBatch(ids, targets)


class PreferenceLoss:
    """The DPO loss, plus `anchor` times the plain loss of the chosen answers.

    Without the anchor both answers of a pair may become unlikely together.
    """

    def __init__(self, model: ChatGLM, reference: ChatGLM, options: Alignment) -> None:
        self._model, self._options = model, options
        self._device = next(model.parameters()).device
        self._reference = reference.to(self._device).eval().requires_grad_(False)

    def __call__(self, batch: PairBatch) -> Tensor:
        """The loss of one batch of pairs."""
        ids = torch.from_numpy(batch.ids).to(self._device)
        targets = torch.from_numpy(batch.targets).to(self._device)
        ours = answer_logprobs(self._model, ids, targets)
        with torch.no_grad():
            theirs = answer_logprobs(self._reference, ids, targets)
        gain = (ours - theirs).view(-1, 2)
        margin = self._options.beta * (gain[:, 0] - gain[:, 1])
        chosen_tokens = (targets[::2] != IGNORED).sum()
        plain = -ours[::2].sum() / chosen_tokens
        return -F.logsigmoid(margin).mean() + self._options.anchor * plain


def answer_logprobs(model: ChatGLM, ids: Tensor, targets: Tensor) -> Tensor:
    """Sum of the log-probabilities of each row's learned tokens: [B, S] → [B]."""
    places = targets != IGNORED
    logits = model.transformer.output_layer(model.hidden(ids)[places]).float()
    found = -F.cross_entropy(logits, targets[places], reduction="none")
    rows = places.nonzero()[:, 0]
    return torch.zeros(len(ids), device=ids.device).index_add(0, rows, found)
