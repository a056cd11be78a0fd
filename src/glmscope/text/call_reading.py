"""A generated turn as the call of a declared tool, the common slips of a network repaired.

Native is: the tool's name, a newline, and in a Python fence `tool_call(name=value, …)` (model
specification, section 8.2). What an engine writes that is not held to this may differ a little,
and still say clearly which tool it calls with which arguments. Nothing is guessed: a turn that
does not begin with the name of a declared tool is a text, and so is a call that cannot be read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from glmscope.text.toolcall import (
    CALL_NAME,
    LooseCall,
    MalformedCall,
    Value,
    parse_dictionary,
    parse_loose_call,
)

Repair: TypeAlias = Literal[
    "newline after the name",
    "opening fence",
    "language of the fence",
    "newline in the fence",
    "closing fence",
    "name of the call",
    "arguments as JSON",
    "constants as JSON",
    "argument without its name",
]
"""What a turn had not as it should."""

SoleArguments: TypeAlias = Mapping[str, str | None]
"""The declared tools, and of each the one argument that needs no name, if there is one."""

_FENCE = "```"
_LANGUAGE = "python"
_NAME_MARKS = "_-."
"""Characters of names beside letters and digits."""


@dataclass(frozen=True, slots=True)
class ReadCall:
    """A declared tool is called with these arguments."""

    name: str
    parameters: dict[str, Value]
    repairs: tuple[Repair, ...]


@dataclass(frozen=True, slots=True)
class NoCall:
    """The turn is a text; the reason quotes nothing of it."""

    reason: str


def is_tool_name(name: str) -> bool:
    """1 to 64 letters, digits, underscores, dashes or dots, of whichever script."""
    return 1 <= len(name) <= 64 and all(map(_is_of_name, name))


def called_name(turn: str, names: Iterable[str]) -> str | None:
    """The declared name that the turn begins with, as a whole word; the longest that fits."""
    turn = turn.lstrip(" ")
    fitting = [
        name
        for name in names
        if turn.startswith(name) and not _is_of_name(turn[len(name) : len(name) + 1])
    ]
    return max(fitting, key=len, default=None)


def read_call(turn: str, tools: SoleArguments) -> ReadCall | NoCall:
    """Read one part of a turn, header line and all. Total: never raises."""
    name = called_name(turn, tools)
    if name is None:
        return NoCall("it does not begin with the name of a declared tool")
    repairs: list[Repair] = []
    rest = turn.lstrip(" ")[len(name) :]
    if rest.lstrip(" ")[:1] not in ("\n", ""):
        repairs.append("newline after the name")
    source = _unfenced(rest.strip(), repairs)
    call = parse_dictionary(source) if source.startswith("{") else parse_loose_call(source)
    if isinstance(call, MalformedCall):
        return NoCall(f"its call cannot be read: {call.reason}")
    if call.name not in (CALL_NAME, name):
        return NoCall(f"it calls neither {CALL_NAME} nor the tool")
    if call.name != CALL_NAME:
        repairs.append("name of the call")
    if source.startswith("{"):
        repairs.append("arguments as JSON")
    if call.json_constants:
        repairs.append("constants as JSON")
    if not call.unnamed:
        return ReadCall(name, call.arguments, tuple(repairs))
    arguments = _named(call, tools[name], repairs)
    if arguments is None:
        return NoCall("an argument of its call has no name")
    return ReadCall(name, arguments, tuple(repairs))


def _is_of_name(character: str) -> bool:
    return character.isalnum() or (bool(character) and character in _NAME_MARKS)


def _unfenced(body: str, repairs: list[Repair]) -> str:
    """What stands in the fence, or all of it where there is none."""
    if body.startswith(_FENCE):
        body = body.removeprefix(_FENCE)
        # A fence of no language may open at once with the call.
        opening = body.partition("\n")[0].strip() if "\n" in body else ""
        language = opening if opening.isalpha() else ""
        if not language and body.startswith(_LANGUAGE):
            language = _LANGUAGE
        body = body.removeprefix(language)
        if language != _LANGUAGE:
            repairs.append("language of the fence")
        if body.lstrip(" ")[:1] != "\n":
            repairs.append("newline in the fence")
    else:
        repairs.append("opening fence")
    if body.endswith(_FENCE):
        body = body.removesuffix(_FENCE)
    else:
        repairs.append("closing fence")
    return body.strip()


def _named(call: LooseCall, sole: str | None, repairs: list[Repair]) -> dict[str, Value] | None:
    """A single argument without a name: all of them in a dictionary, or the only one there is."""
    if call.arguments or len(call.unnamed) > 1:
        return None
    (value,) = call.unnamed
    if isinstance(value, dict):
        repairs.append("arguments as JSON")
        return value
    if sole is None:
        return None
    repairs.append("argument without its name")
    return {sole: value}
