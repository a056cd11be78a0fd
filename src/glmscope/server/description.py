"""What the OpenAPI page says on every wire: names, types and ranges, no prose."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

Schema = dict[str, Any]

IDS: Schema = {"type": "array", "items": {"type": "integer", "minimum": 0}, "minItems": 1}
STOP: Schema = {
    "oneOf": [
        {"type": "string", "minLength": 1},
        {"type": "array", "items": {"type": "string", "minLength": 1}, "maxItems": 64},
    ]
}
CONTENT: Schema = {
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
SAMPLING: Schema = {
    "n": {"type": "integer", "minimum": 1, "maximum": 4},
    "seed": {"type": "integer", "minimum": 0, "maximum": 2**64 - 1},
    "stop": STOP,
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
PLUGINS: Schema = {
    "plugins": {
        "oneOf": [
            {"type": "string", "minLength": 1},
            {"type": "array", "items": {"type": "string", "minLength": 1}, "maxItems": 64},
            {"type": "object", "additionalProperties": {"type": "object"}, "maxProperties": 64},
        ],
        "examples": [{"calculator": {}}, ["calculator", "current_time"], "code_interpreter"],
    },
    "plugin_files": {
        "type": "array",
        "items": {
            "type": "object",
            "required": ["name", "data"],
            "properties": {
                "name": {
                    "type": "string",
                    "minLength": 1,
                    "maxLength": 255,
                    "pattern": "^[^/]+$",
                },
                "data": {"type": "string", "contentEncoding": "base64"},
            },
        },
        "maxItems": 32,
        "examples": [[{"name": "sales.csv", "data": "bW9udGgsc2FsZXMKMSwyMAo="}]],
    },
}
"""What the server runs by itself, and files for its code interpreter."""
_EVENT: Schema = {
    "type": "object",
    "required": ["data"],
    "properties": {"data": {"type": "string"}},
}


def messages(*roles: str) -> Schema:
    """A conversation of such roles."""
    message = {
        "type": "object",
        "required": ["role", "content"],
        "properties": {"role": {"enum": list(roles)}, "content": CONTENT},
    }
    example = [{"role": "user", "content": "hello"}]
    return {"type": "array", "items": message, "minItems": 1, "examples": [example]}


def strings(*names: str, **others: Schema) -> Schema:
    """An object that has all of these: strings, and others as described."""
    properties = {**{name: {"type": "string"} for name in names}, **others}
    return {"type": "object", "required": list(properties), "properties": properties}


def takes(body: Schema, models: Iterable[str], *headers: Schema) -> dict[str, Any]:
    """What a route adds to its own description: the JSON body it takes, with the ids that its
    `model` may be, and headers."""
    properties = {**body["properties"], "model": {"enum": list(models)}}
    content = {"application/json": {"schema": {**body, "properties": properties}}}
    return {"requestBody": {"required": True, "content": content}, "parameters": list(headers)}


def answers(schema: Schema, *, streams: bool = False) -> dict[int | str, dict[str, Any]]:
    """What a route answers when all is well: JSON, or a stream of events where it was asked for."""
    content: Schema = {"application/json": {"schema": schema}}
    if streams:
        content["text/event-stream"] = {"itemSchema": _EVENT}
    return {200: {"description": "The answer.", "content": content}}


def refuses(schema: Schema) -> dict[int | str, dict[str, Any]]:
    """What every route of a wire answers otherwise."""
    content = {"application/json": {"schema": schema}}
    return {
        "4XX": {"description": "Refused.", "content": content},
        "5XX": {"description": "Failed, or not available now.", "content": content},
    }
