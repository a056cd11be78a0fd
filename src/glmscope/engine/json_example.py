"""A document that follows a schema, for an engine that has no network to write one."""

from __future__ import annotations

from contextlib import suppress

from glmscope.engine.json_nodes import (
    Array,
    JsonSchema,
    Node,
    Number,
    Object,
    Reference,
    Text,
    Union,
    Values,
    json_text,
)
from glmscope.errors import EngineFailure

_MOST_PARTS = 20_000
_LONGEST = 100_000
"""Characters. A short schema can ask for a document that would fill the memory."""
_KEY = "answer"
"""Names the one member of an object of which nothing else is said."""


def json_example(schema: JsonSchema, text: str) -> str:
    """JSON that follows `schema`: `text` for its strings, as far as they may be so long.

    Enumerations give their first value, numbers the least, lists as few as they may but one; every
    listed member is there, unless it leads back to where it stands. Raises EngineFailure for a
    document that would be very long.
    """
    return _Writer(schema, text).write(Reference(""), frozenset())


class _LeadsBackError(Exception):
    """A definition is being written already."""


class _Writer:
    def __init__(self, schema: JsonSchema, text: str) -> None:
        self._schema = schema
        self._text = text
        self._parts = 0

    def write(self, node: Node, within: frozenset[str]) -> str:
        """A node as JSON; `within` names the definitions that are being written."""
        self._parts += 1
        text = self._write(node, within)
        if self._parts > _MOST_PARTS or len(text) > _LONGEST:
            raise EngineFailure("The scripted engine writes no JSON as long as this schema wants.")
        return text

    def _write(self, node: Node, within: frozenset[str]) -> str:
        if isinstance(node, Reference):
            if node.name in within:
                raise _LeadsBackError
            return self.write(self._schema.definitions[node.name], within | {node.name})
        if isinstance(node, Union):
            return self._first_of(node, within)
        if isinstance(node, Values):
            return node.texts[0]
        if isinstance(node, Number):
            return f"{node.range.first():f}"
        if isinstance(node, Array):
            return self._array(node, within)
        if isinstance(node, Object):
            return self._object(node, within)
        return json_text(self._fitted(node) if isinstance(node, Text) else self._text)

    def _first_of(self, node: Union, within: frozenset[str]) -> str:
        """The first option that leads nowhere back; `find_endless` has seen to it that one does."""
        for option in node.options:
            try:
                return self.write(option, within)
            except _LeadsBackError:
                continue
        raise _LeadsBackError

    def _array(self, node: Array, within: frozenset[str]) -> str:
        count = node.shortest or (1 if node.longest is None else min(1, node.longest))
        try:
            return f"[{','.join([self.write(node.items, within)] * count)}]" if count else "[]"
        except _LeadsBackError:
            if node.shortest:
                raise
            return "[]"

    def _object(self, node: Object, within: frozenset[str]) -> str:
        members: list[str] = []
        for each in node.properties:
            try:
                members.append(f"{json_text(each.name)}:{self.write(each.value, within)}")
            except _LeadsBackError:
                if each.required:
                    raise
        if not node.properties and node.others is not None:
            with suppress(_LeadsBackError):
                members.append(f"{json_text(_KEY)}:{self.write(node.others, within)}")
        return f"{{{','.join(members)}}}"

    def _fitted(self, node: Text) -> str:
        return self._text[: node.longest].ljust(node.shortest, ".")
