"""One connection to an MCP server, held by a task of its own.

The official client wants to be closed by the task that opened it; calls come from any.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeAlias

import anyio

from glmscope.agent.tools.settings import McpSource

if TYPE_CHECKING:
    from mcp import Client
    from mcp.client import Transport

_CONNECT_TIMEOUT = 60.0
_CLOSE_TIMEOUT = 10.0


_Streams: TypeAlias = tuple[Any, Any]
"""What the official client reads from and writes to."""


class LinkError(Exception):
    """A connection that could not be made; the text says why, and quotes nothing."""


class McpLink:
    """A connection from `open` until it ends by itself or is closed."""

    def __init__(self, source: McpSource) -> None:
        self._source = source
        self._ended = asyncio.Event()
        self._opened: asyncio.Future[Client] = asyncio.get_running_loop().create_future()
        self._task: asyncio.Task[None] | None = None

    @property
    def alive(self) -> bool:
        """Whether a call can be sent, as far as is known."""
        return not self._ended.is_set()

    async def open(self) -> Client:
        """Connect. Raises LinkError."""
        self._task = asyncio.create_task(self._hold())
        try:
            return await asyncio.wait_for(asyncio.shield(self._opened), _CONNECT_TIMEOUT)
        except BaseException as error:
            await self.close()
            if isinstance(error, asyncio.TimeoutError):
                raise LinkError(f"no answer within {_CONNECT_TIMEOUT:g} seconds") from None
            raise

    async def close(self) -> None:
        """End the connection, and the server's process if there is one."""
        self._ended.set()
        if self._task is not None:
            done, _ = await asyncio.wait([self._task], timeout=_CLOSE_TIMEOUT)
            if not done:
                self._task.cancel()
                await asyncio.wait([self._task])

    async def _hold(self) -> None:
        from mcp import Client

        try:
            async with Client(self._transport(), cache=None) as client:
                self._opened.set_result(client)
                await self._ended.wait()
        except Exception as error:
            if not self._opened.done():
                self._opened.set_exception(LinkError(_reason(error)))
                self._opened.exception()  # seen, even if nobody waits any more
        finally:
            self._ended.set()
            if not self._opened.done():
                self._opened.cancel()

    def _transport(self) -> Transport:
        return self._over_http() if self._source.url else self._over_pipes()

    @asynccontextmanager
    async def _over_http(self) -> AsyncIterator[_Streams]:
        import httpx2
        from mcp.client.streamable_http import streamable_http_client

        headers = self._source.credential.headers() if self._source.credential else {}
        # Whoever runs a tool keeps its time.
        timeout = httpx2.Timeout(_CONNECT_TIMEOUT, read=None)
        async with (
            httpx2.AsyncClient(headers=headers, timeout=timeout) as client,
            streamable_http_client(self._source.url or "", http_client=client) as streams,
        ):
            yield streams

    @asynccontextmanager
    async def _over_pipes(self) -> AsyncIterator[_Streams]:
        """The client does not say when the server's output has ended, so it is passed on here."""
        from mcp.client.stdio import StdioServerParameters, stdio_client

        program, *arguments = self._source.command
        given = {name: os.environ[name] for name in self._source.environment if name in os.environ}
        server = StdioServerParameters(command=program, args=arguments, env=given)
        errors = sys.__stderr__ or sys.stderr
        async with (
            stdio_client(server, errors) as (read, write),
            anyio.create_task_group() as group,
        ):
            send, receive = anyio.create_memory_object_stream[object](0)

            async def pass_on() -> None:
                async with send:
                    async for message in read:
                        await send.send(message)
                    self._ended.set()

            group.start_soon(pass_on)
            async with receive:
                yield receive, write
            group.cancel_scope.cancel()


def _reason(error: BaseException) -> str:
    """The first cause of a failure: what the system or the server says of it, or its kind."""
    while inner := getattr(error, "exceptions", ()):
        error = inner[0]
    told = error.strerror if isinstance(error, OSError) else getattr(error, "message", None)
    return str(told or type(error).__name__)
