"""A reply folded into server-sent events. DashScope protocol, sections 5.1 to 5.4."""

from __future__ import annotations

from glmscope.chat.events import ReplyEvent
from glmscope.errors import GLMScopeError
from glmscope.server.dashscope.chunks import ChunkFold
from glmscope.server.dashscope.errors import error_body
from glmscope.server.dashscope.result import ResultShape
from glmscope.server.reply_events import finish_note


class EventFold:
    """Makes each event of one reply into the bytes of one server-sent event."""

    media_type = "text/event-stream"
    keep_alive = b":keep-alive\n\n"
    end = b""

    def __init__(self, shape: ResultShape, incremental: bool, request_id: str) -> None:
        self._chunks = ChunkFold(shape, incremental, request_id)
        self._request_id = request_id
        self._events = 0

    def add(self, event: ReplyEvent) -> bytes:
        """The next event; a note on how the reply ended is a comment, which readers pass over."""
        status = b":HTTP_STATUS/200"
        if note := finish_note(event):
            status += b"\n:" + note.encode()
        return self._event(b"result", status, self._chunks.add(event))

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
