"""One turn that a client asks for, whichever wire it came by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from glmscope.chat.past_calls import PastCall
from glmscope.chat.tools import ToolOffer

Role = Literal["system", "user", "assistant", "tool"]


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a conversation; `content` is plain text, always data.

    `calls` are those of an assistant message; a tool message answers the one of `call_id`, else
    the first that has no answer yet. `tools` are the descriptions that a system message offers.
    """

    role: Role
    content: str
    calls: tuple[PastCall, ...] = ()
    call_id: str | None = None
    tools: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyRequest:
    """How to continue, whatever there is to continue. Wires check ranges before they make one.

    None means "the model's default". `stop` holds strings, `stop_sequences` token-id sequences;
    neither is part of the reply. `n` replies are made side by side, 1 to 4. `logprobs` k asks for
    the log-probability of every token, with k alternatives (0 to 5). `json_schema` is the JSON
    text of a schema that every reply must follow. `whole` says that nobody sees any of the reply
    before its end, so that text may be taken back until then. `cache_scope`: see `Sampling`.
    """

    request_id: str
    model: str
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int = 0
    repetition_penalty: float = 1.0
    presence_penalty: float = 0.0
    seed: int | None = None
    stop: tuple[str, ...] = ()
    stop_sequences: tuple[tuple[int, ...], ...] = ()
    n: int = 1
    logprobs: int | None = None
    json_schema: str | None = None
    whole: bool = False
    cache_scope: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatRequest(ReplyRequest):
    """A conversation to continue; `messages` ends with a `user` (or `tool`) message."""

    messages: tuple[Message, ...]
    tools: ToolOffer | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CompletionRequest(ReplyRequest):
    """A text to continue, without roles; what base models are made for.

    `prompt` is the text or its ids, with or without `[gMASK] sop` at their start.
    """

    prompt: str | tuple[int, ...]
