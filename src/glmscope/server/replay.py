"""Answers from recorded exchanges: `glmscope serve --replay`."""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable

from fastapi import APIRouter, Request, Response
from starlette.responses import StreamingResponse
from starlette.websockets import WebSocket, WebSocketDisconnect

from glmscope.errors import PathNotFound, RequestError, UsageError
from glmscope.server.dashscope.frames import read_frame, task_failed
from glmscope.server.exchange import Asked, Exchange
from glmscope.server.record import RequestRecord

_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
_HOLD_BACK_SECONDS = 0.05
"""The Java SDK loses what comes sooner. DashScope protocol, section 6."""
_UNKNOWN = "No recorded exchange answers this request: its path, body or way of streaming differs."


class Replay:
    """Recorded exchanges by what was asked.

    What was asked several times is answered with each recorded answer in turn, over and over.
    """

    def __init__(self, exchanges: Iterable[Exchange], speed: float = 1.0) -> None:
        """`speed` 2 halves every wait, 0 leaves them out. Raises UsageError for less than 0."""
        if not speed >= 0:
            raise UsageError("--replay-speed takes a number from 0.")
        self._answers: defaultdict[tuple[object, ...], list[Exchange]] = defaultdict(list)
        for exchange in exchanges:
            self._answers[exchange.asked.question].append(exchange)
        self._given: defaultdict[tuple[object, ...], int] = defaultdict(int)
        self._speed = speed

    def __len__(self) -> int:
        return sum(map(len, self._answers.values()))

    def answer(self, asked: Asked) -> Exchange:
        """The next answer to this request. Raises PathNotFound when none was recorded."""
        question = asked.question
        answers = self._answers.get(question)
        if not answers:
            raise PathNotFound(_UNKNOWN)
        number = self._given[question]
        self._given[question] = number + 1
        return answers[number % len(answers)]

    async def parts(self, exchange: Exchange, hold_back: float = 0.0) -> AsyncIterator[str]:
        """The answer in its parts, each at its time, none before `hold_back` seconds."""
        loop = asyncio.get_running_loop()
        begun = loop.time()
        for part in exchange.parts:
            at = part.at / self._speed if self._speed else 0.0
            await asyncio.sleep(max(begun + max(at, hold_back) - loop.time(), 0.0))
            yield part.text


def replay_routes(replay: Replay) -> APIRouter:
    """Every path, as it was recorded. Whoever mounts it checks the key."""
    router = APIRouter()

    @router.api_route("/{path:path}", methods=_METHODS)
    async def answer(request: Request) -> Response:
        body = await request.body()
        exchange = replay.answer(Asked.over_http(request.scope, body))
        # The header says the same id as the body.
        RequestRecord.of(request).request_id = exchange.request_id
        return StreamingResponse(replay.parts(exchange), exchange.status, exchange.headers)

    @router.websocket("/{path:path}")
    async def tasks(websocket: WebSocket) -> None:
        await websocket.accept()
        with contextlib.suppress(WebSocketDisconnect):
            while True:
                message = await websocket.receive()
                if message["type"] == "websocket.disconnect":
                    return
                # A binary frame has no text, and is answered as a frame that is no JSON.
                await _answer_task(websocket, replay, message.get("text") or "")

    return router


async def _answer_task(websocket: WebSocket, replay: Replay, text: str) -> None:
    task_id: object = None
    try:
        frame = read_frame(text)
        task_id = frame.task_id
        if frame.action != "run-task":
            return
        exchange = replay.answer(Asked.by_frame(websocket.scope, text))
    except RequestError as error:
        await websocket.send_text(task_failed(task_id, error))
        return
    async for part in replay.parts(exchange, _HOLD_BACK_SECONDS):
        await websocket.send_text(part.replace(exchange.request_id, str(task_id), 1))
