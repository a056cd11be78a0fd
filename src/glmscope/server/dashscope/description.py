"""Bodies as the OpenAPI page describes them: names, types and ranges, no prose.

What is read is decided by `request`; a test holds both together.
"""

from __future__ import annotations

from glmscope.server.description import IDS, PLUGINS, SAMPLING, STOP, Schema, messages, strings

_TURNS: Schema = {
    "type": "array",
    "items": {
        "oneOf": [
            strings("user", "bot"),
            {"type": "array", "items": {"type": "string"}, "minItems": 2, "maxItems": 2},
        ]
    },
}
_INPUT: Schema = {
    "type": "object",
    "anyOf": [{"required": ["messages"]}, {"required": ["prompt"]}],
    "properties": {
        "prompt": {"type": "string"},
        "history": _TURNS,
        "messages": messages("system", "user", "assistant", "bot", "tool"),
    },
    "examples": [{"prompt": "hello"}],
}
_STOP: Schema = {"oneOf": [*STOP["oneOf"], IDS, {"type": "array", "items": IDS, "maxItems": 64}]}
PARAMETERS: Schema = {
    **SAMPLING,
    "stop": _STOP,
    "result_format": {"enum": ["text", "message"]},
    "incremental_output": {"type": "boolean"},
    "max_tokens": {"type": "integer", "minimum": 1, "maximum": 1500},
    "max_length": {"type": "integer", "minimum": 1},
    "logprobs": {"type": "boolean"},
    "top_logprobs": {"type": "integer", "minimum": 0, "maximum": 5},
    "enable_search": {"const": False},
    "tools": {"type": "array", "items": {"type": "object"}},
    **PLUGINS,
}
GENERATION_BODY: Schema = {
    "type": "object",
    "required": ["model", "input"],
    "properties": {
        "input": _INPUT,
        "parameters": {
            "type": "object",
            "properties": PARAMETERS,
            "examples": [{"max_tokens": 8, "result_format": "message"}],
        },
    },
}
TOKENIZER_BODY: Schema = {
    "type": "object",
    "required": ["model", "input"],
    "properties": {"input": _INPUT},
}
GENERATION_HEADERS: tuple[Schema, ...] = (
    {"name": "X-DashScope-SSE", "in": "header", "schema": {"enum": ["enable", "disable"]}},
    {
        "name": "X-DashScope-Plugin",
        "in": "header",
        "schema": {"type": "string", "examples": ['{"calculator": {}}', "calculator,current_time"]},
    },
)

_COUNT: Schema = {"type": "integer", "minimum": 0}
_USAGE: Schema = {"type": "object", "required": ["input_tokens"], "additionalProperties": _COUNT}
RESULT: Schema = strings("request_id", output={"type": "object"}, usage=_USAGE)
OUTPUT: Schema = strings("request_id", output={"type": "object"})
ERROR: Schema = strings("code", "message", "request_id")
"""All three always strings, or the Java SDK stumbles."""
