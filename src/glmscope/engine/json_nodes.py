"""What a JSON schema says, as a tree: made by the reader, written out as a grammar."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from glmscope.engine.number_range import Range


@dataclass(frozen=True, slots=True)
class AnyValue:
    """Any JSON value."""


@dataclass(frozen=True, slots=True)
class Values:
    """One of these values, each as JSON text."""

    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Text:
    """A string of a number of characters."""

    shortest: int = 0
    longest: int | None = None


@dataclass(frozen=True, slots=True)
class Number:
    """A number of a range."""

    integer: bool
    range: Range = Range()  # noqa: RUF009 (it is frozen)


@dataclass(frozen=True, slots=True)
class Array:
    """Values of one kind."""

    items: Node
    shortest: int = 0
    longest: int | None = None


@dataclass(frozen=True, slots=True)
class Property:
    """A member of an object."""

    name: str
    value: Node
    required: bool


@dataclass(frozen=True, slots=True)
class Object:
    """Listed members in their order; with none listed, any number of members of one kind."""

    properties: tuple[Property, ...]
    others: Node | None


@dataclass(frozen=True, slots=True)
class Union:
    """What follows one of these."""

    options: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Reference:
    """A definition by its name; "" is the whole schema."""

    name: str


Node = AnyValue | Values | Text | Number | Array | Object | Union | Reference


@dataclass(frozen=True, slots=True)
class JsonSchema:
    """A whole schema: what its references mean; "" is the schema itself."""

    definitions: Mapping[str, Node]
    counted: int = 0
    """Characters of all strings whose length is bounded: counting them is what costs the most."""

    def as_object(self) -> Object | None:
        """The object that the schema describes; None where it describes anything else, or more."""
        node = self.definitions[""]
        while isinstance(node, Reference):
            node = self.definitions[node.name]
        return node if isinstance(node, Object) else None


def json_text(value: object) -> str:
    """A value as compact JSON; halves of surrogate pairs, which UTF-8 cannot hold, as escapes.

    Raises ValueError for numbers that JSON has not.
    """
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode("utf-8", "backslashreplace").decode()


def find_endless(definitions: Mapping[str, Node]) -> str | None:
    """A definition that means itself or that no finite document can follow, if there is one."""
    ending: set[str] = set()
    while more := {
        name for name, node in definitions.items() if name not in ending and _can_end(node, ending)
    }:
        ending |= more
    for name, node in definitions.items():
        if name not in ending:
            return name
        reached = set(_at_once(node))
        while more := {each for at in reached for each in _at_once(definitions[at])} - reached:
            reached |= more
        if name in reached:
            return name
    return None


def _can_end(node: Node, ending: set[str]) -> bool:
    """Whether something finite follows the node, if it does each of the definitions `ending`."""
    if isinstance(node, Reference):
        return node.name in ending
    if isinstance(node, Union):
        return any(_can_end(option, ending) for option in node.options)
    if isinstance(node, Array):
        return not node.shortest or _can_end(node.items, ending)
    if isinstance(node, Object):
        return all(_can_end(each.value, ending) for each in node.properties if each.required)
    return True


def _at_once(node: Node) -> Iterator[str]:
    """Definitions that stand for the node itself, not for a part of it."""
    if isinstance(node, Reference):
        yield node.name
    elif isinstance(node, Union):
        for option in node.options:
            yield from _at_once(option)
