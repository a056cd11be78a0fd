"""Faults on purpose, between a server and its clients: `glmscope serve --faults`."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Iterable
from contextvars import ContextVar
from dataclasses import dataclass, replace

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from glmscope.chat.reply import Reply
from glmscope.chat.request import ChatRequest, CompletionRequest
from glmscope.chat.service import ChatService, ServedModel
from glmscope.engine.engine import Engine
from glmscope.engine.fault import Fault
from glmscope.engine.fault_plan import Asked, FaultPlan
from glmscope.engine.faulty import FaultyEngine
from glmscope.server.record import RequestRecord

_RESET = struct.pack("ii", 1, 0)
"""SO_LINGER: closing throws away what was not sent, and tells the other end so."""

_COMMENT = b":"
"""How the keep-alive of a stream begins, which is no event."""
_RESULT = '"result-generated"'


@dataclass(slots=True)
class _Scene:
    """A connection, and the fault of the request that is being answered on it."""

    scope: Scope
    fault: Fault | None = None
    met: int = 0
    """Faults so far: a websocket carries many requests."""


_scene: ContextVar[_Scene | None] = ContextVar("scene", default=None)


def _current_fault() -> Fault | None:
    scene = _scene.get()
    return None if scene is None else scene.fault


class FaultyService(ChatService):
    """Serves models whose replies meet the faults of a plan. Needs `FaultInjection` around it."""

    def __init__(
        self, models: Iterable[ServedModel], plan: FaultPlan, *, loop_retries: int = 0
    ) -> None:
        models = list(models)
        engines: dict[int, Engine] = {
            id(model.engine): FaultyEngine(model.engine, _current_fault) for model in models
        }
        super().__init__(
            (replace(model, engine=engines[id(model.engine)]) for model in models),
            loop_retries=loop_retries,
        )
        self._plan = plan

    def prepare(self, request: ChatRequest) -> Reply:
        """See ChatService.prepare; also raises what the plan refuses the request with."""
        self._strike(request.model, request.messages[-1].content)
        return super().prepare(request)

    def prepare_completion(self, request: CompletionRequest) -> Reply:
        """See ChatService.prepare_completion; also raises as `prepare` does."""
        prompt = request.prompt
        if not isinstance(prompt, str):
            prompt = self._model(request.model).tokenizer.decode(prompt)
        self._strike(request.model, prompt)
        return super().prepare_completion(request)

    def _strike(self, model: str, question: str) -> None:
        scene = _scene.get()
        if scene is None:
            return
        key = RequestRecord.of(HTTPConnection(scene.scope)).key
        scene.fault = self._plan.strike(Asked(question, model, None if key is None else key.name))
        scene.met += 1
        if scene.fault is not None and (refusal := scene.fault.refusal) is not None:
            raise refusal


class FaultInjection:
    """Plays on the bytes of an answer what its fault says: silence, a reset, broken JSON.

    Belongs between the request's record and everything that answers, refusals included.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        scene = _Scene(scope)
        _scene.set(scene)
        stage = _Stage(scene, send)
        await self._app(scope, receive, stage.send)


class _Stage:
    """What leaves for one client."""

    def __init__(self, scene: _Scene, send: Send) -> None:
        self._scene = scene
        self._send = send
        self._head: Message | None = None
        self._streamed = False
        self._request = 0
        self._events = 0
        self._over = False

    async def send(self, message: Message) -> None:
        """ASGI: pass the message on, as the fault has it."""
        if self._over:
            return
        fault = self._scene.fault
        if fault is None:
            await self._send(message)
            return
        if self._request != self._scene.met:
            self._request, self._events = self._scene.met, 0
            await asyncio.sleep(fault.hang_ms / 1000)
        if message["type"] == "http.response.start":
            self._hold(message, fault)
        elif message["type"] == "http.response.body":
            await self._body(message, fault)
        elif message["type"] == "websocket.send":
            await self._frame(message, fault)
        else:
            await self._send(message)

    def _hold(self, head: Message, fault: Fault) -> None:
        """The head waits for the body, whose length it may tell."""
        headers = MutableHeaders(scope=head)
        self._streamed = headers.get("content-type", "").startswith("text/event-stream")
        if fault.refusal is not None and fault.error and fault.error.retry_after is not None:
            headers["retry-after"] = str(fault.error.retry_after)
        self._head = head

    async def _body(self, message: Message, fault: Fault) -> None:
        body: bytes = message.get("body", b"")
        if not body.startswith(_COMMENT):
            if await self._ends(fault):
                return
            if self._streamed and self._events == fault.end_after:
                message, body = {**message, "more_body": False}, b""
                self._over = True
            elif body:
                self._events += 1
                body = self._cut(body, fault)
        if self._head is not None:
            if not self._streamed:
                MutableHeaders(scope=self._head)["content-length"] = str(len(body))
            await self._send(self._head)
            self._head = None
        await self._send({**message, "body": body})

    async def _frame(self, message: Message, fault: Fault) -> None:
        if await self._ends(fault):
            return
        if self._events == fault.end_after:
            self._over = True
            await self._send({"type": "websocket.close", "code": 1000})
            return
        self._events += _RESULT in message["text"]
        text = message["text"]
        cut = text[: len(text) // 2] if fault.malformed else text
        await self._send({**message, "text": cut})

    def _cut(self, body: bytes, fault: Fault) -> bytes:
        if not fault.malformed:
            return body
        return body[: len(body) // 2] + (b"\n\n" if self._streamed else b"")

    async def _ends(self, fault: Fault) -> bool:
        """Whether this is where the connection is cut."""
        if self._events != fault.drop_after:
            return False
        self._over = True
        _reset(self._scene.scope)
        return True


def _reset(scope: Scope) -> None:
    """Cut the connection so that the client's next read fails."""
    connection = scope["state"].get("connection")
    if connection is None:
        raise ConnectionResetError
    transport = connection.transport
    client: socket.socket = transport.get_extra_info("socket")
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    transport.abort()
