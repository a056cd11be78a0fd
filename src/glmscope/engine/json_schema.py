"""JSON schemas that a reply can be held to: read, checked and bounded before anything is run.

A reply is held to a grammar that allows some of the documents that follow the schema, and no
others: properties come in the order in which they are listed, and nothing is added that is not
listed. So whatever a schema demands has to be understood; what only describes is passed over, and
anything else is refused by name.
"""

from __future__ import annotations

import json
from typing import Any

from glmscope.engine.json_bounds import RefusalError, count_bounds, read_number
from glmscope.engine.json_nodes import (
    AnyValue,
    Array,
    JsonSchema,
    Node,
    Object,
    Property,
    Reference,
    Text,
    Union,
    Values,
    find_endless,
    json_text,
)
from glmscope.errors import InvalidParameter

LONGEST_SCHEMA = 16_384
"""Characters; together with the bounds below it keeps the time to prepare a grammar short."""
_MOST_NODES = 400
_DEEPEST = 32
_MOST_COUNTED_CHARACTERS = 1024
"""Of all strings together: lengths are counted by repeating a character in the grammar."""
_MOST_ITEMS = 256

_DESCRIBING = frozenset({"$comment", "$id", "$schema", "default", "deprecated", "description"}) | {
    *("examples", "format", "readOnly", "title", "writeOnly"),
    *("$defs", "definitions", "contentEncoding", "contentMediaType", "nullable"),
}
_DEMANDING = {
    "object": frozenset({"properties", "required", "additionalProperties"}),
    "array": frozenset({"items", "minItems", "maxItems"}),
    "string": frozenset({"minLength", "maxLength"}),
    "number": frozenset({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}),
    "integer": frozenset({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}),
    "boolean": frozenset[str](),
    "null": frozenset[str](),
}
"""What may be demanded of each type."""


def read_json_schema(text: str, param: str = "response_format") -> JsonSchema:
    """Read a schema from JSON text; `param` names where it was given.

    Raises InvalidParameter for text that is no schema, that demands what cannot be held to, that
    nothing can follow, or that is larger than what is prepared here.
    """
    try:
        return _read(text)
    except RefusalError as refusal:
        raise InvalidParameter(
            f"This model cannot follow the JSON schema of {param}: {refusal}.", param=param
        ) from None


def _read(text: str) -> JsonSchema:
    if len(text) > LONGEST_SCHEMA:
        raise RefusalError(f"a schema may have {LONGEST_SCHEMA} characters")
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise RefusalError("the schema is not JSON that can be read") from None
    reader = _Reader(document)
    return JsonSchema(reader.definitions(), reader.counted)


