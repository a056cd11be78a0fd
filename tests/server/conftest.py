from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import structlog
from dashscope.api_entities.aio_session import close_shared_aio_session

from glmscope.store.database import open_database
from glmscope.store.keys import KeyStore
from tests.server.sdk import sdk_at
from tests.server.support import RunningServer, eventually, serving


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
def shared_server(keys: KeyStore) -> Iterator[RunningServer]:
    with serving(keys=keys) as running:
        yield running


@pytest.fixture
def server(shared_server: RunningServer) -> Iterator[RunningServer]:
    """One server for all tests; each leaves it idle, its last log line written."""
    yield shared_server
    assert eventually(lambda: not shared_server.server.server_state.tasks)
    assert shared_server.running() == 0


@pytest.fixture
def sdk(server: RunningServer) -> Iterator[None]:
    with sdk_at(server):
        yield


@pytest.fixture
async def closing() -> AsyncIterator[None]:
    yield
    await close_shared_aio_session()
