"""The one way out for everything that goes wrong before an answer has begun."""

from __future__ import annotations

import math

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, HTTPConnection
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from glmscope.errors import GLMScopeError, InvalidApiKey, ModelUnavailable, Throttling
from glmscope.server.dashscope import errors as dashscope
from glmscope.server.failures import public_error
from glmscope.server.openai import errors as openai
from glmscope.server.record import RequestRecord


class Failures:
    """Answers every exception with its status and a body in the wire's shape, never a trace."""

    def __init__(self, app: ASGIApp, retry_after_seconds: int) -> None:
        self._app = app
        self._retry_after_seconds = retry_after_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        started = False

        async def noting_send(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        record = RequestRecord.of(HTTPConnection(scope))
        try:
            await self._app(scope, receive, noting_send)
        except ClientDisconnect:
            record.disconnected = True
        except Exception as failure:
            error = public_error(failure, record)
            # Half an answer, or an upgrade, cannot be taken back; returning makes the server cut it
            # off.
            if not started:
                wire = openai if openai.is_openai(scope["path"]) else dashscope
                body = wire.error_body(error, record.request_id)
                await self._response(failure, error, body)(scope, receive, send)

    def _response(self, failure: Exception, error: GLMScopeError, body: bytes) -> Response:
        headers = dict(failure.headers or {}) if isinstance(failure, HTTPException) else {}
        if isinstance(error, InvalidApiKey):
            headers["www-authenticate"] = "Bearer"
        if isinstance(error, (Throttling, ModelUnavailable)):
            headers["retry-after"] = str(self._retry_after(error))
        return Response(
            body,
            status_code=error.status,
            headers=headers,
            media_type="application/json",
        )

    def _retry_after(self, error: GLMScopeError) -> int:
        """Whole seconds, at least one, rounded up: who waited so long has waited long enough."""
        known = error.retry_after if isinstance(error, Throttling) else None
        return self._retry_after_seconds if known is None else max(1, math.ceil(known))
