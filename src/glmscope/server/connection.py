"""A client's connection, and how long it may keep the server waiting."""

from __future__ import annotations

import asyncio
import http
import socket
import uuid
from typing import Any

import h11
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from glmscope.errors import GLMScopeError, IllegalInput, RequestTimeOut
from glmscope.server.countdown import Countdown
from glmscope.server.dashscope.errors import error_body
from glmscope.server.settings import ServerSettings

_BODY_GRACE_SECONDS = 5.0
"""What a body gets beyond `receive_seconds`, when whoever reads it has answered 408 already."""
_LINGER_SECONDS = 1.0
"""How long what a refused client still sends is taken and thrown away."""


class Connection(H11Protocol):
    """uvicorn's connection, with bounds from the settings of the application that it serves.

    A request has to arrive within `receive_seconds`: a head that does not is answered 408, a body
    by `BodyDeadline`, and a client that goes on sending a body after its answer is cut off. A
    client that takes nothing of its answer for `write_seconds` is cut off too, which ends its
    reply like any other disconnect. What is not HTTP gets a 400 in JSON.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, {**app_state, "connection": self}, _loop)
        self._settings: ServerSettings = config.app.state.settings  # type: ignore[union-attr]
        self._receiving: asyncio.TimerHandle | None = None
        self._writing = Countdown()
        self._cycles_watched: object = None
        self._refused = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """asyncio."""
        super().connection_made(transport)
        _notice_dead_peers(transport.get_extra_info("socket"), self._settings.write_seconds)
        self._expect(self._settings.receive_seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        """asyncio."""
        self._expect(None)
        self.resume_writing()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """asyncio."""
        if not self._refused:
            super().data_received(data)

    def handle_events(self) -> None:
        """After uvicorn's own work: run the clock while a request is under way."""
        super().handle_events()
        if self._refused:
            return
        is_websocket = self.transport.get_protocol() is not self
        if self.transport.is_closing() or is_websocket:
            self._expect(None)
        elif self.conn.their_state is h11.SEND_BODY:
            if self._cycles_watched is not self.cycle:
                self._cycles_watched = self.cycle
                self._expect(self._settings.receive_seconds + _BODY_GRACE_SECONDS)
        elif self.conn.their_state is h11.IDLE and self.conn.trailing_data[0]:
            if self._receiving is None:
                self._expect(self._settings.receive_seconds)
        else:
            self._expect(None)

    def pause_writing(self) -> None:
        """asyncio: the client does not read as fast as it is written to."""
        super().pause_writing()
        self._writing.start(self._settings.write_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """asyncio."""
        self._writing.stop()
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        """uvicorn: the client does not speak HTTP, or too long a head of it."""
        self._refuse(
            IllegalInput("What was sent is not an HTTP request, or its head is larger than 16 KiB.")
        )

    def _expect(self, seconds: float | None) -> None:
        if self._receiving is not None:
            self._receiving.cancel()
        self._receiving = None if seconds is None else self.loop.call_later(seconds, self._late)

    def _late(self) -> None:
        if self.conn.their_state is h11.SEND_BODY:
            self.transport.abort()
        elif self.conn.trailing_data[0]:
            self._refuse(RequestTimeOut("The head of the request took too long to arrive."))
        else:
            self.transport.close()

    def _refuse(self, error: GLMScopeError) -> None:
        """Answer in place of the application, and close; only close if it has answered already."""
        without_application = self.conn.our_state is h11.IDLE
        if without_application or self.conn.our_state is h11.SEND_RESPONSE:
            request_id = str(uuid.uuid4())
            body = error_body(error, request_id)
            head = h11.Response(
                status_code=error.status,
                headers=[
                    ("content-type", "application/json"),
                    ("content-length", str(len(body))),
                    ("connection", "close"),
                    ("x-request-id", request_id),
                ],
                reason=http.HTTPStatus(error.status).phrase.encode(),
            )
            for event in (head, h11.Data(data=body), h11.EndOfMessage()):
                self.transport.write(self.conn.send(event) or b"")
        if not without_application:
            self.transport.close()
            return
        # To close with bytes unread would reset the connection, and the answer could be lost.
        self._refused = True
        self.transport.write_eof()
        self._expect(None)
        self._receiving = self.loop.call_later(_LINGER_SECONDS, self.transport.close)


def _notice_dead_peers(client: socket.socket, seconds: float) -> None:
    """Let the kernel end a connection whose other end is gone, or reads nothing, without a word.

    The kernel's buffers hold megabytes that asyncio does not see, and a machine that lost its
    network says no goodbye.
    """
    client.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(seconds * 1000))
