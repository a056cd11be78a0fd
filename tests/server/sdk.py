"""The official Python SDK, pointed at a server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import dashscope
import pytest
from dashscope.api_entities.http_request import close_shared_sync_session

from glmscope.conform.sdk.python import PythonSdk
from glmscope.conform.sdk.sdk import Sdk
from glmscope.conform.target import Target
from tests.server.support import RunningServer
from tests.server.websocket_client import websocket_url
from tests.support.paths import REPOSITORY

VERSIONS = ("1.14.0", "1.26.2", "2.0.2")
"""Those that `make sdk-envs` installs, each in an environment of its own."""
FLAGS: list[dict[str, bool]] = [{}, {"incremental_output": True}, {"incremental_output": False}]
TRANSPORTS = ["http", "async", "websocket"]


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


@contextmanager
def sdk_of(version: str, server: RunningServer) -> Iterator[Sdk]:
    """The SDK of that version, in a program of its own; skips where it is not installed."""
    interpreter = REPOSITORY / ".venv-sdk" / version / "bin" / "python"
    if not interpreter.is_file():
        pytest.skip(f"no SDK {version} in .venv-sdk: make sdk-envs installs it")
    with PythonSdk(Target.at(server.url, server.key or "not checked here"), interpreter) as found:
        yield found


def need(sdk: Sdk, transport: str) -> None:
    """Skips where the SDK has no such transport."""
    if transport == "async" and "AioGeneration" not in sdk.classes:
        pytest.skip(f"{sdk.name} has no AioGeneration")


def asks_for_pieces(sdk: Sdk, flag: dict[str, bool]) -> bool:
    """Asked for whole texts, a young SDK asks for pieces all the same, and puts texts together."""
    wanted = flag.get("incremental_output")
    return bool(wanted) or (wanted is False and sdk.name != "python 1.14.0")
