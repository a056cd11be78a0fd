"""Paths as clients glue them together."""

from __future__ import annotations

import re

from starlette.types import ASGIApp, Receive, Scope, Send

_SLASHES = re.compile("/{2,}")


class Slashes:
    """Takes a doubled or final slash out of the path.

    A base URL with a final slash makes SDKs and scripts ask for `/api/v1//services/…`; a redirect
    would not do, since clients do not follow one with a POST.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] in ("http", "websocket"):
            path = _SLASHES.sub("/", scope["path"]).rstrip("/") or "/"
            scope = {**scope, "path": path}
        await self._app(scope, receive, send)
