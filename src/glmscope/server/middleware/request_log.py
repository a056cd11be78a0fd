"""An id for every request, in its answer and in one line of the log."""

from __future__ import annotations

import time
from collections.abc import Sequence

import structlog
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from glmscope.server.observers import RequestObserver, tell
from glmscope.server.record import RequestRecord

_log = structlog.get_logger("glmscope.access")

_LONGEST_PATH = 200
_CLIENT_GONE = 499
"""Logged, never sent: the client went away before there was an answer."""


class RequestLog:
    """Begins the request's record and sends its id as `x-request-id`; logs how it ended.

    The observers are told after that. Neither query string nor headers nor bodies are logged: they
    may hold keys and prompts.
    """

    def __init__(self, app: ASGIApp, observers: Sequence[RequestObserver] = ()) -> None:
        self._app = app
        self._observers = observers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        record = RequestRecord.begin(scope)
        begun = time.monotonic()
        status = _CLIENT_GONE

        async def identified_send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["x-request-id"] = record.request_id
            await send(message)

        try:
            await self._app(scope, receive, identified_send)
        finally:
            seconds = time.monotonic() - begun
            _log.info(
                "request",
                method=scope["method"],
                path=scope["path"][:_LONGEST_PATH],
                status=status,
                seconds=round(seconds, 4),
                **record.log_fields(),
            )
            tell(self._observers, record, status, seconds)
