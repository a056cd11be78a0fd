"""Log-probabilities for an engine that has no network: invented, but fit to be looked at."""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterable, Sequence

from glmscope.engine.engine import TokenLogprob

_LEAST = 0.55  # more than a half, so that nothing is likelier than what is said
_SPREAD = 0.4


def invented_logprob(before: int, token_id: int, alternatives: int = 0) -> TokenLogprob:
    """How likely `token_id` claims to be after the id `before`: the same whenever it is asked.

    Probabilities stay below one together with those of the alternatives: other ids that share
    what is left, each taking half of it.
    """
    share = zlib.crc32(f"{before} {token_id}".encode()) / 2**32
    probability = _LEAST + _SPREAD * share
    drawn = (token_id, math.log(probability))
    others = (
        (token_id ^ place, math.log((1 - probability) / 2**place))
        for place in range(1, alternatives)
    )
    return TokenLogprob(*drawn, (drawn, *others) if alternatives else ())


def invented_logprobs(
    before: int, ids: Iterable[int], alternatives: int = 0
) -> tuple[TokenLogprob, ...]:
    """The same for ids in a row."""
    logprobs = []
    for token_id in ids:
        logprobs.append(invented_logprob(before, token_id, alternatives))
        before = token_id
    return tuple(logprobs)


def invented_score(ids: Sequence[int]) -> list[TokenLogprob]:
    """The same for every id of a text but the first."""
    return list(invented_logprobs(ids[0], ids[1:])) if ids else []
