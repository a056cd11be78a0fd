"""What a generated turn is: an answer or a call. Total: every turn is one or the other.

Source: ChatGLM specification, section 8.2 "Generated turn"; for ChatGLM2 section 8.1.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from glmscope.text.filters import replace_date
from glmscope.text.tokenizer import Tokenizer
from glmscope.text.toolcall import MalformedCall, Value, parse_tool_call

ASSISTANT = "<|assistant|>"


@dataclass(frozen=True, slots=True)
class TurnPart:
    """One assistant entry, as the conversation's history keeps it."""

    metadata: str
    """The line before the content; the name of what is called, blank for an answer."""
    content: str


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool that was offered is to be called with these arguments."""

    name: str
    parameters: dict[str, Value]


@dataclass(frozen=True, slots=True)
class RawCall:
    """Something is to be run, e.g. by the code interpreter; `content` is as generated."""

    name: str
    content: str


@dataclass(frozen=True, slots=True)
class BrokenCall:
    """Meant as the call of a tool, but unreadable; `content` is as generated."""

    name: str
    content: str
    reason: str


Answer: TypeAlias = str | ToolCall | RawCall | BrokenCall
"""A plain answer is its text."""


@dataclass(frozen=True, slots=True)
class ParsedTurn:
    """What is kept of a turn, and what is answered: the meaning of its last part."""

    parts: tuple[TurnPart, ...]
    answer: Answer


def parse_turn_ids(tokenizer: Tokenizer, ids: Sequence[int], tools_offered: bool) -> ParsedTurn:
    """Read a turn from its ids, of which a closing stop id is left out.

    Only the role id begins a new part here; the same characters in ordinary pieces are text.
    """
    if ids and ids[-1] in tokenizer.stop_ids:
        ids = ids[:-1]
    assistant = tokenizer.special.assistant
    if assistant is None:
        content = tokenizer.decode(ids).strip()
        return ParsedTurn((TurnPart("", content),), replace_date(content))
    first, *others = _split(ids, assistant)
    # The role id prints its name, and so the space after it stays, as in the text of the whole.
    texts = [tokenizer.decode([assistant, *part]).removeprefix(ASSISTANT) for part in others]
    return _parse_parts([tokenizer.decode(first), *texts], tools_offered)


def parse_turn(text: str, tools_offered: bool) -> ParsedTurn:
    """Read a ChatGLM3 turn from its text, where only that is at hand.

    `tools_offered`: the conversation starts with a system entry that has tools, so calls carry
    arguments; otherwise they carry code.
    """
    return _parse_parts(text.split(ASSISTANT), tools_offered)


def _parse_parts(texts: Iterable[str], tools_offered: bool) -> ParsedTurn:
    parts = tuple(_part(text) for text in texts)
    return ParsedTurn(parts, _answer(parts[-1], tools_offered))


def _part(text: str) -> TurnPart:
    metadata, newline, content = text.partition("\n")
    if not newline:
        metadata, content = "", text
    return TurnPart(metadata, content if metadata.strip() else content.strip())


def _answer(part: TurnPart, tools_offered: bool) -> Answer:
    name = part.metadata.strip()
    if not name:
        return replace_date(part.content)
    if not tools_offered:
        return RawCall(name, part.content)
    # The first and the last line are the fence.
    arguments = parse_tool_call("\n".join(part.content.split("\n")[1:-1]))
    if isinstance(arguments, MalformedCall):
        return BrokenCall(name, part.content, arguments.reason)
    return ToolCall(name, arguments)


def _split(ids: Sequence[int], separator: int) -> list[list[int]]:
    stretches: list[list[int]] = [[]]
    for token_id in ids:
        if token_id == separator:
            stretches.append([])
        else:
            stretches[-1].append(token_id)
    return stretches
