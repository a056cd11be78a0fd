"""A reply as a stream of events; every wire folds the same stream into its own shape."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ReplyFinish = Literal["stop", "length", "tool_calls"]
FinishNote = Literal["loop"]
"""What a finish reason has no word for."""
Alternative = tuple[str, bytes, float]
"""A token that could have stood there: what it is called, its bytes, its log-probability."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens as the service counts them; in an event, those of its own choice.

    Input: each message content encoded alone, without role markers, prefix tokens or template.
    Output: generated ids, the end token not counted. (DashScope protocol, section 4.) Of a choice
    that was caught in a loop, what comes after the loop's first round does not count in the end.
    """

    input_tokens: int
    output_tokens: int


@dataclass(frozen=True, slots=True)
class PieceLogprob:
    """A token of a shown text and how likely it was; see `TokenLogprob`.

    `bytes` is what it adds to the text: those of all tokens joined are the text in UTF-8, but that
    a byte which is no part of a character shows as U+FFFD. `token` says them in characters, bytes
    that make none as `<0xE6>`.
    """

    token: str
    bytes: bytes
    logprob: float
    top: tuple[Alternative, ...] = ()


@dataclass(frozen=True, slots=True)
class TextPiece:
    """More text of choice `index`, never half a character or part of a stop string.

    Empty only where the reply is wanted whole: then it tells that more was generated.

    Where logprobs were asked for, they are those of the tokens that make just this text.
    """

    text: str
    usage: Usage
    index: int = 0
    logprobs: tuple[PieceLogprob, ...] = ()


@dataclass(frozen=True, slots=True)
class ToolCall:
    """The call of an offered tool.

    `number` counts the calls of a choice from 0; `arguments` is the JSON text of an object that
    follows what the tool declares.
    """

    number: int
    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class CallPiece:
    """One more call of choice `index`, whole."""

    call: ToolCall
    usage: Usage
    index: int = 0


@dataclass(frozen=True, slots=True)
class PluginFile:
    """A file that a plugin made, such as a picture."""

    name: str
    content: bytes
    media_type: str


@dataclass(frozen=True, slots=True)
class PluginCall:
    """The model calls what the server itself runs; the call's `name` is the plugin's."""

    call: ToolCall
    usage: Usage
    index: int = 0


@dataclass(frozen=True, slots=True)
class PluginResult:
    """What came of the `PluginCall` before it. `text` is what the model reads of it."""

    call: ToolCall
    text: str
    usage: Usage
    files: tuple[PluginFile, ...] = ()
    is_error: bool = False
    index: int = 0


@dataclass(frozen=True, slots=True)
class Finished:
    """The last event of every choice that did not fail.

    `end` is the token that ended the choice, if one did, where logprobs were asked for; it adds
    nothing to the text. `note` is `loop` where the loop brake ended it, whose reason is `length`.
    """

    reason: ReplyFinish
    usage: Usage
    index: int = 0
    end: PieceLogprob | None = None
    note: FinishNote | None = None


ReplyEvent = TextPiece | CallPiece | PluginCall | PluginResult | Finished
