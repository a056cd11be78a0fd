"""A client's websocket, below the application."""

from __future__ import annotations

from uvicorn._types import ASGISendEvent
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol


class WebsocketConnection(WebSocketsSansIOProtocol):
    """uvicorn's websocket, with two of its habits changed.

    A handshake that is refused in words counts as complete: uvicorn would report each as an error,
    beside the log and at anybody's request. And a client that reads nothing is not read from:
    uvicorn would go on answering its pings, into memory.
    """

    def pause_writing(self) -> None:
        """asyncio: the client does not read as fast as it is written to."""
        super().pause_writing()
        self.transport.pause_reading()

    def resume_writing(self) -> None:
        """asyncio."""
        super().resume_writing()
        if not self.read_paused:
            self.transport.resume_reading()

    async def send(self, message: ASGISendEvent) -> None:
        """ASGI."""
        await super().send(message)
        if self.initial_response is not None and self.close_sent:
            self.handshake_complete = True
