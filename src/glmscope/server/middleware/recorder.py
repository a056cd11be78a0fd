"""Keeps real exchanges in files: `glmscope serve --record`."""

from __future__ import annotations

import asyncio
import json
import time

import structlog
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from glmscope.errors import InvalidApiKey
from glmscope.server.exchange import Asked, Exchange, Part, kept
from glmscope.server.exchange_directory import ExchangeDirectory
from glmscope.server.model import stand_in_header
from glmscope.server.record import RequestRecord
from glmscope.store import keytext

_log = structlog.get_logger("glmscope.server")

_PREFIXES = ("/api/v1/", "/api-ws/v1/", "/compatible-mode/v1/", "/v1/")
_ANSWER_HEADERS = ("cache-control", "content-type", "retry-after", "x-accel-buffering")


class Recorder:
    """Writes every complete exchange on the paths of the API, failures included.

    Left out are answers that say only that the key was wrong, answers whose client went away, and,
    with a line in the log, whatever holds a key: a stream may carry one in pieces, so that nothing
    but leaving it out is safe. No other header than those named here is kept.
    """

    def __init__(self, app: ASGIApp, directory: ExchangeDirectory) -> None:
        self._app = app
        self._directory = directory

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] == "http" and scope["path"].startswith(_PREFIXES):
            await self._record_answer(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._record_tasks(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _record_answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        take = _Take()
        record = RequestRecord.of(HTTPConnection(scope))
        complete = False

        async def heard_receive() -> Message:
            nonlocal complete
            message = await receive()
            if message["type"] == "http.request":
                take.body += message.get("body", b"")
                complete = not message.get("more_body", False)
            return message

        async def heard_send(message: Message) -> None:
            await send(message)
            if message["type"] == "http.response.start":
                take.status = message["status"]
                sent = kept(Headers(raw=message["headers"]), _ANSWER_HEADERS)
                # The record's own headers are added further out.
                take.headers = sent | stand_in_header(record)
            elif message["type"] == "http.response.body":
                take.add(message.get("body", b""))
                take.over = not message.get("more_body", False)

        await self._app(scope, heard_receive, heard_send)
        if complete and take.over and not record.disconnected:
            await self._keep(take, Asked.over_http(scope, take.body), scope, record.request_id)

    async def _record_tasks(self, scope: Scope, receive: Receive, send: Send) -> None:
        takes: dict[str, tuple[_Take, Asked]] = {}
        # Beside the task that answers, which ends when its client closes after the last frame.
        writing: set[asyncio.Task[None]] = set()

        async def heard_receive() -> Message:
            message = await receive()
            frame = message.get("text")
            if frame is not None and (told := _header(frame)).get("action") == "run-task":
                takes[_task_id(told)] = _Take(), Asked.by_frame(scope, frame)
            return message

        async def heard_send(message: Message) -> None:
            await send(message)
            frame = message.get("text")
            if message["type"] != "websocket.send" or frame is None:
                return
            told = _header(frame)
            task_id = _task_id(told)
            if task_id in takes:
                take, asked = takes[task_id]
                take.add(frame.encode())
                if told.get("event") in ("task-finished", "task-failed"):
                    del takes[task_id]
                    write = asyncio.create_task(self._keep(take, asked, scope, task_id))
                    writing.add(write)
                    write.add_done_callback(writing.discard)

        try:
            await self._app(scope, heard_receive, heard_send)
        finally:
            await asyncio.gather(*writing)

    async def _keep(self, take: _Take, asked: Asked, scope: Scope, request_id: str) -> None:
        if take.status == InvalidApiKey.status:
            return
        headers = Headers(scope=scope)
        exchange = Exchange(asked, request_id, take.status, take.headers, tuple(take.parts))
        reason = "it holds a key" if _holds_key(exchange, headers) else None
        if reason is None:
            try:
                await run_in_threadpool(self._directory.add, exchange)
            except OSError as error:
                reason = error.strerror
            except RecursionError:
                reason = "it is nested too deeply"
        if reason is not None:
            _log.warning("exchange_not_recorded", request_id=request_id, reason=reason)


class _Take:
    """An exchange while it goes on."""

    def __init__(self) -> None:
        self.body = b""
        self.status = 200
        self.headers: dict[str, str] = {}
        self.parts: list[Part] = []
        self.over = False
        self._begun = time.monotonic()

    def add(self, text: bytes) -> None:
        if text:
            self.parts.append(Part(time.monotonic() - self._begun, text.decode()))


def _holds_key(exchange: Exchange, headers: Headers) -> bool:
    """Whether the client's own key, or what looks like one, stands anywhere in the exchange."""
    said = "".join(_words(part.text) for part in exchange.parts)
    texts = [exchange.asked.query, *exchange.asked.headers.values(), _words(exchange.asked.body)]
    presented = headers.get("authorization", "").partition(" ")[2].strip()
    return any(
        keytext.holds_key(text) or (presented and presented in text) for text in [*texts, said]
    )


def _words(text: str) -> str:
    """JSON without its escapes, which can spell any letter in other letters."""
    try:
        return json.dumps(json.loads(text), ensure_ascii=False)
    except (ValueError, RecursionError):
        return text


def _header(frame: str) -> dict[str, object]:
    try:
        header = json.loads(frame)["header"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return {}
    return header if isinstance(header, dict) else {}


def _task_id(header: dict[str, object]) -> str:
    """As frames that answer repeat it: what is no string comes back empty."""
    task_id = header.get("task_id")
    return task_id if isinstance(task_id, str) else ""
