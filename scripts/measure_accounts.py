"""Print what counting a reply's usage costs: one at a time, and many that end at once."""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from datetime import date
from pathlib import Path

from glmscope.server.ledger import UsageLedger
from glmscope.store.database import open_database
from glmscope.store.keys import KeyStore
from glmscope.store.usage import Amount, UsageKey, UsageStore

REPLIES = 2_000
DAY = date(2026, 1, 5)
ONE = Amount(1, 10, 100)


async def measure(store: UsageStore, key_id: str, at_once: int) -> None:
    """Count `REPLIES` replies, `at_once` of them always waiting for their place on disk."""
    ledger = UsageLedger(store)
    account = UsageKey(key_id, "chatglm3-6b", DAY)
    waits: list[float] = []

    async def client() -> None:
        for _ in range(REPLIES // at_once):
            begun = time.perf_counter()
            await ledger.add(account, ONE)
            waits.append((time.perf_counter() - begun) * 1e3)

    begun = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(at_once)))
    rate = len(waits) / (time.perf_counter() - begun)
    cuts = statistics.quantiles(waits, n=100)
    print(
        f"{at_once:4} at once: {rate:7.0f} replies/s, a reply waits {cuts[49]:.2f} ms (median), "
        f"{cuts[98]:.2f} ms (99th percentile)"
    )


def main() -> None:
    """Measure with one, 32 and 500 replies ending at the same time."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", help="path or URL; by default a new SQLite file")
    given = parser.parse_args().database
    with (
        tempfile.TemporaryDirectory() as directory,
        open_database(given or Path(directory) / "measured.db") as database,
    ):
        key = KeyStore(database).create("measured")
        print(f"database: {'SQLite' if given is None else given.partition(':')[0]}")
        for at_once in (1, 32, 500):
            asyncio.run(measure(UsageStore(database), key.id, at_once))


if __name__ == "__main__":
    main()
