"""A server that breaks one rule of the protocol at a time."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Mutation:
    """What to do to a request and to its answer; by default nothing."""

    def asked(self, body: bytes) -> bytes:
        """The request's body, as the server then sees it."""
        return body

    def start(self, status: int, headers: dict[str, str]) -> tuple[int, dict[str, str]]:
        """Status and headers (names in lower case) of an answer."""
        return status, headers

    def body(self, data: bytes) -> bytes:
        """The body of a plain answer, or one piece of a stream."""
        return data

    def end(self) -> bytes:
        """What follows the last piece of a stream."""
        return b""

    def frame(self, frame: Any) -> Any:
        """A frame of a websocket; None is not sent."""
        return frame

    holds_stream = False
    """Whether a stream is sent as one piece."""
    hides_disconnect = False
    """Whether the server never learns that a client has gone."""


class Mutating:
    """Passes everything through the mutation of the moment."""

    current = Mutation()

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        mutation = Mutating.current
        if scope["type"] == "http":
            await _Http(mutation, receive, send).run(self._app, scope)
        elif scope["type"] == "websocket":
            await self._app(scope, receive, _framing(mutation, send))
        else:
            await self._app(scope, receive, send)


class _Http:
    def __init__(self, mutation: Mutation, receive: Receive, send: Send) -> None:
        self._mutation = mutation
        self._receive = receive
        self._send = send
        self._start: Message = {}
        self._is_stream = False
        self._held: list[bytes] = []

    async def run(self, app: ASGIApp, scope: Scope) -> None:
        if type(self._mutation).asked is Mutation.asked:
            await app(scope, self._heard, self.send)
            return
        body, more = b"", True
        while more:
            message = await self._receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        body = self._mutation.asked(body)
        headers = [each for each in scope["headers"] if each[0] != b"content-length"]
        length = (b"content-length", str(len(body)).encode())
        asked: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive() -> Message:
            return asked.pop() if asked else await self._heard()

        await app({**scope, "headers": [*headers, length]}, receive, self.send)

    async def _heard(self) -> Message:
        message = await self._receive()
        if self._mutation.hides_disconnect and message["type"] == "http.disconnect":
            await asyncio.sleep(3600)
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = {k.decode().lower(): v.decode("latin-1") for k, v in message["headers"]}
            self._is_stream = headers.get("content-type", "").startswith("text/event-stream")
            self._start = {**message, "headers": headers}
            if self._is_stream and not self._mutation.holds_stream:
                await self._begin()
            return
        data, more = message.get("body", b""), message.get("more_body", False)
        if self._is_stream and not self._mutation.holds_stream:
            data = self._mutation.body(data) if data else data
            data += b"" if more else self._mutation.end()
            await self._send({**message, "body": data})
            return
        self._held.append(data)
        if not more:
            whole = self._mutation.body(b"".join(self._held))
            await self._begin(None if self._is_stream else len(whole))
            await self._send({"type": "http.response.body", "body": whole})

    async def _begin(self, length: int | None = None) -> None:
        status, headers = self._mutation.start(self._start["status"], self._start["headers"])
        if length is not None:
            headers = {**headers, "content-length": str(length)}
        raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
        await self._send({**self._start, "status": status, "headers": raw})


def _framing(mutation: Mutation, send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "websocket.send" and message.get("text"):
            frame = mutation.frame(json.loads(message["text"]))
            if frame is None:
                return
            message = {**message, "text": json.dumps(frame, ensure_ascii=False)}
        await send(message)

    return sending


class OnBytes(Mutation):
    """Changes the bytes of answers."""

    def __init__(self, change: Callable[[bytes], bytes]) -> None:
        self.body = change  # type: ignore[method-assign]


class OnJson(Mutation):
    """Changes what bodies and `data:` lines hold, once parsed."""

    def __init__(self, change: Callable[[Any], Any]) -> None:
        self._change = change

    def body(self, data: bytes) -> bytes:
        text = data.decode("utf-8")
        if not text.startswith(("{", "id:")):
            return data
        lines = text.split("\n")
        return "\n".join(self._line(line) for line in lines).encode("utf-8")

    def _line(self, line: str) -> str:
        mark = "data:" if line.startswith("data:") else ""
        text = line.removeprefix(mark)
        if not text.startswith("{"):
            return line
        return mark + json.dumps(self._change(json.loads(text)), ensure_ascii=False)


class OnRequest(Mutation):
    """Changes what was asked, before the server sees it."""

    def __init__(self, change: Callable[[Any], Any]) -> None:
        self._change = change

    def asked(self, body: bytes) -> bytes:
        try:
            return json.dumps(self._change(json.loads(body))).encode()
        except ValueError:
            return body


class OnStart(Mutation):
    """Changes status and headers."""

    def __init__(self, change: Callable[[int, dict[str, str]], tuple[int, dict[str, str]]]) -> None:
        self.start = change  # type: ignore[method-assign]


class OnFrame(Mutation):
    """Changes frames of a websocket."""

    def __init__(self, change: Callable[[Any], Any]) -> None:
        self.frame = change  # type: ignore[method-assign]


class AtEnd(Mutation):
    """Adds bytes to the end of streams."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def end(self) -> bytes:
        return self._data


class Holding(Mutation):
    """Sends a stream when it is whole."""

    holds_stream = True


class Blind(Mutation):
    """Never learns that a client has gone."""

    hides_disconnect = True
