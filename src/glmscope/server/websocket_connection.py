"""A client's websocket, below the application."""

from __future__ import annotations

from uvicorn._types import ASGISendEvent
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol


class WebsocketConnection(WebSocketsSansIOProtocol):
    """uvicorn's websocket, which takes a handshake that is refused in words for a complete one.

    uvicorn itself would report each as an error, beside the log and on everybody's request.
    """

    async def send(self, message: ASGISendEvent) -> None:
        """ASGI."""
        await super().send(message)
        if self.initial_response is not None and self.close_sent:
            self.handshake_complete = True
