"""How the choices of a reply draw, and how one draws that has to try again."""

from __future__ import annotations

from dataclasses import replace

from glmscope.engine.engine import Sampling

_SEEDS = 2**64
_RETRY_SEEDS = 0x9E37_79B9_7F4A_7C15
"""Between the seeds of two tries: far, so that no other choice has them."""
_RETRY_TEMPERATURE = 0.9
_RETRY_TOP_P = 0.8
_RETRY_TOP_K = 50
_RETRY_REPETITION_PENALTY = 1.1


def sampling_of(sampling: Sampling, index: int, attempt: int = 0) -> Sampling:
    """What choice `index` draws with, when it has been caught in a loop `attempt` times.

    Every choice has a seed of its own; the first one's is the request's, so that it is what it
    would be alone. Another try is no less free than these bounds, and keeps away from what it has
    said; so an answer that was to be the likeliest (temperature 0) is no longer that.
    """
    seed = sampling.seed
    if seed is not None:
        seed = (seed + index + attempt * _RETRY_SEEDS) % _SEEDS
    if attempt == 0:
        return replace(sampling, seed=seed)
    return replace(
        sampling,
        seed=seed,
        temperature=max(sampling.temperature, _RETRY_TEMPERATURE),
        top_p=max(sampling.top_p, _RETRY_TOP_P),
        top_k=sampling.top_k and max(sampling.top_k, _RETRY_TOP_K),
        repetition_penalty=max(sampling.repetition_penalty, _RETRY_REPETITION_PENALTY),
    )
