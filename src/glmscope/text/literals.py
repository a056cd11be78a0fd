"""Python's literal tokens: strings, numbers, names and marks, read without compiling anything.

What `toolcall` parses calls from. The grammar of each token is Python's own.
"""

from __future__ import annotations

import math
import re
import unicodedata
from typing import NamedTuple

MAX_DIGITS = 1000
"""Longest number; converting many more digits would take quadratic time."""

_SIMPLE_ESCAPES = {
    "\n": "",
    "\\": "\\",
    "'": "'",
    '"': '"',
    "a": "\a",
    "b": "\b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "v": "\v",
}

_SPACE = re.compile(r"(?:[ \t\f\n]|\\\n|#[^\n]*)*")
_TOKEN = re.compile(
    r"""
    (?P<string> [rRuU]? (?:
        '''(?:[^\\]|\\.)*?'''   | (?!''')'(?:[^'\\\n]|\\.)*'
      | \"""(?:[^\\]|\\.)*?\""" | (?!\""")"(?:[^"\\\n]|\\.)*" ) )
  | (?P<number> \.?[0-9] (?:[eE][+-]|[0-9A-Za-z_.])* )
  | (?P<name> [A-Za-z_\u0080-\U0010ffff] [0-9A-Za-z_\u0080-\U0010ffff]* )
  | (?P<mark> \*\* | [()\[\]{},:=+-] )
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(
    r"\\(?:([0-7]{1,3})|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|N\{([^}]*)\}|(.))",
    re.DOTALL,
)


class LiteralError(Exception):
    """What is wrong, and at which character; nothing of the text is quoted."""


class Token(NamedTuple):
    """A `string`, `number`, `name` or `mark`, or the `end`, and where it begins."""

    kind: str
    text: str
    position: int


def tokenize(source: str) -> list[Token]:
    """All tokens; the last one is of kind `end`. Raises LiteralError."""
    tokens: list[Token] = []
    position = _skip_space(source, 0)
    while position < len(source):
        match = _TOKEN.match(source, position)
        if match is None or match.lastgroup is None:
            raise LiteralError(f"character {position + 1} begins nothing that a call may hold")
        tokens.append(Token(match.lastgroup, match[0], position))
        position = _skip_space(source, match.end())
    tokens.append(Token("end", "", position))
    return tokens


def _skip_space(source: str, position: int) -> int:
    match = _SPACE.match(source, position)
    return match.end() if match else position


def number_value(token: Token) -> int | float:
    """What a number literal stands for. Raises LiteralError, also when it is infinite."""
    digits = token.text
    try:
        if len(digits) > MAX_DIGITS:
            raise ValueError
        if not digits.startswith(("0x", "0X")) and any(mark in digits for mark in ".eE"):
            number: int | float = float(digits)
        else:
            number = int(digits, 0)
        if not math.isfinite(number):
            raise ValueError
    except (ValueError, OverflowError):
        raise LiteralError(f"character {token.position + 1} begins no usable number") from None
    return number


def string_value(token: Token) -> str:
    """What a string literal stands for. Raises LiteralError."""
    raw = token.text[0] in "rR"
    quoted = token.text.lstrip("rRuU")
    quotes = 3 if quoted[:3] in ("'''", '"""') else 1
    body = quoted[quotes:-quotes]
    if raw or "\\" not in body:
        return body
    try:
        return _ESCAPE.sub(_unescape, body)
    except (ValueError, KeyError):
        raise LiteralError(
            f"the string at character {token.position + 1} has an escape that means nothing"
        ) from None


def _unescape(match: re.Match[str]) -> str:
    octal, *hexadecimal, name, char = match.groups()
    if octal:
        return chr(int(octal, 8))
    for digits in hexadecimal:
        if digits:
            return chr(int(digits, 16))
    if name is not None:
        return unicodedata.lookup(name)
    if char in "xuUN":
        raise ValueError("too few digits, or no name")
    # Python keeps the backslash of an escape that it does not know.
    return _SIMPLE_ESCAPES.get(char, match[0])
