"""Request bodies as the OpenAPI page describes them: names, types and ranges, no prose.

What is read is decided by `chat_request` and `completion_request`; a test holds both together.
"""

from __future__ import annotations

from typing import Any

_Schema = dict[str, Any]

_STRINGS: _Schema = {"type": "array", "items": {"type": "string", "minLength": 1}, "maxItems": 64}
_IDS: _Schema = {"type": "array", "items": {"type": "integer", "minimum": 0}, "minItems": 1}
_CONTENT: _Schema = {
    "oneOf": [
        {"type": "string"},
        {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["type", "text"],
                "properties": {"type": {"const": "text"}, "text": {"type": "string"}},
            },
        },
    ]
}
_MESSAGE: _Schema = {
    "type": "object",
    "required": ["role", "content"],
    "properties": {
        "role": {"enum": ["system", "developer", "user", "assistant", "tool"]},
        "content": _CONTENT,
    },
}
_SHARED: _Schema = {
    "model": {"type": "string"},
    "stream": {"type": "boolean"},
    "stream_options": {
        "type": "object",
        "properties": {"include_usage": {"type": "boolean"}},
    },
    "n": {"type": "integer", "minimum": 1, "maximum": 4},
    "seed": {"type": "integer", "minimum": 0, "maximum": 2**64 - 1},
    "stop": {"oneOf": [{"type": "string", "minLength": 1}, _STRINGS]},
    "temperature": {"type": "number", "minimum": 0, "exclusiveMaximum": 2},
    "top_p": {"type": "number", "exclusiveMinimum": 0, "maximum": 1},
    "top_k": {"type": "integer", "minimum": 0},
    "presence_penalty": {"type": "number", "minimum": -2, "maximum": 2},
    "repetition_penalty": {"type": "number", "exclusiveMinimum": 0},
    "response_format": {
        "type": "object",
        "required": ["type"],
        "properties": {
            "type": {"enum": ["text", "json_object", "json_schema"]},
            "json_schema": {
                "type": "object",
                "required": ["schema"],
                "properties": {"name": {"type": "string"}, "schema": {"type": "object"}},
            },
        },
    },
}

CHAT_BODY: _Schema = {
    "type": "object",
    "required": ["model", "messages"],
    "properties": {
        **_SHARED,
        "messages": {"type": "array", "items": _MESSAGE, "minItems": 1},
        "max_tokens": {"type": "integer", "minimum": 1},
        "max_completion_tokens": {"type": "integer", "minimum": 1},
        "logprobs": {"type": "boolean"},
        "top_logprobs": {"type": "integer", "minimum": 0, "maximum": 5},
    },
}
COMPLETION_BODY: _Schema = {
    "type": "object",
    "required": ["model", "prompt"],
    "properties": {
        **_SHARED,
        "prompt": {
            "oneOf": [
                {"type": "string"},
                {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 128},
                _IDS,
                {"type": "array", "items": _IDS, "minItems": 1, "maxItems": 128},
            ]
        },
        "max_tokens": {"type": "integer", "minimum": 0},
        "echo": {"type": "boolean"},
        "logprobs": {"type": "integer", "minimum": 0, "maximum": 5},
    },
}


def described(schema: _Schema) -> dict[str, Any]:
    """What a route adds to its own description: the JSON body it takes."""
    content = {"application/json": {"schema": schema}}
    return {"requestBody": {"required": True, "content": content}}
