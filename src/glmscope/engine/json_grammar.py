"""A schema as the grammar that the runtime holds a reply to.

The notation is the runtime's EBNF (that of GBNF files). The JSON is compact, with at most one space
after a colon or comma: what repeats without bound would let a network go on for ever.
"""

from __future__ import annotations

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

# A string is a recursive rule, not a repeated one: the runtime then knows the allowed ids at once.
# Where characters are counted it has to look at ids one by one (some 20 ms a step); were an escape
# no `character`, it would work all of that out beforehand, and hold up everybody for seconds.
# Escapes spell no half of a surrogate pair; numbers keep to what every reader of JSON can hold.
_COMMON = r"""
space ::= " "?
character ::= [^"\\\x00-\x1f] | "\\" escape
hex ::= [0-9a-fA-F]
escape ::= ["\\/bfnrt] | "u" ([0-9a-cefA-CEF] hex hex hex | [dD] [0-7] hex hex)
string ::= "\"" string_rest
string_rest ::= "\"" | [^"\\\x00-\x1f] string_rest | "\\" escape string_rest
digits ::= "0" | [1-9] [0-9]{0,14}
integer ::= "-"? digits
integer_0 ::= digits
integer_1 ::= [1-9] [0-9]{0,14}
fraction ::= ("." [0-9]{1,15})? ([eE] [+-]? [0-9]{1,2})?
number ::= "-"? digits fraction
number_0 ::= digits fraction
any ::= any_object | any_array | string | number | "true" | "false" | "null"
any_array ::= "[" ("]" | any any_items)
any_items ::= "]" | "," space any any_items
any_object ::= "{" ("}" | string ":" space any any_members)
any_members ::= "}" | "," space string ":" space any any_members
"""


def json_grammar(schema: JsonSchema) -> str:
    """The grammar whose texts follow `schema`; its first rule is `root`."""
    return _Writer(schema).write()


class _Writer:
    def __init__(self, schema: JsonSchema) -> None:
        self._schema = schema
        self._rules: list[str] = []
        self._names: dict[Node, str] = {}

    def write(self) -> str:
        root = self._rule(Reference(""))
        return "\n".join([f"root ::= {root}", *self._rules]) + _COMMON

    def _rule(self, node: Node) -> str:
        """The name of the rule of a node; equal nodes share one."""
        if isinstance(node, AnyValue):
            return "any"
        if isinstance(node, Number):
            name = "integer" if node.integer else "number"
            return name if node.least is None else f"{name}_{node.least}"
        if node == Text():
            return "string"
        if node not in self._names:
            name = self._names[node] = f"rule_{len(self._names)}"
            self._rules.append(f"{name} ::= {self._body(node, name)}")
        return self._names[node]

    def _body(self, node: Node, name: str) -> str:
        if isinstance(node, Reference):
            return self._rule(self._schema.definitions[node.name])
        if isinstance(node, Union):
            return " | ".join(dict.fromkeys(self._rule(option) for option in node.options))
        if isinstance(node, Values):
            return " | ".join(_literal(text) for text in node.texts)
        if isinstance(node, Text):
            return _text(node)
        if isinstance(node, Array):
            return self._array(node)
        if isinstance(node, Object):
            return self._object(node, name)
        raise TypeError(f"no rule for {type(node).__name__}")

    def _array(self, node: Array) -> str:
        item = self._rule(node.items)
        if node.longest == 0:
            return '"[]"'
        most = "" if node.longest is None else node.longest - 1
        filled = f'{item} ("," space {item}){{{max(node.shortest - 1, 0)},{most}}} "]"'
        return f'"[" {filled}' if node.shortest else f'"[" ("]" | {filled})'

    def _object(self, node: Object, name: str) -> str:
        """Each property in its turn: `NAME_i` when none was written before, `NAME_i_more` else."""
        if not node.properties:
            return '"{}"' if node.others is None else self._members(self._rule(node.others), name)
        for index, each in enumerate(node.properties):
            member = self._member(each)
            after = index + 1
            first = f"{member} {name}_{after}_more"
            later = f'"," space {first}'
            if not each.required:
                first += f" | {name}_{after}"
                later += f" | {name}_{after}_more"
            self._rules.append(f"{name}_{index} ::= {first}")
            self._rules.append(f"{name}_{index}_more ::= {later}")
        end = len(node.properties)
        self._rules.append(f'{name}_{end} ::= "}}"')
        self._rules.append(f'{name}_{end}_more ::= "}}"')
        return f'"{{" {name}_0'

    def _member(self, each: Property) -> str:
        return f'{_literal(json_text(each.name))} ":" space {self._rule(each.value)}'

    def _members(self, value: str, name: str) -> str:
        member = f'string ":" space {value}'
        self._rules.append(f'{name}_more ::= "}}" | "," space {member} {name}_more')
        return f'"{{" ("}}" | {member} {name}_more)'


def _text(node: Text) -> str:
    """A string whose characters are counted; an escape is one."""
    if node.longest is None:
        return f'"\\"" character{{{node.shortest}}} string_rest'
    return f'"\\"" character{{{node.shortest},{node.longest}}} "\\""'


def _literal(text: str) -> str:
    """Text as a literal; what means something to the notation as its number."""
    return '"' + "".join(_character(character) for character in text) + '"'


def _character(character: str) -> str:
    if character in '"\\':
        return f"\\{character}"
    return character if character.isprintable() else f"\\U{ord(character):08x}"
