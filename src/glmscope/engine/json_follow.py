"""Whether a value follows a schema as it was read: strictly, with no member that is not listed."""

from __future__ import annotations

import json

from glmscope.engine.json_nodes import (
    AnyValue,
    Array,
    JsonSchema,
    Node,
    Number,
    Object,
    Reference,
    Text,
    Union,
    Values,
)


def follows(schema: JsonSchema, value: object) -> bool:
    """Whether `value`, of JSON's types, is one that a reply held to `schema` might have.

    Takes time in proportion to the value and the schema, and stack to the value's depth.
    """
    return _Comparison(schema).follows(Reference(""), value)


class _Comparison:
    """Remembers what was compared: alternatives that share parts would ask again and again."""

    def __init__(self, schema: JsonSchema) -> None:
        self._schema = schema
        self._known: dict[tuple[int, int], bool] = {}

    def follows(self, node: Node, value: object) -> bool:
        place = (id(node), id(value))
        if place not in self._known:
            self._known[place] = self._follows(node, value)
        return self._known[place]

    def _follows(self, node: Node, value: object) -> bool:
        if isinstance(node, AnyValue):
            return True
        if isinstance(node, Reference):
            return self.follows(self._schema.definitions[node.name], value)
        if isinstance(node, Union):
            return any(self.follows(option, value) for option in node.options)
        if isinstance(node, Values):
            return any(_equal(json.loads(text), value) for text in node.texts)
        if isinstance(node, Number):
            return _is_number(node, value)
        if isinstance(node, Text):
            return isinstance(value, str) and _within(len(value), node.shortest, node.longest)
        if isinstance(node, Array):
            return (
                isinstance(value, list)
                and _within(len(value), node.shortest, node.longest)
                and all(self.follows(node.items, item) for item in value)
            )
        return isinstance(value, dict) and self._is_object(node, value)

    def _is_object(self, node: Object, value: dict[str, object]) -> bool:
        listed = {each.name: each.value for each in node.properties}
        required = {each.name for each in node.properties if each.required}
        kinds = [(listed.get(name, node.others), item) for name, item in value.items()]
        return required <= value.keys() and all(
            kind is not None and self.follows(kind, item) for kind, item in kinds
        )


def _within(size: int, shortest: int, longest: int | None) -> bool:
    return shortest <= size and (longest is None or size <= longest)


def _is_number(node: Number, value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    if node.integer and isinstance(value, float):
        return False
    return value in node.range


def _equal(wanted: object, value: object) -> bool:
    """As JSON compares: 1 and 1.0 are equal, 1 and true are not."""
    if isinstance(wanted, bool) or isinstance(value, bool):
        return wanted is value
    if isinstance(wanted, list) and isinstance(value, list):
        return len(wanted) == len(value) and all(map(_equal, wanted, value))
    if isinstance(wanted, dict) and isinstance(value, dict):
        return wanted.keys() == value.keys() and all(
            _equal(each, value[name]) for name, each in wanted.items()
        )
    return bool(wanted == value)
