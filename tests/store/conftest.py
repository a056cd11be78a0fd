from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from glmscope.store.database import Database, open_database
from glmscope.store.keys import KeyStore
from glmscope.store.usage import UsageStore
from tests.support.postgres import Postgres, postgres_server


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL for this run of the tests; skips where none is installed."""
    with postgres_server() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """What names a new database: of each kind, so that every test runs on both."""
    if request.param == "postgresql":
        postgres: Postgres = request.getfixturevalue("postgres")
        return postgres.new_database()
    return str(tmp_path / "store" / "glmscope.db")


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
