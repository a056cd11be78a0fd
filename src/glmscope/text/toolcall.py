"""Reads and writes the call that ChatGLM3 generates: `tool_call(city='上海', days=7)`.

The grammar is that of a Python call with keyword arguments whose values are literals: strings,
numbers, True/False/None (also as JSON spells them), lists, tuples, dictionaries. It is read by the
small parser below and by nothing that can run or compile code: whatever the text holds, reading
it takes time and stack in proportion, and ends in values or in a reason.

Source: ChatGLM specification, section 8.2 "Tools".
"""

from __future__ import annotations

import keyword
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NoReturn, TypeAlias

from glmscope.text.literals import LiteralError, Token, number_value, string_value, tokenize
from glmscope.text.unicode import mend_surrogates

Value: TypeAlias = str | int | float | bool | list["Value"] | dict[str, "Value"] | None
"""What an argument can be: the values that JSON has. Tuples become lists."""

MAX_CHARACTERS = 1 << 17
MAX_DEPTH = 50

CALL_NAME = "tool_call"
_CONSTANTS: dict[str, bool | None] = {
    "True": True,
    "true": True,
    "False": False,
    "false": False,
    "None": None,
    "null": None,
}


@dataclass(frozen=True, slots=True)
class LooseCall:
    """A call as it was written, whatever it calls."""

    name: str
    arguments: dict[str, Value]
    unnamed: list[Value]
    """Arguments without a name."""
    json_constants: bool
    """Whether true, false or null stood for what Python calls otherwise."""


@dataclass(frozen=True, slots=True)
class MalformedCall:
    """The text is no call with literal arguments; the reason quotes nothing of it."""

    reason: str


def parse_tool_call(source: str) -> dict[str, Value] | MalformedCall:
    """The keyword arguments of the one call that `source` consists of. Total: never raises."""
    call = parse_loose_call(source)
    if isinstance(call, MalformedCall):
        return call
    if call.name != CALL_NAME:
        return MalformedCall(f"it is not a call of {CALL_NAME}")
    if call.unnamed:
        return MalformedCall("an argument has no name")
    return call.arguments


def parse_loose_call(source: str) -> LooseCall | MalformedCall:
    """The one call that `source` consists of, of whatever name. Total: never raises."""
    return _parse(source, lambda parser: parser.call())


def parse_dictionary(source: str) -> LooseCall | MalformedCall:
    """The one dictionary that `source` consists of, as the arguments of a call. Total."""
    return _parse(source, lambda parser: parser.dictionary())


def _parse(source: str, read: Callable[[_Parser], LooseCall]) -> LooseCall | MalformedCall:
    if len(source) > MAX_CHARACTERS:
        return MalformedCall(f"it is longer than {MAX_CHARACTERS} characters")
    try:
        return read(_Parser(source))
    except LiteralError as error:
        return MalformedCall(str(error))


def write_tool_call(arguments: Mapping[str, Value]) -> str:
    """The call with these arguments, on one line; `parse_tool_call` reads it back.

    Raises ValueError for what is nested too deep and for a float that is not finite, TypeError
    for what is no `Value`.
    """
    return f"{CALL_NAME}({', '.join(_keyword(*item) for item in arguments.items())})"


def write_fenced_call(arguments: Mapping[str, Value]) -> str:
    """The same in the fence with which a conversation's history keeps it."""
    return f"```python\n{write_tool_call(arguments)}\n```"


