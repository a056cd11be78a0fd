"""A client's websocket, below the application."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn._types import ASGISendEvent
from uvicorn.config import Config
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.frames import CloseCode

from glmscope.server.countdown import Countdown
from glmscope.server.settings import ServerSettings


class WebsocketConnection(WebSocketsSansIOProtocol):
    """uvicorn's websocket, with some of its habits changed.

    A handshake that is refused in words counts as complete: uvicorn would report each as an error,
    beside the log and at anybody's request. A client that reads nothing is not read from: uvicorn
    would go on answering its pings, into memory. After `write_seconds` it is cut off, as over HTTP.
    Text that is not UTF-8 closes the websocket and no more: uvicorn would report a failure of its
    own, trace and all.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._settings: ServerSettings = config.app.state.settings  # type: ignore[union-attr]
        self._writing = Countdown()

    def connection_lost(self, exc: Exception | None) -> None:
        """asyncio."""
        self._writing.stop()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """asyncio: the client does not read as fast as it is written to."""
        super().pause_writing()
        self.transport.pause_reading()
        self._writing.start(self._settings.write_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """asyncio."""
        self._writing.stop()
        super().resume_writing()
        if not self.read_paused:
            self.transport.resume_reading()

    def send_receive_event_to_app(self) -> None:
        """uvicorn: a message is complete."""
        if self.curr_msg_data_type == "text" and not _is_utf8(b"".join(self.frames)):
            self.frames = []
            self.conn.fail(CloseCode.INVALID_DATA, "the text is not UTF-8")
            self.handle_parser_exception()
        else:
            super().send_receive_event_to_app()

    async def send(self, message: ASGISendEvent) -> None:
        """ASGI."""
        await super().send(message)
        if self.initial_response is not None and self.close_sent:
            self.handshake_complete = True


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True
