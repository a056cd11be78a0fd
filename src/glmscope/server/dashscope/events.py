"""A reply folded into server-sent events. DashScope protocol, sections 5.1 to 5.4."""

from __future__ import annotations

from glmscope.chat.events import Finished, ReplyEvent, TextPiece
from glmscope.errors import GLMScopeError
from glmscope.server import json_text
from glmscope.server.dashscope.errors import error_body
from glmscope.server.dashscope.parameters import ResultFormat
from glmscope.server.dashscope.result import RUNNING, result

# Stands for the text while a chunk is encoded. JSON leaves it as it is, and nothing else in a chunk
# (counts, fixed words, a UUID) can hold it.
_HOLE = "\ue000"
_HOLE_BYTES = _HOLE.encode()


class EventFold:
    """Makes each event of one reply into the bytes of one server-sent event.

    In cumulative mode every chunk repeats all text so far. The text is kept as escaped bytes that
    only grow, so a chunk costs its new piece to encode and the rest to copy, not all of it to
    encode again.
    """

    media_type = "text/event-stream"
    keep_alive = b":keep-alive\n\n"
    end = b""

    def __init__(self, result_format: ResultFormat, incremental: bool, request_id: str) -> None:
        self._result_format = result_format
        self._incremental = incremental
        self._request_id = request_id
        self._events = 0
        self._escaped = bytearray()

    def add(self, event: ReplyEvent) -> bytes:
        """The next event; the last one repeats the whole text, or is empty in incremental mode."""
        if self._incremental:
            self._escaped.clear()
        if isinstance(event, TextPiece):
            self._escaped += _escape(event.text)
        return self._event(b"result", b":HTTP_STATUS/200", self._data(event))

    def fail(self, error: GLMScopeError) -> bytes:
        """The event that ends a stream in the middle.

        No space after `event:`, or the Python SDK does not see it; the `status:` line gives its
        users the true status, and other readers pass over it.
        """
        status = b":HTTP_STATUS/%d\nstatus:%d" % (error.status, error.status)
        return self._event(b"error", status, error_body(error, self._request_id))

    def _event(self, kind: bytes, status: bytes, data: bytes) -> bytes:
        self._events += 1
        return b"id:%d\nevent:%b\n%b\ndata:%b\n\n" % (self._events, kind, status, data)

    def _data(self, event: ReplyEvent) -> bytes:
        finish_reason = event.reason if isinstance(event, Finished) else RUNNING
        frame = json_text.dump(
            result(self._result_format, _HOLE, finish_reason, event.usage, self._request_id)
        )
        before, _, after = frame.partition(_HOLE_BYTES)
        return b"".join((before, self._escaped, after))


def _escape(text: str) -> bytes:
    """`text` as it stands between the quotes of a JSON string."""
    return json_text.dump(text)[1:-1]
