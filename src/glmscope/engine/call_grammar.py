"""The tools that a reply may call as the grammar of a ChatGLM3 turn.

A turn is a header line and what follows it: the line is empty before a text; before a call it is
the tool's name, and the call is Python with literal arguments, in a fence. Arguments come in the
order in which they are declared, and none that is not. A text is held to nothing; ids that no
text spells begin the next turn or end the reply.

Source: ChatGLM specification, section 8.2.
"""

from __future__ import annotations

import json
import keyword

from glmscope.engine.engine import CallableTool, CallRule
from glmscope.engine.json_nodes import Object, Property
from glmscope.engine.json_schema import read_json_schema
from glmscope.engine.schema_grammar import (
    BEYOND_ASCII,
    Notation,
    SchemaRules,
    characters,
    counted,
    literal,
)
from glmscope.engine.vocabulary import ASSISTANT_MARK, OBSERVATION_MARK, USER_MARK

# Strings are recursive rules and numbers bounded for the reasons that json_grammar gives. A line
# and its content are encoded apart, each with a space in front, hence `gap`.
_IN_SINGLE, _IN_DOUBLE = r"[\x20-\x26\x28-\x5b\x5d-\x7f]", r"[\x20-\x21\x23-\x5b\x5d-\x7f]"
_STRINGS = rf"""
single ::= "'" | {characters(_IN_SINGLE, "single")} | "\\" escape single
double ::= "\"" | {characters(_IN_DOUBLE, "double")} | "\\" escape double
in_single ::= {_IN_SINGLE} | beyond_ascii | "\\" escape
in_double ::= {_IN_DOUBLE} | beyond_ascii | "\\" escape
"""
_COMMON = r"""
gap ::= " "?
string ::= "'" single | "\"" double
hex ::= [0-9a-fA-F]
escape ::= [\\'"nrt] | "x" hex hex | "u" ([0-9a-cefA-CEF] hex hex hex | [dD] [0-7] hex hex)
digits ::= "0" | [1-9] [0-9]{0,14}
integer ::= "-"? digits
fraction ::= ("." [0-9]{1,15})? ([eE] [+-]? [0-9]{1,2})?
number ::= "-"? digits fraction
number_0 ::= digits fraction
any ::= any_dict | any_list | string | number | "True" | "False" | "None"
any_list ::= "[" ("]" | any any_items)
any_items ::= "]" | ", " any any_items
any_dict ::= "{" ("}" | string ": " any any_members)
any_members ::= "}" | ", " string ": " any any_members
"""


def call_grammar(rule: CallRule) -> str:
    """The grammar of what a reply under `rule` may be; its first rule is `root`.

    Raises InvalidParameter for parameters that cannot be held to.
    """
    user, assistant, observation = map(literal, (USER_MARK, ASSISTANT_MARK, OBSERVATION_MARK))
    next_call = f" | {assistant} calls" if rule.several else ""
    calls = [f"call_{number}" for number in range(len(rule.tools))]
    calls += ["code_call"] * (rule.code is not None)
    rules = [
        f"root ::= {'calls' if rule.must_call else 'turn'}",
        "calls ::= gap call end_of_call",
        f'end_of_call ::= "" | {observation}{next_call}',
        f"call ::= {' | '.join(calls)}",
    ]
    if not rule.must_call:
        rules += [
            'turn ::= calls | gap "\\n" text',
            f"text ::= {characters(_NO_MARK, 'text')} | end_of_text",
            f'end_of_text ::= "" | {user} | {observation} | {assistant} turn',
        ]
    if rule.code is not None:
        opening = literal("```python\n")
        rules += [
            f"code_call ::= {literal(rule.code)} {_NEWLINE} gap {opening} code",
            f"code ::= {_NEWLINE_FENCE} | {characters(_NO_MARK, 'code')}",
        ]
    for number, tool in enumerate(rule.tools):
        rules += _call(tool, f"call_{number}")
    return "\n".join(rules) + _COMMON + _STRINGS + BEYOND_ASCII


def _call(tool: CallableTool, name: str) -> list[str]:
    schema = read_json_schema(tool.parameters)
    parameters = schema.as_object()
    if parameters is None:
        raise TypeError("the parameters of a tool are no object")
    rules = SchemaRules(schema, _PYTHON, f"{name}_")
    arguments = _arguments(parameters, rules, f"{name}_arguments")
    opening = literal("```python\ntool_call(")
    head = f"{name} ::= {literal(tool.name)} {_NEWLINE} gap {opening} {arguments} {_NEWLINE_FENCE}"
    return [head, *rules.rules]


def _arguments(parameters: Object, rules: SchemaRules, name: str) -> str:
    """The rule, or part of one, of what stands between the parentheses, the closing one with it."""
    if parameters.properties or parameters.others is None:
        return rules.in_order(
            parameters.properties, name, lambda each: _argument(each, rules), _CLOSING
        )
    return f'({_CLOSING} | "**" {rules.rule(parameters)} {_CLOSING})'


def _argument(each: Property, rules: SchemaRules) -> str:
    """`name=value`; names that Python cannot spell travel in a dictionary."""
    if each.name.isidentifier() and not keyword.iskeyword(each.name):
        return f"{literal(each.name + '=')} {rules.rule(each.value)}"
    return f'"**{{" {rules.pair(each)} "}}"'


def _counted(shortest: int, longest: int | None) -> str:
    """A string whose characters are counted; an escape is one."""
    single = counted("in_single", shortest, longest, "single", '"\'"')
    double = counted("in_double", shortest, longest, "double", '"\\""')
    return f'"\'" {single} | "\\"" {double}'


def _python(text: str) -> str:
    """JSON as Python writes the value, which is also how a conversation's history has it."""
    return repr(json.loads(text))


_PYTHON = Notation(comma='", "', colon='": "', value=_python, counted=_counted)
_NEWLINE = literal("\n")
_NEWLINE_FENCE = literal("\n```")
_CLOSING = '")"'
_NO_MARK = r"[\x04-\x7f]"
"""The characters of ASCII but those that stand for the ids of roles."""
