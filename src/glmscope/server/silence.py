"""Telling a slow stream from a dead one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from typing import TypeVar

T = TypeVar("T")


async def with_silences(items: AsyncIterator[T], seconds: float) -> AsyncGenerator[T | None, None]:
    """Every item as it comes, and None each time `seconds` pass without one.

    Closing this generator cancels a pending read of `items` and waits for it to end.
    """
    pending: asyncio.Future[T] | None = None
    try:
        while True:
            pending = asyncio.ensure_future(anext(items))
            while not (await asyncio.wait({pending}, timeout=seconds))[0]:
                yield None
            try:
                item = pending.result()
            except StopAsyncIteration:
                return
            yield item
    finally:
        if pending is not None and pending.cancel():
            await asyncio.gather(pending, return_exceptions=True)
