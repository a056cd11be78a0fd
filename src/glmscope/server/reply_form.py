"""What a reply brings beside its text, and which form its text has to have.

DashScope protocol, section 3.3; OpenAI's chat completions name these parameters alike.
"""

from __future__ import annotations

from glmscope.engine.engine import ANY_OBJECT
from glmscope.errors import InvalidParameter
from glmscope.server import fields, json_text
from glmscope.server.fields import Fields, Interval

TOP_LOGPROBS = Interval(0, 5)


def read_logprobs(given: Fields) -> int | None:
    """How many alternatives of each token are asked for, from `logprobs` and `top_logprobs`.

    None when no log-probabilities are. Raises InvalidParameter, also for alternatives of nothing.
    """
    wanted = fields.boolean(given, "logprobs")
    alternatives = fields.integer(given, "top_logprobs", TOP_LOGPROBS) or 0
    if alternatives and not wanted:
        raise InvalidParameter("top_logprobs needs logprobs to be true.", param="top_logprobs")
    return alternatives if wanted else None


def read_json_schema(given: Fields) -> str | None:
    """The JSON text of the schema that `response_format` asks for; None for free text.

    Raises InvalidParameter for other shapes. Whether the schema can be followed, the engine knows.
    """
    value = given.get("response_format")
    kind = value.get("type") if isinstance(value, dict) else None
    if value is None or kind == "text":
        return None
    if kind == "json_object":
        return ANY_OBJECT
    wanted = value.get("json_schema") if isinstance(value, dict) else None
    schema = wanted.get("schema") if isinstance(wanted, dict) else None
    if kind != "json_schema" or not isinstance(schema, dict):
        raise InvalidParameter(
            'response_format should be {"type": "text"}, {"type": "json_object"} or '
            '{"type": "json_schema", "json_schema": {"name": name, "schema": schema}}.',
            param="response_format",
        )
    return json_text.dump(schema).decode()
