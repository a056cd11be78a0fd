"""Usage on its way to the disk: many replies in one transaction, none waited for on the loop."""

from __future__ import annotations

import asyncio

import structlog

from glmscope.errors import StoreError
from glmscope.store.usage import Amount, UsageKey, UsageStore

_log = structlog.get_logger("glmscope.server")


class UsageLedger:
    """Adds amounts to the accounts of a store.

    One transaction is written at a time, in a thread; whatever comes meanwhile shares the next. So
    an amount waits for two commits at most, however many replies end at once.
    """

    def __init__(self, store: UsageStore) -> None:
        self._store = store
        self._amounts: dict[UsageKey, Amount] = {}
        self._waiting: list[asyncio.Future[None]] = []
        self._writer: asyncio.Task[None] | None = None

    async def add(self, account: UsageKey, amount: Amount) -> None:
        """Add `amount` to `account`; it is on disk when this returns.

        It is counted once, also when the wait is cancelled. While the database refuses, the wait
        ends all the same, and the amount is kept for the next attempt: an answer that was made is
        not withheld because it could not be noted.
        """
        self._amounts[account] = self._amounts.get(account, Amount()) + amount
        await self._written()

    async def close(self) -> None:
        """Write what is left."""
        if self._amounts or self._writer is not None:
            await self._written()

    async def _written(self) -> None:
        written = asyncio.get_running_loop().create_future()
        self._waiting.append(written)
        if self._writer is None:
            self._writer = asyncio.create_task(self._write())
        await written

    async def _write(self) -> None:
        while self._waiting:
            amounts, self._amounts = self._amounts, {}
            waiting, self._waiting = self._waiting, []
            try:
                await asyncio.to_thread(self._store.add, amounts)
            except StoreError as error:
                _log.error("usage_not_written", reason=error.message)
                for account, amount in amounts.items():
                    self._amounts[account] = self._amounts.get(account, Amount()) + amount
            for written in waiting:
                if not written.done():
                    written.set_result(None)
        self._writer = None
