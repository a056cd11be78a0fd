"""The parameters that every wire knows by the same name. DashScope protocol, section 3.3."""

from __future__ import annotations

import math
from typing import TypedDict

from glmscope.errors import InvalidParameter
from glmscope.server import fields
from glmscope.server.fields import Fields, Interval
from glmscope.server.stop import read_stops

_TEMPERATURE = Interval(0.0, 2.0, high_open=True)
_TOP_P = Interval(0.0, 1.0, low_open=True)
_TOP_K = Interval(0, math.inf, high_open=True)
_TOP_K_OFF_ABOVE = 100
_POSITIVE = Interval(0.0, math.inf, low_open=True, high_open=True)
_PRESENCE_PENALTY = Interval(-2.0, 2.0)
_SEED = Interval(0, 2**64 - 1)
_N = Interval(1, 4)


class SamplingParameters(TypedDict):
    """Checked parameters, named as `GenerationRequest` has them; None is the model's own value."""

    temperature: float | None
    top_p: float | None
    top_k: int
    repetition_penalty: float
    presence_penalty: float
    seed: int | None
    stop: tuple[str, ...]
    stop_sequences: tuple[tuple[int, ...], ...]
    n: int


def read_sampling(given: Fields) -> SamplingParameters:
    """Check ranges. Raises InvalidParameter that names the parameter."""
    repetition_penalty = fields.number(given, "repetition_penalty", _POSITIVE)
    stops = read_stops(given.get("stop"))
    return SamplingParameters(
        temperature=fields.number(given, "temperature", _TEMPERATURE),
        top_p=fields.number(given, "top_p", _TOP_P),
        top_k=_top_k(given),
        repetition_penalty=1.0 if repetition_penalty is None else repetition_penalty,
        presence_penalty=fields.number(given, "presence_penalty", _PRESENCE_PENALTY) or 0.0,
        seed=fields.integer(given, "seed", _SEED),
        stop=stops.strings,
        stop_sequences=stops.sequences,
        n=fields.integer(given, "n", _N) or 1,
    )


def refuse_unsupported(given: Fields) -> None:
    """Refuse what would change the answer and cannot be had; nothing is dropped silently.

    Raises InvalidParameter for it.
    """
    if fields.boolean(given, "enable_search"):
        raise InvalidParameter("This model does not support enable_search.", param="enable_search")


def _top_k(given: Fields) -> int:
    """0 means off, and so does anything above 100."""
    top_k = fields.integer(given, "top_k", _TOP_K) or 0
    return top_k if top_k <= _TOP_K_OFF_ABOVE else 0
