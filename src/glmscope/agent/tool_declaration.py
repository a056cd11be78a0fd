"""A tool as it is offered to a model: its schema, as far as generated calls can be held to it.

An operator's schema may demand what constrained sampling cannot follow, such as a pattern or a
divisor. Such a demand is left out of what the model is held to, never out of the check before the
call: what the model then gets wrong, it is told.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from glmscope.chat.tools import Tool
from glmscope.engine.json_schema import read_json_schema
from glmscope.errors import InvalidParameter

_DEEPEST = 24
_TOLD = ("title", "description", "default", "examples", "format")
_BOUNDS = {
    "string": ("minLength", "maxLength"),
    "number": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
    "integer": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
}
_PREFIXES = ("#/$defs/", "#/definitions/")


def declare(name: str, description: str, parameters: Mapping[str, Any]) -> Tool:
    """The declaration under which a model calls the tool.

    Raises InvalidParameter for a name that is no name, and for parameters that are no object or
    larger than what can be prepared.
    """
    try:
        return Tool.declare(name, description, parameters, name)
    except InvalidParameter:
        return Tool.declare(name, description, followable(parameters), name)


def followable(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema with fewer demands: all that follows the given one follows it too."""
    loose = _loose(schema, _DEEPEST)
    for table in ("$defs", "definitions"):
        if isinstance(defined := schema.get(table), Mapping):
            loose[table] = {name: _loose(each, _DEEPEST) for name, each in defined.items()}
    return loose


def _loose(schema: object, deeper: int) -> dict[str, Any]:
    if not isinstance(schema, Mapping) or not deeper:
        return {}
    told = {name: schema[name] for name in _TOLD if name in schema}
    return told | _demands(schema, deeper)


def _demands(schema: Mapping[str, Any], deeper: int) -> dict[str, Any]:
    """The one keyword, or the type with its own, that says the most of the schema."""
    reference = schema.get("$ref")
    if isinstance(reference, str):
        known = reference.startswith(_PREFIXES) and reference.count("/") == 2
        return {"$ref": reference} if known else {}
    for keyword in ("const", "enum"):
        if keyword in schema:
            return {keyword: schema[keyword]}
    kind = schema.get("type", "object" if "properties" in schema else None)
    if kind == "object":
        return _object(schema, deeper)
    if kind == "array":
        return {"type": "array", "items": _loose(schema.get("items"), deeper - 1)}
    if kind is not None:
        return _scalar(kind, schema)
    for keyword in ("anyOf", "oneOf"):
        if isinstance(options := schema.get(keyword), list) and options:
            return {"anyOf": [_loose(option, deeper - 1) for option in options]}
    if isinstance(parts := schema.get("allOf"), list) and len(parts) == 1:
        return _demands(parts[0], deeper - 1) if isinstance(parts[0], Mapping) else {}
    return {}


def _object(schema: Mapping[str, Any], deeper: int) -> dict[str, Any]:
    loose: dict[str, Any] = {"type": "object"}
    listed = schema.get("properties")
    if isinstance(listed, Mapping):
        loose["properties"] = {name: _loose(each, deeper - 1) for name, each in listed.items()}
    if "required" in schema:
        loose["required"] = schema["required"]
    others = schema.get("additionalProperties")
    if isinstance(others, Mapping):
        loose["additionalProperties"] = _loose(others, deeper - 1)
    elif others is not None:
        loose["additionalProperties"] = others
    return loose


def _scalar(kind: object, schema: Mapping[str, Any]) -> dict[str, Any]:
    """With its bounds, if they can be followed."""
    names = _BOUNDS.get(kind, ()) if isinstance(kind, str) else ()
    bounded = {"type": kind} | {name: schema[name] for name in names if name in schema}
    try:
        read_json_schema(json.dumps(bounded))
    except (InvalidParameter, TypeError):
        return {"type": kind}
    return bounded
