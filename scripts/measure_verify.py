"""Print what checking an API key costs with SQLite, in microseconds."""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

from glmscope.store.database import open_database
from glmscope.store.keys import KeyStore

KEYS = 1_000
ROUNDS = 5_000


def main() -> None:
    """Time `verify` for good keys in a store of some size."""
    with (
        tempfile.TemporaryDirectory() as directory,
        open_database(Path(directory) / "keys.db") as database,
    ):
        store = KeyStore(database)
        keys = [store.create("measured").key for _ in range(KEYS)]
        times = []
        for number in range(ROUNDS):
            start = time.perf_counter()
            store.verify(keys[number % KEYS])
            times.append((time.perf_counter() - start) * 1e6)
    cuts = statistics.quantiles(times, n=100)
    print(f"verify: median {cuts[49]:.0f} us, 99th percentile {cuts[98]:.0f} us, {KEYS} keys")


if __name__ == "__main__":
    main()
