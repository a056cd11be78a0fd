"""`parameters` of a generation request. DashScope protocol, section 3.3."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, cast

from glmscope.chat.tools import ToolOffer
from glmscope.errors import InvalidParameter
from glmscope.server import fields
from glmscope.server.fields import Fields, Interval
from glmscope.server.reply_form import read_json_schema, read_logprobs
from glmscope.server.sampling import SamplingParameters, read_sampling, refuse_unsupported
from glmscope.server.tools import read_tools

ResultFormat = Literal["text", "message"]

_MAX_LENGTH = Interval(1, math.inf, high_open=True)


@dataclass(frozen=True, slots=True)
class Parameters:
    """Checked parameters; None means the model's own value."""

    result_format: ResultFormat
    incremental_output: bool
    max_tokens: int | None
    logprobs: int | None
    json_schema: str | None
    tools: ToolOffer | None
    sampling: SamplingParameters


def read_parameters(given: Fields, longest_output: int) -> Parameters:
    """Check everything the protocol names; other names are ignored, as the service does.

    `longest_output`: most tokens that the model may generate. Raises InvalidParameter that names
    the parameter, also for what the protocol has and this server has not yet: nothing that would
    change the answer is dropped silently. In text form `n` counts as 1: only one text has a place.
    """
    refuse_unsupported(given)
    result_format = _result_format(given)
    sampling = read_sampling(given)
    logprobs = read_logprobs(given)
    if result_format == "text":  # it has a place for one text, and none for its tokens
        sampling["n"] = 1
        if logprobs is not None:
            raise InvalidParameter(
                'logprobs needs result_format to be "message".', param="logprobs"
            )
    return Parameters(
        result_format=result_format,
        incremental_output=fields.boolean(given, "incremental_output"),
        max_tokens=_max_tokens(given, longest_output),
        logprobs=logprobs,
        json_schema=read_json_schema(given),
        tools=read_tools(given, as_text=result_format == "text").offer,
        sampling=sampling,
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
