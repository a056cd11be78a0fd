"""One turn that a client asks for, whichever wire it came by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Role = Literal["system", "user", "assistant", "tool"]


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a conversation; `content` is plain text, always data."""

    role: Role
    content: str


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """A conversation to continue. Wires check shapes and ranges before they make one.

    `messages` ends with a `user` (or `tool`) message. None means "the model's default".
    `stop` holds strings, `stop_sequences` token-id sequences; neither is part of the reply.
    """

    request_id: str
    model: str
    messages: tuple[Message, ...]
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int = 0
    repetition_penalty: float = 1.0
    presence_penalty: float = 0.0
    seed: int | None = None
    stop: tuple[str, ...] = ()
    stop_sequences: tuple[tuple[int, ...], ...] = ()
