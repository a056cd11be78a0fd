from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from glmscope.store.database import Database, open_database
from glmscope.store.keys import KeyStore


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with open_database(tmp_path / "store" / "glmscope.db") as opened:
        yield opened


@pytest.fixture
def keys(database: Database) -> KeyStore:
    return KeyStore(database)
