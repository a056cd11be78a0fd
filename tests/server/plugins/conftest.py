"""A server that runs plugins, and the clients that ask it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from openai import OpenAI

from glmscope.server.settings import ServerSettings
from tests.agent.support import Sandboxes
from tests.server.plugins.support import RULES, play
from tests.server.support import RunningServer, service_with, serving


@pytest.fixture(scope="module")
def runner() -> Sandboxes:
    return Sandboxes(play)


@pytest.fixture(scope="module")
def server(runner: Sandboxes) -> Iterator[RunningServer]:
    settings = ServerSettings(trace=True)
    with serving(service_with(RULES), settings=settings, runner=runner) as running:
        yield running


@pytest.fixture
def client(server: RunningServer) -> OpenAI:
    return OpenAI(base_url=f"{server.url}/v1", api_key="not checked here", max_retries=0)
