"""An application on a socket, until a signal says stop."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from contextlib import nullcontext
from types import FrameType

import uvicorn
from fastapi import FastAPI

from glmscope.agent.tool_source import OpenedTools
from glmscope.server.connection import Connection
from glmscope.server.lifecycle import Lifecycle
from glmscope.server.listener import base_url
from glmscope.server.settings import ServerSettings
from glmscope.server.websocket_connection import WebsocketConnection

# SDKs keep connections in a pool; one that the server closes first costs them a failed request.
_IDLE_CONNECTION_SECONDS = 75
# Frames up to this many times the largest body are refused in words; one that is larger still is
# not read, and closes its websocket.
_FRAME_FACTOR = 2
# A websocket's other end that is not there any more should be noticed; one that merely takes its
# time with what it got, as a consumer of the Python SDK may, has as long as that SDK's timeout.
_PING_SECONDS = 30
_PONG_SECONDS = 300
# What is left after draining are clients that do not read their answer.
_CLOSE_SECONDS = 5


def serve(
    app: FastAPI, listener: socket.socket, on_ready: Callable[[str], None] | None = None
) -> None:
    """Serve `app` until SIGTERM or SIGINT, and return when it has stopped cleanly.

    `listener` is closed then. `on_ready` is called with the base URL, real port included, once
    connections are accepted.
    """
    Server(app, listener, on_ready).run()


class Server(uvicorn.Server):
    """uvicorn that drains first: running replies end, new requests are refused in words.

    A second signal stops at once.
    """

    def __init__(
        self, app: FastAPI, listener: socket.socket, on_ready: Callable[[str], None] | None = None
    ) -> None:
        settings: ServerSettings = app.state.settings
        super().__init__(
            uvicorn.Config(
                app,
                http=Connection,
                ws=WebsocketConnection,
                ws_max_size=_FRAME_FACTOR * settings.max_body_bytes,
                ws_per_message_deflate=False,
                ws_ping_interval=_PING_SECONDS,
                ws_ping_timeout=_PONG_SECONDS,
                lifespan="on",
                log_config=None,
                log_level="warning",
                access_log=False,
                server_header=False,
                timeout_keep_alive=_IDLE_CONNECTION_SECONDS,
                timeout_graceful_shutdown=_CLOSE_SECONDS,
            )
        )
        self._lifecycle: Lifecycle = app.state.lifecycle
        # An application that only says that models are loading has none.
        self._tools: OpenedTools | None = getattr(app.state, "tools", None)
        self._on_ready = on_ready
        self._listener = listener
        self.url = base_url(listener)

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until stopped; blocks."""
        with self._listener:
            super().run(sockets or [self._listener])

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Open the application's tools, then serve. Raises UsageError for tools that fail."""
        async with self._tools.opened() if self._tools else nullcontext():
            await super().serve(sockets)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept connections, then say so."""
        await super().startup(sockets)
        if self._on_ready is not None:
            self._on_ready(self.url)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Drain while connections are still open, then close them."""
        for server in self.servers:
            server.close()
        draining = asyncio.create_task(self._lifecycle.stop())
        while not draining.done() and not self.force_exit:
            await asyncio.wait({draining}, timeout=0.1)
        draining.cancel()
        await asyncio.gather(draining, return_exceptions=True)
        await super().shutdown(sockets)

    def stop(self) -> None:
        """Ask a server that runs in another thread to stop, as a signal would."""
        self.should_exit = True

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """First signal: stop. Second: at once.

        Unlike uvicorn's own, it does not raise the signal again afterwards, so that whoever called
        `serve` can put things in order and end with a status of its own.
        """
        self.force_exit = self.should_exit
        self.should_exit = True
