"""A reply as a stream of events; every wire folds the same stream into its own shape."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ReplyFinish = Literal["stop", "length"]


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens as the service counts them.

    Input: each message content encoded alone, without role markers, prefix tokens or template.
    Output: generated ids, the end token not counted. (DashScope protocol, section 4.)
    """

    input_tokens: int
    output_tokens: int


@dataclass(frozen=True, slots=True)
class TextPiece:
    """More text, never empty, never half a character, never part of a stop string."""

    text: str
    usage: Usage


@dataclass(frozen=True, slots=True)
class Finished:
    """The last event of every reply that did not fail."""

    reason: ReplyFinish
    usage: Usage


ReplyEvent = TextPiece | Finished
