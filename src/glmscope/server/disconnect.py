"""Noticing that a client has gone away."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine

from starlette.requests import ClientDisconnect
from starlette.types import Receive


async def until_disconnect(receive: Receive, work: Coroutine[None, None, None]) -> None:
    """Run `work` beside a listener on `receive`, whose request body must have been read.

    When the client goes first, `work` is cancelled and has ended before ClientDisconnect is
    raised; what `work` raises comes out unchanged.
    """
    worker = asyncio.create_task(work)
    listener = asyncio.create_task(_disconnected(receive))
    try:
        await asyncio.wait({worker, listener}, return_when=asyncio.FIRST_COMPLETED)
        if not worker.done():
            raise ClientDisconnect
        worker.result()
    finally:
        worker.cancel()
        listener.cancel()
        await asyncio.gather(worker, listener, return_exceptions=True)


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
