"""Answers that are made while they are sent: from a place in the line to the last byte."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import aclosing
from typing import Protocol

from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from glmscope.chat.events import ReplyEvent
from glmscope.errors import GLMScopeError
from glmscope.server.admission import Admission, Turn
from glmscope.server.disconnect import until_disconnect
from glmscope.server.failures import public_error
from glmscope.server.record import RequestRecord
from glmscope.server.reply_events import EventSource, read_reply
from glmscope.server.silence import with_silences


class Fold(Protocol):
    """Makes a reply into one body."""

    media_type: str

    def add(self, event: ReplyEvent) -> bytes | None:
        """Take the next event; the last one gives the body."""
        ...


class StreamFold(Protocol):
    """Makes a reply into the events of a stream, in the manner of one wire."""

    media_type: str
    keep_alive: bytes
    """Sent in silence; every reader passes over it."""
    end: bytes
    """Sent after the last event, where a wire wants that."""

    def add(self, event: ReplyEvent) -> bytes:
        """The next event as sent."""
        ...

    def fail(self, error: GLMScopeError) -> bytes:
        """The event that says what went wrong after the stream had begun."""
        ...


class _ReplyResponse(Response, ABC):
    """Admits the request, answers it, and stops the reply whatever happens.

    A full line, and any failure before the first byte, is raised, so that it leaves with its own
    status. A client that goes away stops the reply at once.
    """

    def __init__(self, reply: EventSource, admission: Admission, record: RequestRecord) -> None:
        # Instead of Response's own, which renders a body; this much of it FastAPI asks for.
        self.status_code = 200
        self.background = None
        self._reply = reply
        self._admission = admission
        self._record = record

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with aclosing(self._reply):
            with self._admission.admit(self._record.key_id) as turn:
                try:
                    await until_disconnect(receive, self._answer(turn, send))
                except ClientDisconnect:
                    self._record.disconnected = True

    @abstractmethod
    async def _answer(self, turn: Turn, send: Send) -> None: ...

    async def _start(self, send: Send, headers: dict[str, str]) -> None:
        raw = [(name.encode("ascii"), value.encode("ascii")) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": 200, "headers": raw})


class PlainResponse(_ReplyResponse):
    """The whole reply as one body."""

    def __init__(
        self, reply: EventSource, fold: Fold, admission: Admission, record: RequestRecord
    ) -> None:
        super().__init__(reply, admission, record)
        self._fold = fold

    async def _answer(self, turn: Turn, send: Send) -> None:
        body = b""
        async with aclosing(read_reply(self._reply, turn, self._record)) as events:
            async for event in events:
                body = self._fold.add(event) or body
        headers = {"content-type": self._fold.media_type, "content-length": str(len(body))}
        await self._start(send, headers)
        await send({"type": "http.response.body", "body": body})


class EventStreamResponse(_ReplyResponse):
    """The reply as it is made.

    The status leaves with the first event, or with the first sign of life when that takes longer
    than `keep_alive_seconds`; a failure after that is told inside the stream.
    """

    def __init__(
        self,
        reply: EventSource,
        fold: StreamFold,
        admission: Admission,
        record: RequestRecord,
        keep_alive_seconds: float,
    ) -> None:
        super().__init__(reply, admission, record)
        self._fold = fold
        self._keep_alive_seconds = keep_alive_seconds
        record.stream = True

    async def _answer(self, turn: Turn, send: Send) -> None:
        headers = {
            "content-type": self._fold.media_type,
            "cache-control": "no-cache",
            "x-accel-buffering": "no",
        }
        started = False
        last = self._fold.end
        try:
            async with (
                aclosing(read_reply(self._reply, turn, self._record)) as events,
                aclosing(with_silences(events, self._keep_alive_seconds)) as signs,
            ):
                async for event in signs:
                    if not started:
                        await self._start(send, headers)
                        started = True
                    frame = self._fold.keep_alive if event is None else self._fold.add(event)
                    await send({"type": "http.response.body", "body": frame, "more_body": True})
        except Exception as failure:
            if not started:
                raise
            last = self._fold.fail(public_error(failure, self._record))
        await send({"type": "http.response.body", "body": last})
