"""Reads and writes the code that ChatGLM3 sends to its interpreter.

A call of the interpreter is an assistant turn whose header line is `interpreter` and whose content
is Python in a fence. Nothing here runs or compiles it.

Source: ChatGLM specification, section 8.2 "Code interpreter".
"""

from __future__ import annotations

from dataclasses import dataclass

from glmscope.text.call_reading import NoCall, Repair

INTERPRETER = "interpreter"
"""The header line of a turn that holds code."""

_FENCE = "```"
_LANGUAGES = ("", "python", "py", "python3")


@dataclass(frozen=True, slots=True)
class ReadCode:
    """This is to be run."""

    code: str
    repairs: tuple[Repair, ...]


def write_code(code: str) -> str:
    """Code in the fence with which a conversation's history keeps it."""
    return f"{_FENCE}python\n{code}\n{_FENCE}"


def read_code(turn: str) -> ReadCode | NoCall:
    """The code of one part of a turn, header line and all: its last fenced block, as in the demo.

    Without a fence all of it is code. Total: never raises.
    """
    repairs: list[Repair] = []
    body = turn.lstrip(" ").removeprefix(INTERPRETER)
    if body.lstrip(" ")[:1] not in ("\n", ""):
        repairs.append("newline after the name")
    code = _last_block(body, repairs)
    if code is None:
        # The content is decoded with the space in front that the tokenizer puts there.
        code = body.removeprefix("\n").removeprefix(" ")
        repairs += ["opening fence", "closing fence"]
    code = _trimmed(code)
    if not code:
        return NoCall("it holds no code")
    return ReadCode(code, tuple(repairs))


def _last_block(body: str, repairs: list[Repair]) -> str | None:
    """What stands in the last fence; None where there is none."""
    block: list[str] | None = None
    is_open = False
    for line in body.split("\n"):
        stripped = line.strip()
        if is_open and stripped == _FENCE:
            is_open = False
        elif is_open and block is not None:
            block.append(line)
        elif stripped.startswith(_FENCE):
            is_open, block = True, _opened(stripped.removeprefix(_FENCE), repairs)
    if block and is_open:
        # The fence may close on the last line of code.
        if block[-1].rstrip().endswith(_FENCE):
            block[-1] = block[-1].rstrip().removesuffix(_FENCE)
        else:
            repairs.append("closing fence")
    return None if block is None else "\n".join(block)


def _opened(rest: str, repairs: list[Repair]) -> list[str]:
    """The first line of a block, where its opening line goes on after the language."""
    if rest.strip().lower() in _LANGUAGES:
        return []
    language, _, code = rest.partition(" ")
    if language.isalnum() and not code:
        repairs.append("language of the fence")
        return []
    repairs.append("newline in the fence")
    return [code if language.lower() in _LANGUAGES else rest]


def _trimmed(code: str) -> str:
    """Without empty lines around it; the indentation of its first line stays."""
    lines = code.rstrip().split("\n")
    while lines and not lines[0].strip():
        lines.pop(0)
    return "\n".join(lines)
