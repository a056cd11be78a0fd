"""What is known about the request being answered: its id, and what the access log says of it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field

from starlette.requests import HTTPConnection
from starlette.types import Scope

from glmscope.chat.events import Usage


@dataclass(slots=True)
class RequestRecord:
    """Filled in along the way. It never holds a key, a prompt or a reply."""

    request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    key_id: str | None = None
    model: str | None = None
    stream: bool = False
    usage: Usage | None = None
    finish_reason: str | None = None
    error: str | None = None
    disconnected: bool = False

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
            "key_id": self.key_id,
            "model": self.model,
            "stream": self.stream or None,
            "input_tokens": self.usage and self.usage.input_tokens,
            "output_tokens": self.usage and self.usage.output_tokens,
            "finish_reason": self.finish_reason,
            "error": self.error,
            "disconnected": self.disconnected or None,
        }
        return {name: value for name, value in fields.items() if value is not None}
