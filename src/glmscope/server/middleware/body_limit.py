"""A bound on request bodies, whether or not their length was announced."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from glmscope.errors import PayloadTooLarge


class BodyLimit:
    """Makes reading a body that is too large raise PayloadTooLarge, as early as that is known.

    It acts when the body is read, so path, method and key are judged before the size. What is left
    of the body the HTTP layer throws away: closing the connection instead could reach the client
    before the answer does.
    """

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self._app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        announced = int(Headers(scope=scope).get("content-length", "0"))
        received = 0

        async def limited() -> Message:
            nonlocal received
            if announced > self._max_bytes:
                raise PayloadTooLarge
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._max_bytes:
                raise PayloadTooLarge
            return message

        await self._app(scope, limited, send)
