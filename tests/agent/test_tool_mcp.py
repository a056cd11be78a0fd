"""Tools of MCP servers: a real one over pipes, and over HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import mcp
import psutil
import pytest
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from glmscope.agent.tool import ToolBounds, ToolFile, ToolRegistry, ToolResult
from glmscope.agent.tools import mcp_link
from glmscope.agent.tools.assemble import open_tools
from glmscope.agent.tools.settings import Credential, McpSource, ToolSettings
from glmscope.errors import UsageError
from tests.agent.mcp_server import PIXEL, make_server

SERVER = str(Path(__file__).with_name("mcp_server.py"))
PIPES = McpSource("files", (sys.executable, SERVER), environment=("GIVEN_OF_TEST", "UNSET_OF_TEST"))


def processes() -> set[int]:
    """Servers that this process has started and that run."""
    found = set()
    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):  # or a zombie
            if SERVER in child.cmdline():
                found.add(child.pid)
    return found


async def run(registry: ToolRegistry, name: str, /, **arguments: str | int) -> ToolResult:
    return await registry.run(registry.tools[name], arguments)


async def test_over_pipes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIVEN_OF_TEST", "given")
    monkeypatch.setenv("KEPT_OF_TEST", "secret")
    settings = ToolSettings(mcp=(PIPES,), bounds=ToolBounds(timeouts={"sleep": 0.1}))
    async with open_tools(settings) as registry:
        assert len(processes()) == 1
        assert list(registry.tools)[:4] == ["calculator", "current_time", "add", "files_calculator"]
        assert await run(registry, "add", left=1, right=2) == ToolResult("3")
        assert (await run(registry, "add", left=1)).text.startswith(
            "The arguments of add are wrong"
        )
        assert await run(registry, "calculator", expression="1 + 1") == ToolResult("2")
        assert await run(registry, "files_calculator", expression="1") == ToolResult("not 1")
        assert await run(registry, "picture") == ToolResult(
            f"Here:\n[picture-2.png, image/png, {len(PIXEL)} bytes]\na note",
            (ToolFile("picture-2.png", PIXEL, "image/png"),),
        )
        failed = await run(registry, "fail")
        assert (failed.is_error, failed.text) == (True, "Error executing tool fail: of the tool")
        assert await run(registry, "environment", name="GIVEN_OF_TEST") == ToolResult("given")
        assert await run(registry, "environment", name="KEPT_OF_TEST") == ToolResult("not set")
        late = await run(registry, "sleep")
        assert late.text == "sleep gave no answer within 0.1 seconds."
        assert await run(registry, "add", left=2, right=2) == ToolResult("4")
        await _break_off(registry, tmp_path)
    assert processes() == set()


async def _break_off(registry: ToolRegistry, directory: Path) -> None:
    """Ends the server between calls, during one that may be repeated, and during another."""
    log = directory / "log"
    assert await run(registry, "leave_afterwards", log=str(log)) == ToolResult("bye")
    while processes():
        await asyncio.sleep(0.01)
    assert await run(registry, "leave_once", log=str(log)) == ToolResult("back")
    log.unlink()
    assert await run(registry, "leave_once", log=str(log)) == ToolResult("back")
    broken = await run(registry, "leave", log=str(log))
    assert broken.is_error
    assert broken.text == "The connection broke during the call; leave may have done its work."
    assert log.read_text("utf-8").splitlines() == ["called", "called"]


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (("nosuch-program-of-test",), "No such file or directory"),
        ((sys.executable, "-c", "pass"), "cannot be used"),
        ((sys.executable, "-c", "import time; time.sleep(60)"), "no answer within 1 seconds"),
    ],
)
async def test_a_program_that_is_no_server(
    command: tuple[str, ...], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "within" in told:
        monkeypatch.setattr(mcp_link, "_CONNECT_TIMEOUT", 1.0)
    with pytest.raises(UsageError, match=rf"\[tools.mcp.x\].*{told}"):
        async with open_tools(ToolSettings(mcp=(McpSource("x", command),))):
            pass


class Guarded:
    """Lets in who has the token."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        given = dict(scope.get("headers", [])).get(b"authorization")
        if scope["type"] == "http" and given != b"Bearer s3cret":
            await send({"type": "http.response.start", "status": 401, "headers": []})
            await send({"type": "http.response.body", "body": b""})
        else:
            await self._app(scope, receive, send)


@asynccontextmanager
async def serving(listener: socket.socket) -> AsyncIterator[None]:
    """The same server over HTTP, in this process."""
    app = Guarded(make_server().streamable_http_app())
    config = uvicorn.Config(app, log_level="error", lifespan="on", ws="none")
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve([listener]))
    try:
        while not server.started:
            await asyncio.sleep(0.01)
        yield
    finally:
        server.should_exit = server.force_exit = True
        await task


def listening(port: int = 0) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    return listener


@pytest.mark.parametrize("protocol", ["auto", "legacy"])
async def test_over_http(protocol: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Under the protocol of today, and under the one with sessions, which a new server forgets."""
    monkeypatch.setattr(mcp, "Client", partial(mcp.Client, mode=protocol))
    monkeypatch.setenv("TOKEN_OF_TEST", "s3cret")
    listener = listening()
    port = listener.getsockname()[1]
    url = f"http://127.0.0.1:{port}/mcp"
    source = McpSource("remote", url=url, credential=Credential("TOKEN_OF_TEST"))
    async with contextlib.AsyncExitStack() as stack:
        async with serving(listener):
            with pytest.raises(UsageError, match=r"\[tools.mcp.remote\]: the MCP server cannot"):
                async with open_tools(ToolSettings(mcp=(McpSource("remote", url=url),))):
                    pass
            registry = await stack.enter_async_context(open_tools(ToolSettings(mcp=(source,))))
            assert await run(registry, "add", left=1, right=2) == ToolResult("3")
            assert (await run(registry, "picture")).files[0].content == PIXEL
        async with serving(listening(port)):
            assert await run(registry, "add", left=1, right=3) == ToolResult("4")
        away = await run(registry, "add", left=1, right=2)
        assert away.is_error
        assert "s3cret" not in away.text
        async with serving(listening(port)):
            assert await run(registry, "add", left=2, right=2) == ToolResult("4")
