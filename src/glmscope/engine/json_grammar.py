"""A schema as the grammar of the JSON that follows it.

The JSON is compact, with at most one space after a colon or comma: what repeats without bound
would let a network go on for ever.
"""

from __future__ import annotations

from glmscope.engine.json_nodes import JsonSchema, Reference
from glmscope.engine.schema_grammar import BEYOND_ASCII, Notation, SchemaRules, characters, counted

# A string is a recursive rule, not a repeated one: the runtime then knows the allowed ids at once.
# Where characters are counted it has to look at ids one by one (some 20 ms a step); were an escape
# no `character`, it would work all of that out beforehand, and hold up everybody for seconds.
# Escapes spell no half of a surrogate pair; numbers keep to what every reader of JSON can hold.
_PLAIN = r"[\x20-\x21\x23-\x5b\x5d-\x7f]"
_STRINGS = rf"""
character ::= {_PLAIN} | beyond_ascii | "\\" escape
string_rest ::= "\"" | {characters(_PLAIN, "string_rest")} | "\\" escape string_rest
"""
_COMMON = r"""
space ::= " "?
hex ::= [0-9a-fA-F]
escape ::= ["\\/bfnrt] | "u" ([0-9a-cefA-CEF] hex hex hex | [dD] [0-7] hex hex)
string ::= "\"" string_rest
digits ::= "0" | [1-9] [0-9]{0,14}
integer ::= "-"? digits
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
    rules = SchemaRules(schema, _JSON)
    root = rules.rule(Reference(""))
    return "\n".join([f"root ::= {root}", *rules.rules]) + _COMMON + _STRINGS + BEYOND_ASCII


def _counted(shortest: int, longest: int | None) -> str:
    """A string whose characters are counted; an escape is one."""
    return f'"\\"" {counted("character", shortest, longest, "string_rest", _QUOTE)}'


_QUOTE = '"\\""'
_JSON = Notation(comma='"," space', colon='":" space', value=str, counted=_counted)
