"""Schemas as OpenAPI writes them, as JSON schemas."""

from __future__ import annotations

from typing import Any

SCHEMAS = "#/components/schemas/"
_DEEPEST = 40
_MAPS = ("properties", "patternProperties", "$defs", "definitions")
_LISTS = ("anyOf", "oneOf", "allOf", "prefixItems")
_SINGLE = ("items", "additionalProperties", "not")
_OF_OPENAPI = ("nullable", "discriminator", "xml", "externalDocs", "example")


def json_schema(schema: object, deeper: int = _DEEPEST) -> dict[str, Any]:
    """The same demands as a JSON schema; components stand in its `$defs`.

    Version 3.0 says `nullable` for a type that may be null, and an exclusive bound with `true`.
    What is nested deeper than can be prepared is left open.
    """
    if not isinstance(schema, dict) or not deeper:
        return {}
    reference = schema.get("$ref")
    if isinstance(reference, str):
        return {"$ref": reference.replace(SCHEMAS, "#/$defs/")}
    found = {name: value for name, value in schema.items() if name not in _OF_OPENAPI}
    for name in _MAPS:
        if isinstance(table := found.get(name), dict):
            found[name] = {key: json_schema(each, deeper - 1) for key, each in table.items()}
    for name in _LISTS:
        if isinstance(options := found.get(name), list):
            found[name] = [json_schema(each, deeper - 1) for each in options]
    for name in _SINGLE:
        if isinstance(found.get(name), dict):
            found[name] = json_schema(found[name], deeper - 1)
    _exclusive(found, "minimum", "exclusiveMinimum")
    _exclusive(found, "maximum", "exclusiveMaximum")
    return _nullable(found) if schema.get("nullable") is True else found


def definitions(schema: object, components: dict[str, Any]) -> dict[str, Any]:
    """Of the components those that a JSON schema refers to, and those that they refer to."""
    found: dict[str, Any] = {}
    wanted = [schema]
    while wanted:
        node = wanted.pop()
        if isinstance(node, dict):
            name = str(node.get("$ref")).rpartition("/")[2]
            if name in components and name not in found:
                found[name] = json_schema(components[name])
                wanted.append(found[name])
            wanted += node.values()
        elif isinstance(node, list):
            wanted += node
    return found


def _exclusive(schema: dict[str, Any], bound: str, exclusive: str) -> None:
    if isinstance(schema.get(exclusive), bool):
        is_exclusive = schema.pop(exclusive)
        if is_exclusive and bound in schema:
            schema[exclusive] = schema.pop(bound)


def _nullable(schema: dict[str, Any]) -> dict[str, Any]:
    if isinstance(schema.get("enum"), list) and None not in schema["enum"]:
        schema["enum"] = [*schema["enum"], None]
    if isinstance(schema.get("type"), str):
        schema["type"] = [schema["type"], "null"]
    return schema
