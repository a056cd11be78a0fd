"""The DashScope websocket: many tasks, one after another. DashScope protocol, section 6."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, contextmanager, suppress

from fastapi import APIRouter
from starlette.websockets import WebSocket, WebSocketDisconnect

from glmscope.errors import (
    GLMScopeError,
    IllegalInput,
    InvalidParameter,
    ModelUnavailable,
    PathNotFound,
    PayloadTooLarge,
    Throttling,
)
from glmscope.server.dashscope.frames import ClientFrame, read_frame
from glmscope.server.dashscope.websocket_task import TaskRoom, WebsocketTask
from glmscope.server.record import RequestRecord
from glmscope.server.settings import ServerSettings
from glmscope.server.silence import with_silences

_PATH = "/api-ws/v1/inference"
# Further input of a task; text generation has all of it from the start.
_IGNORED_ACTIONS = ("continue-task", "finish-task")


def websocket_routes(room: TaskRoom, settings: ServerSettings) -> APIRouter:
    """What an SDK finds at its websocket base URL. Whoever mounts it checks the key."""
    router = APIRouter()
    places = _Places(settings.max_websockets, settings.websockets_share)

    @router.websocket(_PATH)
    async def inference(websocket: WebSocket) -> None:
        if not room.admission.is_open:
            raise ModelUnavailable
        with (
            places.take(RequestRecord.of(websocket).key_id),
            suppress(WebSocketDisconnect),
        ):
            await websocket.accept()
            await _Connection(websocket, room, settings).serve()

    @router.get(_PATH, include_in_schema=False)
    async def not_upgraded() -> None:
        raise PathNotFound("A websocket is served at this path: ask with an upgrade.")

    return router


class _Places:
    """Room for so many open websockets, and for so many of each key, if keys are checked."""

    def __init__(self, most: int, most_per_key: int) -> None:
        self._most = most
        self._most_per_key = most_per_key
        self._taken: Counter[str | None] = Counter()

    @contextmanager
    def take(self, key_id: str | None) -> Iterator[None]:
        """Have a place for the length of the block. Raises Throttling when there is none."""
        full = self._taken.total() >= self._most
        if full or (key_id is not None and self._taken[key_id] >= self._most_per_key):
            raise Throttling("Too many websockets are open; please try again later.")
        self._taken[key_id] += 1
        try:
            yield
        finally:
            self._taken[key_id] -= 1
            if not self._taken[key_id]:
                del self._taken[key_id]


class _Connection:
    """Reads frames while a task answers, so that further frames and the client's end are noticed.

    Pings are answered a layer below, whatever happens here.
    """

    def __init__(self, websocket: WebSocket, room: TaskRoom, settings: ServerSettings) -> None:
        self._websocket = websocket
        self._room = room
        self._settings = settings
        self._task: WebsocketTask | None = None
        self._running: asyncio.Task[None] | None = None
        self._active = time.monotonic()

    async def serve(self) -> None:
        """Answer frames until the client goes away or has asked nothing for too long."""
        idle_seconds = self._settings.websocket_idle_seconds
        try:
            async with (
                aclosing(self._frames()) as given,
                aclosing(with_silences(given, idle_seconds)) as signs,
            ):
                async for frame in signs:
                    if frame is not None:
                        await self._take(frame)
                    elif self._task is None and time.monotonic() - self._active >= idle_seconds:
                        await self._websocket.close(reason="idle")
                        return
        finally:
            await self._stop()

    async def _frames(self) -> AsyncGenerator[str | bytes, None]:
        while (message := await self._websocket.receive())["type"] == "websocket.receive":
            text = message.get("text")
            yield message["bytes"] if text is None else text

    async def _take(self, given: str | bytes) -> None:
        frame: ClientFrame | None = None
        try:
            frame = self._read(given)
            if frame.action == "run-task":
                await self._begin(frame)
            elif frame.action not in _IGNORED_ACTIONS:
                raise InvalidParameter(
                    "header.action should be one of run-task, continue-task, finish-task."
                )
        except GLMScopeError as error:
            await WebsocketTask(self._websocket, self._room).refuse(error, frame and frame.task_id)

    def _read(self, given: str | bytes) -> ClientFrame:
        if isinstance(given, bytes):
            raise IllegalInput("Frames should be text, not binary.")
        if len(given.encode()) > self._settings.max_body_bytes:
            raise PayloadTooLarge
        return read_frame(given)

    async def _begin(self, frame: ClientFrame) -> None:
        if self._task is not None and not self._task.over:
            raise InvalidParameter("This websocket has a task running; run one at a time.")
        if self._running is not None:
            # It has said all but its last frame, and that one comes first.
            await self._running
        self._task = WebsocketTask(self._websocket, self._room)
        self._running = asyncio.create_task(self._run(self._task, frame))

    async def _run(self, task: WebsocketTask, frame: ClientFrame) -> None:
        try:
            await task.run(frame)
        finally:
            self._task = None
            self._active = time.monotonic()

    async def _stop(self) -> None:
        if self._running is not None and self._running.cancel():
            await asyncio.gather(self._running, return_exceptions=True)