class _Parser:
    """Recursive descent over a list of tokens; the stack is bounded by MAX_DEPTH."""

    def __init__(self, source: str) -> None:
        self._tokens = tokenize(source.replace("\r\n", "\n").replace("\r", "\n"))
        self._next = 0
        self._json_constants = False

    def call(self) -> LooseCall:
        name = self._take("name", "the call").text
        self._expect("(")
        arguments: dict[str, Value] = {}
        unnamed: list[Value] = []
        while not self._accept(")"):
            if self._at_keyword():
                self._add(self._argument(), arguments)
            else:
                unnamed.append(self._value(1))
            if not self._accept(","):
                self._expect(")")
                break
        self._end()
        return LooseCall(name, arguments, unnamed, self._json_constants)

    def dictionary(self) -> LooseCall:
        self._expect("{")
        arguments = self._dictionary(1)
        self._end()
        return LooseCall(CALL_NAME, arguments, [], self._json_constants)

    def _end(self) -> None:
        if self._peek().kind != "end":
            self._fail("nothing more")

    def _at_keyword(self) -> bool:
        """Whether a named argument follows: constants are names, too."""
        token = self._peek()
        if token.kind != "name":
            return token.kind == "mark" and token.text == "**"
        return token.text not in _CONSTANTS or self._tokens[self._next + 1].text == "="

    @staticmethod
    def _add(named: dict[str, Value], arguments: dict[str, Value]) -> None:
        for name, value in named.items():
            if name in arguments:
                raise LiteralError("an argument is given twice")
            arguments[name] = value

    def _argument(self) -> dict[str, Value]:
        """`name=value`, or `**{...}`, which carries names that Python cannot spell."""
        if self._accept("**"):
            self._expect("{")
            return self._dictionary(1)
        name = self._take("name", "a keyword argument")
        if not name.text.isidentifier():
            self._fail("a keyword argument", name)
        self._expect("=")
        return {name.text: self._value(1)}

    def _value(self, depth: int) -> Value:
        if depth > MAX_DEPTH:
            raise LiteralError(f"its values are nested more than {MAX_DEPTH} deep")
        token = self._take_any()
        if token.kind == "string":
            return self._string(token)
        if token.kind == "number":
            return number_value(token)
        if token.text in _CONSTANTS:
            self._json_constants |= token.text[0].islower()
            return _CONSTANTS[token.text]
        if token.text in ("-", "+"):
            number = number_value(self._take("number", "a number"))
            return -number if token.text == "-" else number
        if token.text == "[":
            return self._items("]", depth)[0]
        if token.text == "(":
            items, is_tuple = self._items(")", depth)
            return items if is_tuple else items[0]
        if token.text == "{":
            return self._dictionary(depth)
        return self._fail("a literal value", token)

    def _items(self, closing: str, depth: int) -> tuple[list[Value], bool]:
        """Values up to the closing mark; and whether, in parentheses, they make a tuple."""
        items: list[Value] = []
        while not self._accept(closing):
            items.append(self._value(depth + 1))
            if not self._accept(","):
                self._expect(closing)
                return items, len(items) != 1
        return items, True

    def _dictionary(self, depth: int) -> dict[str, Value]:
        """Pairs up to the closing brace; keys are strings, as in JSON."""
        pairs: dict[str, Value] = {}
        while not self._accept("}"):
            key = self._string(self._take("string", "a string as key"))
            self._expect(":")
            pairs[key] = self._value(depth + 1)
            if not self._accept(","):
                self._expect("}")
                break
        return pairs

    def _string(self, token: Token) -> str:
        """A string literal and those that follow it directly: Python joins them."""
        parts = [string_value(token)]
        while self._peek().kind == "string":
            parts.append(string_value(self._take_any()))
        return mend_surrogates("".join(parts))

    def _peek(self) -> Token:
        return self._tokens[self._next]

    def _take_any(self) -> Token:
        token = self._peek()
        if token.kind != "end":
            self._next += 1
        return token

    def _take(self, kind: str, expected: str) -> Token:
        token = self._take_any()
        if token.kind != kind:
            self._fail(expected, token)
        return token

    def _accept(self, mark: str) -> bool:
        found = self._peek().kind == "mark" and self._peek().text == mark
        self._next += found
        return found

    def _expect(self, mark: str) -> None:
        if not self._accept(mark):
            self._fail(f"'{mark}'")

    def _fail(self, expected: str, token: Token | None = None) -> NoReturn:
        position = (token or self._peek()).position
        raise LiteralError(f"{expected} was expected at character {position + 1}")


def _keyword(name: str, value: Value) -> str:
    if name.isidentifier() and not keyword.iskeyword(name):
        return f"{name}={_literal(value, 1)}"
    return f"**{{{name!r}: {_literal(value, 2)}}}"


def _literal(value: Value, depth: int) -> str:
    if depth > MAX_DEPTH:
        raise ValueError(f"Values nested more than {MAX_DEPTH} deep cannot be written.")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{value} cannot be written as a literal.")
    if value is None or isinstance(value, str | bool | int | float):
        return repr(value)
    if isinstance(value, list | tuple):
        return f"[{', '.join(_literal(item, depth + 1) for item in value)}]"
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        pairs = (f"{key!r}: {_literal(item, depth + 1)}" for key, item in value.items())
        return f"{{{', '.join(pairs)}}}"
    raise TypeError(f"A tool call cannot carry a value of type {type(value).__name__}.")
