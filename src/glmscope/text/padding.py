"""Sequences of different lengths side by side: padded on the left, positions from the first id."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PaddedBatch:
    """Three [batch, width] tables; the mask is 0 on pads, and so are the positions."""

    input_ids: list[list[int]]
    attention_mask: list[list[int]]
    position_ids: list[list[int]]


def pad_left(sequences: Sequence[Sequence[int]], pad_id: int = 0) -> PaddedBatch:
    """Fill every sequence up to the longest (ChatGLM specification, sections 3 and 7.2)."""
    width = max(map(len, sequences), default=0)
    batch = PaddedBatch([], [], [])
    for sequence in sequences:
        real = len(sequence)
        pads = width - real
        batch.input_ids.append([pad_id] * pads + list(sequence))
        batch.attention_mask.append([0] * pads + [1] * real)
        batch.position_ids.append([0] * pads + list(range(real)))
    return batch
