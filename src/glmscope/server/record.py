"""What is known about the request being answered: its id, and what the access log says of it."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from starlette.requests import HTTPConnection
from starlette.types import Scope

from glmscope.chat.events import FinishNote, Usage
from glmscope.chat.trace import ReplyTrace
from glmscope.server.account import Account
from glmscope.store.keys import KeyInfo

Wire = Literal["dashscope", "openai", "websocket"]


@dataclass(slots=True)
class RequestRecord:
    """Filled in along the way. `traces` aside it never holds a key, a prompt or a reply."""

    request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    wire: Wire | None = None
    """None until a path that is served was found."""
    key: KeyInfo | None = None
    account: Account = field(default_factory=Account)
    headers: dict[str, str] = field(default_factory=dict)
    """Sent with the answer, whatever it is."""
    model: str | None = None
    stream: bool = False
    usage: Usage | None = None
    finish_reason: str | None = None
    finish_note: FinishNote | None = None
    """What the finish reason has no word for, of the choice that ended last with one."""
    error: str | None = None
    disconnected: bool = False
    queue_seconds: float | None = None
    """How long the request waited for its turn; None when it never got one."""
    first_token_seconds: float | None = None
    """From the request's turn to its first piece of text."""
    token_gaps: list[tuple[float, int]] = field(default_factory=list)
    """For every later piece of text: seconds since the one before it in the same choice, and the
    tokens it brought."""
    traces: Sequence[ReplyTrace] = ()
    """The reply's own facts, once it is waiting or read. Never for the log."""

    @property
    def key_id(self) -> str | None:
        """The key's id, which may be logged."""
        return None if self.key is None else self.key.id

    @property
    def cache_scope(self) -> str:
        """Whose earlier prompts this one may build on: its key's; without keys, everybody's."""
        return self.key_id or ""

    @property
    def key_names(self) -> tuple[str, ...]:
        """The key's id and name, by which an operator's lists of tools know it."""
        return () if self.key is None else (self.key.id, self.key.name)

    @classmethod
    def begin(cls, scope: Scope) -> RequestRecord:
        """Start the record of the request in `scope`."""
        record = cls()
        scope.setdefault("state", {})["record"] = record
        return record

    @classmethod
    def of(cls, connection: HTTPConnection) -> RequestRecord:
        """The record that `begin` started."""
        record = connection.state.record
        if not isinstance(record, cls):
            raise TypeError("This request has no record; is RequestLog in front of the routes?")
        return record

    def log_fields(self) -> dict[str, object]:
        """What is known, for one line of the log."""
        fields: dict[str, object] = {
            "request_id": self.request_id,
            "wire": self.wire,
            "key_id": self.key_id,
            "model": self.model,
            "stream": self.stream or None,
            "input_tokens": self.usage and self.usage.input_tokens,
            "output_tokens": self.usage and self.usage.output_tokens,
            "finish_reason": self.finish_reason,
            "finish_note": self.finish_note,
            "error": self.error,
            "disconnected": self.disconnected or None,
            "queue_seconds": _rounded(self.queue_seconds),
            "first_token_seconds": _rounded(self.first_token_seconds),
        }
        return {name: value for name, value in fields.items() if value is not None}


def speaks(wire: Wire) -> Callable[[HTTPConnection], Awaitable[None]]:
    """A dependency for the routes of a wire; it notes which one a request came by."""

    async def note(connection: HTTPConnection) -> None:
        RequestRecord.of(connection).wire = wire

    return note


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 4)
