"""A schema as rules of a grammar, in whichever notation its values are written.

The grammar is the EBNF of the runtime (that of GBNF files), and works on bytes. A notation brings
the rules `string`, `integer`, `number`, `number_0` (from 0 on) and `any`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from glmscope.engine.json_nodes import (
    AnyValue,
    Array,
    JsonSchema,
    Node,
    Number,
    Object,
    Property,
    Reference,
    Text,
    Union,
    Values,
    json_text,
)
from glmscope.engine.number_range import Range, range_expression


@dataclass(frozen=True, slots=True)
class Notation:
    """How values are written; `comma` and `colon` are parts of rules."""

    comma: str
    colon: str
    value: Callable[[str], str]
    """A value's JSON as this notation has it."""
    counted: Callable[[int, int | None], str]
    """The body of a rule: a string of so many characters."""


class SchemaRules:
    """Collects the rules of one schema; their names begin with `prefix`."""

    def __init__(self, schema: JsonSchema, notation: Notation, prefix: str = "") -> None:
        self.rules: list[str] = []
        self._schema = schema
        self._notation = notation
        self._prefix = prefix
        self._names: dict[Node, str] = {}

    def rule(self, node: Node) -> str:
        """The name of the rule of a node; equal nodes share one."""
        if node in _READY:
            return _READY[node]
        if node not in self._names:
            name = self._names[node] = f"{self._prefix}rule_{len(self._names)}"
            self.rules.append(f"{name} ::= {self._body(node, name)}")
        return self._names[node]

    def in_order(
        self,
        properties: Sequence[Property],
        name: str,
        member: Callable[[Property], str],
        closing: str,
    ) -> str:
        """The rule of listed members and what closes them.

        Each property in its turn: `NAME_i` when none was written before, `NAME_i_more` else.
        """
        for index, each in enumerate(properties):
            after = index + 1
            first = f"{member(each)} {name}_{after}_more"
            later = f"{self._notation.comma} {first}"
            if not each.required:
                first += f" | {name}_{after}"
                later += f" | {name}_{after}_more"
            self.rules.append(f"{name}_{index} ::= {first}")
            self.rules.append(f"{name}_{index}_more ::= {later}")
        end = len(properties)
        self.rules.append(f"{name}_{end} ::= {closing}")
        self.rules.append(f"{name}_{end}_more ::= {closing}")
        return f"{name}_0"

    def _body(self, node: Node, name: str) -> str:
        if isinstance(node, Reference):
            return self.rule(self._schema.definitions[node.name])
        if isinstance(node, Union):
            return " | ".join(dict.fromkeys(self.rule(option) for option in node.options))
        if isinstance(node, Values):
            return " | ".join(literal(self._notation.value(text)) for text in node.texts)
        if isinstance(node, Text):
            return self._notation.counted(node.shortest, node.longest)
        if isinstance(node, Number):
            return range_expression(node.range, integer=node.integer)
        if isinstance(node, Array):
            return self._array(node)
        if isinstance(node, Object):
            return self._object(node, name)
        raise TypeError(f"no rule for {type(node).__name__}")

    def _array(self, node: Array) -> str:
        item = self.rule(node.items)
        if node.longest == 0:
            return '"[]"'
        most = "" if node.longest is None else node.longest - 1
        least = max(node.shortest - 1, 0)
        filled = f'{item} ({self._notation.comma} {item}){{{least},{most}}} "]"'
        return f'"[" {filled}' if node.shortest else f'"[" ("]" | {filled})'

    def _object(self, node: Object, name: str) -> str:
        if not node.properties:
            return '"{}"' if node.others is None else self._members(self.rule(node.others), name)
        return f'"{{" {self.in_order(node.properties, name, self.pair, _CLOSING_BRACE)}'

    def pair(self, each: Property) -> str:
        """A listed member of an object."""
        key = literal(self._notation.value(json_text(each.name)))
        return f"{key} {self._notation.colon} {self.rule(each.value)}"

    def _members(self, value: str, name: str) -> str:
        member = f"string {self._notation.colon} {value}"
        more = f"{_CLOSING_BRACE} | {self._notation.comma} {member} {name}_more"
        self.rules.append(f"{name}_more ::= {more}")
        return f'"{{" ("}}" | {member} {name}_more)'


_CLOSING_BRACE = '"}"'
# The runtime holds bytes to a range of characters exactly only where all of these begin alike: in a
# larger range, and in a class of what is not allowed, it lets bytes pass that are no character.
_BEYOND_ASCII = (
    *(r"[\x80-\u07ff]", r"[\u0800-\u0fff]", r"[\u1000-\ucfff]", r"[\ud000-\ud7ff]"),
    *(r"[\ue000-\uffff]", r"[\U00010000-\U0003ffff]", r"[\U00040000-\U000fffff]"),
    r"[\U00100000-\U0010ffff]",
)
# In rules of rules, because the runtime would put a rule of classes alone into the place where
# characters are counted, and take seconds to prepare that.
BEYOND_ASCII = f"""
beyond_ascii ::= {" | ".join(_BEYOND_ASCII[:4])} | beyond_d7ff
beyond_d7ff ::= {" | ".join(_BEYOND_ASCII[4:-1])} | last_plane
last_plane ::= {_BEYOND_ASCII[-1]}
"""
"""Rules of a grammar: `beyond_ascii` is any such character, in valid UTF-8."""


def characters(ascii_class: str, rest: str) -> str:
    """Part of a rule: a character, one of `ascii_class` or beyond ASCII, and then `rest`.

    With `rest` the rule itself it is a text of any length. Every class is spelled out, because
    where two rules share one for characters, the runtime looks at ids one by one at every step:
    five times the time of a step with the published vocabulary (`scripts/measure_calls.py`).
    """
    return " | ".join(f"{each} {rest}" for each in (ascii_class, *_BEYOND_ASCII))


_BLOCK = 100
"""Characters that one repetition counts: from some 130 on the runtime takes minutes over it."""


def counted(character: str, shortest: int, longest: int | None, rest: str, closing: str) -> str:
    """A rule's part: so many times the rule `character`, and `closing`.

    Where there is no longest, `rest` stands for what may follow the shortest, its closing with it.
    """
    least = f"{_times(character, shortest)} " if shortest else ""
    if longest is None:
        return f"{least}{rest}"
    return f"{least}{_up_to(character, longest - shortest, closing)}"


def _times(character: str, count: int) -> str:
    blocks, left = divmod(count, _BLOCK)
    return " ".join([f"{character}{{{_BLOCK}}}"] * blocks + [f"{character}{{{left}}}"] * bool(left))


def _up_to(character: str, most: int, closing: str) -> str:
    if not most:
        return closing
    if most <= _BLOCK:
        return f"{character}{{0,{most}}} {closing}"
    fewer = f"{character}{{0,{_BLOCK - 1}}} {closing}"
    return f"({fewer} | {character}{{{_BLOCK}}} {_up_to(character, most - _BLOCK, closing)})"


_READY: dict[Node, str] = {
    AnyValue(): "any",
    Text(): "string",
    Number(integer=True): "integer",
    Number(integer=False): "number",
    Number(integer=False, range=Range(low=Decimal(0))): "number_0",
}
"""The notation's own rules."""


def literal(text: str) -> str:
    """Text as a literal of a grammar; what means something to the notation as its number."""
    return '"' + "".join(_character(character) for character in text) + '"'


def _character(character: str) -> str:
    if character in '"\\':
        return f"\\{character}"
    return character if character.isprintable() else f"\\U{ord(character):08x}"
