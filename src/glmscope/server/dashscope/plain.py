"""A reply folded into one JSON answer. DashScope protocol, section 4."""

from __future__ import annotations

from glmscope.chat.events import Finished, ReplyEvent, TextPiece
from glmscope.server import json_text
from glmscope.server.dashscope.parameters import ResultFormat
from glmscope.server.dashscope.result import result


class PlainFold:
    """Collects the events of one reply. Without `request_id` the answer holds none."""

    media_type = "application/json"

    def __init__(self, result_format: ResultFormat, request_id: str | None) -> None:
        self._result_format = result_format
        self._request_id = request_id
        self._pieces: list[str] = []

    def add(self, event: ReplyEvent) -> bytes | None:
        """The answer's body once the reply has finished, None before."""
        if isinstance(event, TextPiece):
            self._pieces.append(event.text)
            return None
        return self._body(event)

    def _body(self, end: Finished) -> bytes:
        text = "".join(self._pieces)
        return json_text.dump(
            result(self._result_format, text, end.reason, end.usage, self._request_id)
        )
