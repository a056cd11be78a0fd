"""`parameters` of a generation request. DashScope protocol, section 3.3."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, cast

from glmscope.errors import InvalidParameter
from glmscope.server import fields
from glmscope.server.fields import Fields, Interval
from glmscope.server.sampling import SamplingParameters, read_sampling, refuse_unsupported

ResultFormat = Literal["text", "message"]

_MAX_LENGTH = Interval(1, math.inf, high_open=True)
_N = Interval(1, 4)
_TOP_LOGPROBS = Interval(0, 5)


@dataclass(frozen=True, slots=True)
class Parameters:
    """Checked parameters; None means the model's own value."""

    result_format: ResultFormat
    incremental_output: bool
    max_tokens: int | None
    sampling: SamplingParameters


def read_parameters(given: Fields, longest_output: int) -> Parameters:
    """Check everything the protocol names; other names are ignored, as the service does.

    `longest_output`: most tokens that the model may generate. Raises InvalidParameter that names
    the parameter, also for what the protocol has and this server has not yet: nothing that would
    change the answer is dropped silently.
    """
    refuse_unsupported(given)
    _refuse_not_yet(given)
    return Parameters(
        result_format=_result_format(given),
        incremental_output=fields.boolean(given, "incremental_output"),
        max_tokens=_max_tokens(given, longest_output),
        sampling=read_sampling(given),
    )


def _result_format(given: Fields) -> ResultFormat:
    value = given.get("result_format")
    if value is None:
        return "text"
    if value not in ("text", "message"):
        raise InvalidParameter('result_format should be "text" or "message".')
    return cast("ResultFormat", value)


def _max_tokens(given: Fields, longest_output: int) -> int | None:
    """`max_tokens`, else the old `max_length`, which is capped and never refused for its size."""
    max_tokens = fields.integer(given, "max_tokens", Interval(1, longest_output))
    max_length = fields.integer(given, "max_length", _MAX_LENGTH)
    if max_tokens is None and max_length is not None:
        return min(max_length, longest_output)
    return max_tokens


def _refuse_not_yet(given: Fields) -> None:
    if (fields.integer(given, "n", _N) or 1) > 1:
        raise _not_yet("n greater than 1")
    if fields.boolean(given, "logprobs") or fields.integer(given, "top_logprobs", _TOP_LOGPROBS):
        raise _not_yet("logprobs")
    _refuse_json_format(given)


def _refuse_json_format(given: Fields) -> None:
    value = given.get("response_format")
    kind = value.get("type") if isinstance(value, dict) else None
    if kind == "json_object":
        raise _not_yet("response_format json_object")
    if value is not None and kind != "text":
        raise InvalidParameter('response_format should be {"type": "text"}.')


def _not_yet(what: str) -> InvalidParameter:
    return InvalidParameter(f"{what} is not supported by this server yet.")
