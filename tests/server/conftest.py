from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from glmscope.store.database import open_database
from glmscope.store.keys import KeyStore
from tests.server.support import RunningServer, serving


@pytest.fixture(scope="session", autouse=True)
def quiet() -> Iterator[None]:
    """A server's thread logs when it likes, also when pytest does not capture its output."""
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KeyStore]:
    path: Path = tmp_path_factory.mktemp("store") / "glmscope.db"
    with open_database(path) as database:
        yield KeyStore(database)


@pytest.fixture(scope="session")
def server(keys: KeyStore) -> Iterator[RunningServer]:
    """One server for all tests that leave it as it was."""
    with serving(keys=keys) as running:
        yield running
