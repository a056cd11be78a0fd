"""One task of a websocket, from run-task to its last frame. DashScope protocol, section 6."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from starlette.requests import HTTPConnection
from starlette.websockets import WebSocket, WebSocketDisconnect

from glmscope.agent.agent import Agent
from glmscope.errors import GLMScopeError
from glmscope.server.access_log import CLIENT_GONE, AccessLog
from glmscope.server.admission import Admission, Turn
from glmscope.server.dashscope import frames
from glmscope.server.dashscope.chunks import ChunkFold
from glmscope.server.dashscope.frames import ClientFrame
from glmscope.server.dashscope.generation import prepare_generation
from glmscope.server.dashscope.plain import PlainFold
from glmscope.server.dashscope.request import GenerationRequest
from glmscope.server.failures import public_error
from glmscope.server.model import stand_in_header
from glmscope.server.plugins import PLUGIN_HEADER
from glmscope.server.record import RequestRecord
from glmscope.server.reply_events import FINISH_HEADER, EventSource, read_reply

Check = Callable[[HTTPConnection], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class TaskRoom:
    """What every task of a server works with."""

    agent: Agent
    admission: Admission
    access_log: AccessLog
    checks: Sequence[Check]
    """Whose key and which limits: asked for each task, since a connection may outlive its key."""
    hold_back_seconds: float


class WebsocketTask:
    """Answers one frame of a client, unless it is `over`: then the last frame is on its way."""

    def __init__(self, websocket: WebSocket, room: TaskRoom) -> None:
        self.over = False
        self._websocket = websocket
        self._room = room
        self._begun = time.monotonic()
        key = RequestRecord.of(websocket).key
        # A scope of its own: a frame that is refused meanwhile has a record too, and the checks
        # have to find this one.
        self._request = HTTPConnection({**websocket.scope, "state": {**websocket.scope["state"]}})
        self._record = RequestRecord.begin(self._request.scope)
        self._record.wire = "websocket"
        self._record.key = key
        self._task_id: object = None
        self._status = CLIENT_GONE

    async def run(self, frame: ClientFrame) -> None:
        """Generate what a run-task frame asks for. Nothing is raised but cancellation."""
        await self._until_gone(self._run(frame))

    async def refuse(self, error: GLMScopeError, task_id: object = None) -> None:
        """Say that a frame cannot be followed."""
        self._task_id = task_id
        await self._until_gone(self._fail(error))

    async def _until_gone(self, work: Awaitable[None]) -> None:
        """Do `work`; a client that goes away ends it, and whatever ends it is logged."""
        record = self._record
        try:
            await work
        except WebSocketDisconnect:
            record.disconnected = record.finish_reason is None
        except asyncio.CancelledError:
            record.disconnected = record.finish_reason is None
            raise
        finally:
            seconds = time.monotonic() - self._begun
            self._room.access_log.ended(self._websocket.scope, record, self._status, seconds)

    async def _run(self, frame: ClientFrame) -> None:
        self._task_id = frame.task_id
        try:
            self._record.request_id = frames.check_task_id(frame.task_id)
            for check in self._room.checks:
                await check(self._request)
            task = frames.read_run_task(frame)
            self._record.stream = task.streams
            header = self._request.headers.get(PLUGIN_HEADER)
            call, reply = await prepare_generation(
                task.payload, self._room.agent, self._record, header, whole=not task.streams
            )
            async with aclosing(reply):
                with self._room.admission.admit(self._record.key_id) as turn:
                    # The last frame belongs inside: who stops the server waits for it.
                    await self._answer(reply, call, turn)
        except WebSocketDisconnect:
            raise
        except Exception as failure:
            await self._fail(failure)

    async def _answer(self, reply: EventSource, call: GenerationRequest, turn: Turn) -> None:
        self._status = 200
        attributes = stand_in_header(self._record)
        await self._send(frames.task_started(self._record.request_id, attributes))
        try:
            await self._send_results(reply, call, turn)
        except WebSocketDisconnect:
            raise
        except Exception as failure:
            await self._fail(failure)
        else:
            note = self._record.finish_note
            attributes = {} if note is None else {FINISH_HEADER: note}
            await self._send_last(frames.task_finished(self._record.request_id, attributes))

    async def _send_results(self, reply: EventSource, call: GenerationRequest, turn: Turn) -> None:
        """Every chunk as it is made, or the whole answer once nothing more can fail."""
        streams = self._record.stream
        fold = (
            ChunkFold(call.shape, call.incremental, request_id=None)
            if streams
            else PlainFold(call.shape, request_id=None)
        )
        whole = b""
        async with aclosing(read_reply(reply, turn, self._record)) as events:
            async for event in events:
                result = fold.add(event)
                if streams and result is not None:
                    await self._send_result(result)
                whole = result or whole
        if not streams:
            await self._send_result(whole)

    async def _send_result(self, result: bytes) -> None:
        await self._hold_back()
        await self._send(frames.result_generated(self._record.request_id, result))

    async def _fail(self, failure: Exception) -> None:
        error = public_error(failure, self._record)
        self._status = error.status
        await self._send_last(frames.task_failed(self._task_id, error))

    async def _send_last(self, frame: str) -> None:
        await self._hold_back()
        self.over = True
        await self._send(frame)

    async def _send(self, frame: str) -> None:
        await self._websocket.send_text(frame)

    async def _hold_back(self) -> None:
        """The Java SDK listens only after it has sent, and loses what was there before."""
        await asyncio.sleep(max(0.0, self._begun + self._room.hold_back_seconds - time.monotonic()))
