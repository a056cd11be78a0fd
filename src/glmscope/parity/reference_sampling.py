"""The score chain of the original, as a formula: what the serving sampler is measured against.

Source: model specification, section 9. Order: repetition penalty, guard against invalid scores,
temperature, top-k, top-p, softmax.
"""

from __future__ import annotations

import numpy as np

from glmscope.model.weights import Array

_GUARD_ID = 5
_GUARD_SCORE = 5e4


def processed_scores(
    logits: Array,
    previous_ids: Array,
    *,
    temperature: float,
    top_k: int,
    top_p: float,
    repetition_penalty: float,
) -> Array:
    """Scores [B, V] of `logits` [B, V] after prompt and reply so far `previous_ids` [B, S].

    Removed ids are -inf. `top_k` 0 and `top_p` 1 are off.
    """
    scores = _penalized(logits.astype(np.float32), previous_ids, repetition_penalty)
    scores = guarded(scores) / np.float32(temperature)
    if top_k:
        kth = np.sort(scores, axis=1)[:, -min(top_k, scores.shape[1])]
        scores = np.where(scores < kth[:, None], -np.inf, scores)  # ties with the k-th stay
    if top_p < 1:
        order = np.argsort(scores, axis=1, kind="stable")
        cumulative = np.cumsum(probabilities(np.take_along_axis(scores, order, 1)), axis=1)
        remove = cumulative <= 1 - top_p
        remove[:, -1] = False
        removed = np.zeros_like(remove)
        np.put_along_axis(removed, order, remove, axis=1)
        scores = np.where(removed, -np.inf, scores)
    return scores.astype(np.float32)


def guarded(scores: Array) -> Array:
    """If any score of the batch is NaN or infinite, all become 0 but that of id 5."""
    if np.isfinite(scores).all():
        return scores
    replaced = np.zeros_like(scores)
    replaced[:, _GUARD_ID] = _GUARD_SCORE
    return replaced


def probabilities(scores: Array) -> Array:
    """Softmax over the last axis."""
    shifted = np.exp(scores - scores.max(axis=-1, keepdims=True))
    result: Array = shifted / shifted.sum(axis=-1, keepdims=True)
    return result


def _penalized(scores: Array, previous_ids: Array, penalty: float) -> Array:
    if penalty == 1.0:
        return scores
    seen = np.take_along_axis(scores, previous_ids, 1)
    seen = np.where(seen < 0, seen * penalty, seen / penalty).astype(scores.dtype)
    penalized: Array = scores.copy()
    np.put_along_axis(penalized, previous_ids, seen, axis=1)
    return penalized
