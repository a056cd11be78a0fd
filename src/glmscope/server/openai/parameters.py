"""The parameters that chat completions and completions share."""

from __future__ import annotations

from dataclasses import dataclass

from glmscope.errors import InvalidParameter
from glmscope.server import fields
from glmscope.server.fields import Fields, Interval
from glmscope.server.sampling import refuse_unsupported

_FOREIGN: dict[str, object] = {
    "logit_bias": {},
    "audio": None,
    "web_search_options": None,
}
"""What no model here has, and the value that asks for nothing, besides null."""
_FREQUENCY_PENALTY = Interval(-2.0, 2.0)


@dataclass(frozen=True, slots=True)
class Streaming:
    """Whether, and how, an answer is to be sent while it is made."""

    wanted: bool
    include_usage: bool


def read_streaming(body: Fields) -> Streaming:
    """`stream` and `stream_options`. Raises InvalidParameter for options without a stream."""
    wanted = fields.boolean(body, "stream")
    options = body.get("stream_options")
    if options is None:
        return Streaming(wanted, include_usage=False)
    if not isinstance(options, dict):
        raise InvalidParameter("stream_options should be an object.", param="stream_options")
    if not wanted:
        raise InvalidParameter("stream_options needs stream to be true.", param="stream_options")
    return Streaming(wanted, fields.boolean(options, "include_usage"))


def refuse_foreign(body: Fields) -> None:
    """Refuse what OpenAI's service has, these models have not, and would change the answer.

    Raises InvalidParameter; what changes nothing here (`user`, `metadata`, `store`,
    `service_tier`, unknown names, …) is ignored.
    """
    refuse_unsupported(body)
    if fields.number(body, "frequency_penalty", _FREQUENCY_PENALTY):
        raise InvalidParameter(
            "frequency_penalty is not supported by this server; presence_penalty and "
            "repetition_penalty are.",
            param="frequency_penalty",
        )
    if body.get("modalities") not in (None, ["text"]):
        raise InvalidParameter("This model writes text only.", param="modalities")
    for name, nothing in _FOREIGN.items():
        if body.get(name) not in (None, nothing):
            raise InvalidParameter(f"{name} is not supported by this server.", param=name)