class _Reader:
    """Reads one document; keeps count of what it costs."""

    def __init__(self, document: object) -> None:
        self._document = document
        self._wanted = [""]
        self._nodes = 0
        self.counted = 0
        """Characters of strings."""

    def definitions(self) -> dict[str, Node]:
        """The schema and every definition that is referred to."""
        found: dict[str, Node] = {}
        while self._wanted:
            name = self._wanted.pop()
            if name not in found:
                found[name] = self._node(self._defined(name), name or "it", _DEEPEST)
        endless = find_endless(found)
        if endless is not None:
            raise RefusalError(f"nothing that ends can follow {endless or 'it'}")
        return found

    def _defined(self, name: str) -> object:
        if not name:
            return self._document
        _, keyword, key = name.split("/")
        table = self._document.get(keyword) if isinstance(self._document, dict) else None
        if not isinstance(table, dict) or key not in table:
            raise RefusalError(f"it has no {name}")
        return table[key]

    def _node(self, schema: object, where: str, deeper: int) -> Node:
        self._nodes += 1
        if self._nodes > _MOST_NODES or not deeper:
            raise RefusalError(f"it is larger than {_MOST_NODES} parts or deeper than {_DEEPEST}")
        if schema is True:
            return AnyValue()
        if not isinstance(schema, dict):
            raise RefusalError(f"{where} is not an object")
        demands = {name for name in schema if not _describes(name)}
        for keyword in ("$ref", "const", "enum", "anyOf", "oneOf", "allOf"):
            if keyword in demands:
                return self._special(schema, keyword, demands, where, deeper)
        return self._typed(schema, demands, where, deeper)

    def _special(
        self, schema: dict[str, Any], keyword: str, demands: set[str], where: str, deeper: int
    ) -> Node:
        """Keywords that say all by themselves; beside an enumeration a type adds nothing."""
        if keyword in ("const", "enum"):
            demands = demands - {"type"}
        if others := demands - {keyword}:
            raise RefusalError(f"{where} has {min(others)} beside {keyword}")
        value = schema[keyword]
        if keyword == "$ref":
            return self._reference(value, where)
        if keyword == "const":
            return _values([value], schema, where)
        if not isinstance(value, list) or not value:
            raise RefusalError(f"{keyword} of {where} is not a list with something in it")
        if keyword == "enum":
            return _values(value, schema, where)
        if keyword == "allOf" and len(value) > 1:
            raise RefusalError(f"allOf of {where} has more than one part")
        options = [self._node(each, f"{keyword} of {where}", deeper - 1) for each in value]
        return Union(tuple(dict.fromkeys(options)))

    def _reference(self, target: object, where: str) -> Node:
        parts = target.split("/") if isinstance(target, str) else []
        if parts == ["#"]:
            name = ""
        elif len(parts) == 3 and parts[0] == "#" and parts[1] in ("$defs", "definitions"):
            name = "/".join(parts)
        else:
            raise RefusalError(f"$ref of {where} is not of the form #/$defs/NAME")
        self._wanted.append(name)
        return Reference(name)

    def _typed(self, schema: dict[str, Any], demands: set[str], where: str, deeper: int) -> Node:
        kinds = schema.get("type")
        if kinds is None:
            if not demands:
                return AnyValue()
            kinds = next((kind for kind, may in _DEMANDING.items() if demands <= may), [])
        kinds = [kinds] if isinstance(kinds, str) else kinds
        if not isinstance(kinds, list) or not all(
            isinstance(kind, str) and kind in _DEMANDING for kind in kinds
        ):
            raise RefusalError(f"type of {where} is not a type of JSON")
        known = frozenset[str]().union(*(_DEMANDING[kind] for kind in kinds))
        if unknown := demands - known - {"type"}:
            raise RefusalError(f"{min(unknown)} of {where} is not supported")
        options = [self._of_type(kind, schema, where, deeper) for kind in kinds]
        return options[0] if len(options) == 1 else Union(tuple(dict.fromkeys(options)))

    def _of_type(self, kind: str, schema: dict[str, Any], where: str, deeper: int) -> Node:
        if kind == "object":
            return self._object(schema, where, deeper)
        if kind == "array":
            shortest, longest = count_bounds(schema, "minItems", "maxItems", where, _MOST_ITEMS)
            items = self._node(schema.get("items", True), f"items of {where}", deeper - 1)
            return Array(items, shortest, longest)
        if kind == "string":
            most = _MOST_COUNTED_CHARACTERS - self.counted
            shortest, longest = count_bounds(schema, "minLength", "maxLength", where, most)
            self.counted += max(shortest, longest or 0)
            return Text(shortest, longest)
        if kind in ("number", "integer"):
            return read_number(schema, kind == "integer", where)
        return Values(("true", "false") if kind == "boolean" else ("null",))

    def _object(self, schema: dict[str, Any], where: str, deeper: int) -> Object:
        listed = schema.get("properties", {})
        required = schema.get("required", [])
        if not isinstance(listed, dict):
            raise RefusalError(f"properties of {where} is not an object")
        if not isinstance(required, list) or not all(isinstance(name, str) for name in required):
            raise RefusalError(f"required of {where} is not a list of names")
        properties = tuple(
            Property(
                name,
                self._node(listed.get(name, True), f'"{name[:40]}" of {where[:200]}', deeper - 1),
                name in required,
            )
            for name in dict.fromkeys([*listed, *required])
        )
        others = schema.get("additionalProperties", True)
        if others is False:
            return Object(properties, None)
        kind = self._node(others, f"additionalProperties of {where}", deeper - 1)
        # Beside listed ones a further member could repeat a name and undo what was said.
        return Object(properties, None if properties else kind)


def _describes(keyword: str) -> bool:
    """Whether nothing has to follow it: `x-` begins what others have added, as OpenAPI has it."""
    return keyword in _DESCRIBING or keyword.startswith("x-")


def _values(values: list[Any], schema: dict[str, Any], where: str) -> Values:
    try:
        texts = [json_text(value) for value in values if _is_of_type(value, schema.get("type"))]
    except ValueError:
        texts = []
    if not texts:
        raise RefusalError(f"{where} allows no value of its type")
    return Values(tuple(dict.fromkeys(texts)))


_PYTHON_TYPES: dict[object, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "array": (list,),
    "object": (dict,),
}


def _is_of_type(value: object, kinds: object) -> bool:
    if kinds is None:
        return True
    if isinstance(kinds, list):
        return any(_is_of_type(value, kind) for kind in kinds)
    if isinstance(value, bool) or value is None:
        return bool(kinds == ("null" if value is None else "boolean"))
    return isinstance(kinds, str) and isinstance(value, _PYTHON_TYPES.get(kinds, ()))
