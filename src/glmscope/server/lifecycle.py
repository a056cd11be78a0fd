"""How a server stops: nobody new, those inside to the end, then the engines."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import structlog

from glmscope.chat.service import ChatService
from glmscope.server.admission import Admission

_log = structlog.get_logger("glmscope.server")

_LAST_WORDS_SECONDS = 1.0


class Lifecycle:
    """The one way to stop, whoever asks: a signal, or an ASGI server of the operator's own."""

    def __init__(self, service: ChatService, admission: Admission, drain_seconds: float) -> None:
        self._service = service
        self._admission = admission
        self._drain_seconds = drain_seconds
        self._stopped = False

    async def stop(self) -> None:
        """Refuse new requests, let running replies finish within the bound, close the service.

        Replies still running then end with ModelUnavailable. Stopping twice does nothing more.
        """
        self._admission.close()
        if self._stopped:
            return
        self._stopped = True
        try:
            if self._admission.admitted:
                await self._drain()
        finally:
            # Also when the wait was cancelled: an engine's threads would keep the process alive.
            await self._service.close()

    async def _drain(self) -> None:
        _log.info("draining", replies=self._admission.admitted, seconds=self._drain_seconds)
        try:
            await asyncio.wait_for(self._admission.idle(), self._drain_seconds)
        except asyncio.TimeoutError:
            _log.warning("drain_expired", replies=self._admission.admitted)
        # A websocket is closed right after this, so whoever was cut short has to hear of it first.
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._admission.idle(), _LAST_WORDS_SECONDS)
