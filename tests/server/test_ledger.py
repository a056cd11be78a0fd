"""Amounts on their way to the disk."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from datetime import date, datetime, timezone

import pytest
from structlog.testing import capture_logs

from glmscope.chat.events import Usage
from glmscope.errors import StoreError
from glmscope.server.accounts import Accounts
from glmscope.server.ledger import UsageLedger
from glmscope.server.record import RequestRecord
from glmscope.store.keyinfo import KeyInfo, KeyLimits, KeyTerms
from glmscope.store.usage import Amount, UsageKey, UsageStore

ACCOUNT = UsageKey("key", "model", date(2026, 1, 5))
ONE = Amount(1, 2, 3)


class Store(UsageStore):
    """Notes what is written; may be told to wait, or to fail."""

    def __init__(self) -> None:
        self.batches: list[Mapping[UsageKey, Amount]] = []
        self.go_on = threading.Event()
        self.go_on.set()
        self.fails = False

    def add(self, amounts: Mapping[UsageKey, Amount]) -> None:
        assert self.go_on.wait(10)
        if self.fails:
            raise StoreError("The database is full.")
        if amounts:
            self.batches.append(dict(amounts))

    @property
    def total(self) -> Amount:
        return sum((batch[ACCOUNT] for batch in self.batches), Amount())


async def test_what_ends_at_once_shares_a_transaction() -> None:
    store = Store()
    ledger = UsageLedger(store)
    store.go_on.clear()
    writes = [asyncio.create_task(ledger.add(ACCOUNT, ONE)) for _ in range(50)]
    await asyncio.sleep(0.05)
    assert not any(write.done() for write in writes)
    store.go_on.set()
    await asyncio.gather(*writes)
    assert store.total == Amount(50, 100, 150)
    assert len(store.batches) <= 2


async def test_an_amount_whose_reader_left_is_counted_once() -> None:
    store = Store()
    ledger = UsageLedger(store)
    store.go_on.clear()
    write = asyncio.create_task(ledger.add(ACCOUNT, ONE))
    await asyncio.sleep(0.02)
    write.cancel()
    store.go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await write
    await ledger.close()
    assert store.total == ONE


async def test_a_database_that_refuses_holds_nobody_up_and_gets_it_later() -> None:
    store = Store()
    ledger = UsageLedger(store)
    store.fails = True
    with capture_logs() as logs:
        await ledger.add(ACCOUNT, ONE)
        await ledger.add(ACCOUNT, ONE)
    assert [line["event"] for line in logs] == ["usage_not_written"] * 2
    assert store.batches == []
    store.fails = False
    await ledger.close()
    assert store.batches == [{ACCOUNT: Amount(2, 4, 6)}]
    await ledger.close()
    assert len(store.batches) == 1


async def test_a_reader_that_leaves_while_it_is_written_down_is_charged_its_minute() -> None:
    store = Store()
    accounts = Accounts(store)
    limits = KeyLimits(tokens_per_minute=100)
    now = datetime.now(timezone.utc)
    record = RequestRecord(key=KeyInfo("key", "name", "last", now, None, KeyTerms(limits=limits)))
    record.model, record.usage = "model", Usage(2, 30)
    await accounts.open(record)
    store.go_on.clear()

    async def answer() -> None:
        async with record.account.reply(2):
            await record.account.settle()

    reader = asyncio.create_task(answer())
    await asyncio.sleep(0.02)
    reader.cancel()
    store.go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await reader
    window = await accounts.rates.count_tokens("key", 100, 0)
    assert window is not None and window.remaining == 68
    await accounts.close()
    assert sum((sum(batch.values(), Amount()) for batch in store.batches), Amount()).tokens == 32
