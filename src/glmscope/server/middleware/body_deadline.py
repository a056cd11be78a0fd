"""A bound on how long a request body may take to arrive."""

from __future__ import annotations

import asyncio

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from glmscope.errors import RequestTimeOut


class BodyDeadline:
    """Makes reading a body that dribbles in raise RequestTimeOut; the answer closes the connection.

    The clock starts with the head and stops with the body's last byte; waiting for a client to
    disconnect afterwards is not bounded. Belongs around whatever answers the exception.
    """

    def __init__(self, app: ASGIApp, seconds: float) -> None:
        self._app = app
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._seconds
        complete = False
        late = False

        async def timely() -> Message:
            nonlocal complete, late
            if complete:
                return await receive()
            arriving = asyncio.ensure_future(receive())
            try:
                await asyncio.wait((arriving,), timeout=max(deadline - loop.time(), 0))
                # What has arrived counts, however late the server comes to look at it: of a large
                # body, reading was paused, and takes two turns of the loop to go on.
                for _ in range(2):
                    if not arriving.done():
                        await asyncio.sleep(0)
                late = not arriving.done()
            finally:
                arriving.cancel()
            if late:
                raise RequestTimeOut("The body of the request took too long to arrive.")
            message = arriving.result()
            complete = not message.get("more_body", False)
            return message

        async def closing_send(message: Message) -> None:
            if late and message["type"] == "http.response.start":
                MutableHeaders(scope=message)["connection"] = "close"
            await send(message)

        await self._app(scope, timely, closing_send)
