from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from glmscope.store.database import Database, open_database
from glmscope.store.keys import KeyStore
from glmscope.store.usage import UsageStore


@pytest.fixture
def database(target: str) -> Iterator[Database]:
    with open_database(target) as opened:
        yield opened


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Database]:
    """For what is true of SQLite alone."""
    with open_database(tmp_path / "store" / "glmscope.db") as opened:
        yield opened


@pytest.fixture
def keys(database: Database) -> KeyStore:
    return KeyStore(database)


@pytest.fixture
def usage(database: Database) -> UsageStore:
    return UsageStore(database)
