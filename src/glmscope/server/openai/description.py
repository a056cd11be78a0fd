"""Bodies as the OpenAPI page describes them: names, types and ranges, no prose.

What is read is decided by `chat_request` and `completion_request`; a test holds both together.
"""

from __future__ import annotations

from glmscope.server.description import IDS, PLUGINS, SAMPLING, Schema, messages, strings

_SHARED: Schema = {
    **SAMPLING,
    "stream": {"type": "boolean", "examples": [True]},
    "stream_options": {
        "type": "object",
        "properties": {"include_usage": {"type": "boolean"}},
    },
}

CHAT_BODY: Schema = {
    "type": "object",
    "required": ["model", "messages"],
    "properties": {
        **_SHARED,
        "messages": messages("system", "developer", "user", "assistant", "tool"),
        "max_tokens": {"type": "integer", "minimum": 1},
        "max_completion_tokens": {"type": "integer", "minimum": 1},
        "logprobs": {"type": "boolean"},
        "top_logprobs": {"type": "integer", "minimum": 0, "maximum": 5},
        "tools": {"type": "array", "items": {"type": "object"}},
        **PLUGINS,
    },
}
COMPLETION_BODY: Schema = {
    "type": "object",
    "required": ["model", "prompt"],
    "properties": {
        **_SHARED,
        "prompt": {
            "oneOf": [
                {"type": "string"},
                {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 128},
                IDS,
                {"type": "array", "items": IDS, "minItems": 1, "maxItems": 128},
            ],
            "examples": ["hello"],
        },
        "max_tokens": {"type": "integer", "minimum": 0, "examples": [8]},
        "echo": {"type": "boolean"},
        "logprobs": {"type": "integer", "minimum": 0, "maximum": 5},
    },
}

COMPLETION: Schema = strings(
    "id",
    "object",
    "model",
    created={"type": "integer"},
    choices={"type": "array", "items": {"type": "object"}},
    usage={"type": "object"},
)
MODEL: Schema = strings("id", "object", "owned_by", created={"type": "integer"})
MODELS: Schema = strings("object", data={"type": "array", "items": MODEL})
ERROR: Schema = strings(
    "request_id",
    error=strings("message", "type", "code", param={"type": ["string", "null"]}),
)
