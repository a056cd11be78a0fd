"""Waiting that ends when an engine is closed."""

from __future__ import annotations

import asyncio

from glmscope.errors import ModelUnavailable


class Pauses:
    """The waits of one engine's replies."""

    def __init__(self) -> None:
        self._closed = asyncio.Event()

    def close(self) -> None:
        """End every wait, and every later one, with ModelUnavailable."""
        self._closed.set()

    async def pause(self, seconds: float) -> None:
        """Let `seconds` pass, at least one turn of the event loop. Raises ModelUnavailable."""
        if seconds:
            try:
                await asyncio.wait_for(self._closed.wait(), seconds)
            except asyncio.TimeoutError:
                return
        else:
            await asyncio.sleep(0)
        if self._closed.is_set():
            raise ModelUnavailable()
