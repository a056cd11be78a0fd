"""The official Python SDK, pointed at a server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import dashscope
import pytest
from dashscope.api_entities.http_request import close_shared_sync_session

from tests.server.support import RunningServer
from tests.server.websocket_client import websocket_url


@contextmanager
def sdk_at(server: RunningServer) -> Iterator[None]:
    """The SDK's own settings, put back afterwards; no proxy in between."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dashscope, "base_http_api_url", f"{server.url}/api/v1")
        patch.setattr(dashscope, "base_websocket_api_url", websocket_url(server))
        patch.setattr(dashscope, "api_key", server.key or "not checked here")
        patch.setenv("NO_PROXY", "127.0.0.1")
        yield
        close_shared_sync_session()
