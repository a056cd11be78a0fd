"""An id for every request, in its answer and in one line of the log."""

from __future__ import annotations

import time

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from glmscope.server.access_log import CLIENT_GONE, AccessLog
from glmscope.server.record import RequestRecord


class RequestLog:
    """Begins the request's record, sends its id as `x-request-id`, and says how it ended.

    A websocket that was opened is no request: each of its tasks is one, and has its own record.
    """

    def __init__(self, app: ASGIApp, access_log: AccessLog) -> None:
        self._app = app
        self._access_log = access_log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        record = RequestRecord.begin(scope)
        begun = time.monotonic()
        status = CLIENT_GONE
        opened = False

        async def identified_send(message: Message) -> None:
            nonlocal status, opened
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["x-request-id"] = record.request_id
                headers.update(record.headers)
            opened = opened or message["type"] == "websocket.accept"
            await send(message)

        try:
            await self._app(scope, receive, identified_send)
        finally:
            if not opened:
                self._access_log.ended(scope, record, status, time.monotonic() - begun)
