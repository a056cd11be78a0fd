"""Clients of `soak.py`: a process of them, each asking one thing after another until killed.

Every answer names its question, so that one which belongs to somebody else is noticed.
"""

from __future__ import annotations

import asyncio
import json
import random
import socket
import struct
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from multiprocessing.connection import Connection
from urllib.parse import urlsplit

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

GENERATION = "/api/v1/services/aigc/text-generation/generation"
CHAT = "/compatible-mode/v1/chat/completions"
WEBSOCKET = "/api-ws/v1/inference"

RULES = [
    {"match": "slowly", "reply": "You asked {question}. ", "repeat": 4, "delay_ms": 15},
    {"match": "at length", "reply": "You asked {question}. ", "repeat": 7, "ids_per_step": 4},
    {"reply": "You asked {question}. "},
]
"""The server's script; a reply that repeats itself for longer would be taken for a loop."""
MANNERS = {"slowly": 4, "at length": 7, "shortly": 1}
"""How often each of them is said."""

REPORT_SECONDS = 0.5
_ANSWER_SECONDS = 120.0
_LINGER_RESET = struct.pack("ii", 1, 0)


class WrongAnswerError(Exception):
    """An answer that is not the question's, or not what the protocol promises."""


class GoneError(Exception):
    """The client has gone away in the middle, as it meant to."""


def run_clients(url: str, count: int, seed: int, reports: Connection) -> None:
    """Body of a process: `count` clients until it is killed. Sends counts and complaints."""
    asyncio.run(_run(url, count, seed, reports))


async def _run(url: str, count: int, seed: int, reports: Connection) -> None:
    tally: Counter[str] = Counter()
    chances = [random.Random(f"{seed} {number}") for number in range(count)]  # noqa: S311
    running = [asyncio.create_task(Client(url, chance, tally).run()) for chance in chances]
    while True:
        await asyncio.sleep(REPORT_SECONDS)
        for task in running:
            if task.done():
                reports.send(repr(task.exception()))
                return
        reports.send(dict(tally))
        tally.clear()


class Client:
    """One after another: a question, on a wire, in a manner; sometimes it leaves in the middle."""

    def __init__(self, url: str, chance: random.Random, tally: Counter[str]) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname, parts.port
        self._chance = chance
        self._tally = tally
        self._stream: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def run(self) -> None:
        """Ask for ever. Raises WrongAnswerError."""
        wires: list[Callable[[str, str], Awaitable[None]]] = [
            self._plain,
            self._cumulative,
            self._incremental,
            self._openai_plain,
            self._openai_stream,
            self._websocket,
        ]
        # Not all at once, which would be a test of the backlog.
        await asyncio.sleep(self._chance.random())
        while True:
            manner = self._chance.choice(list(MANNERS))
            question = f"{manner} {self._chance.getrandbits(48):x} 杭州"
            ask = self._chance.choice(wires)
            expected = f"You asked {question}. " * MANNERS[manner]
            try:
                await asyncio.wait_for(ask(question, expected), _ANSWER_SECONDS)
                self._tally["answered"] += 1
            except GoneError:
                self._tally["left"] += 1
            except asyncio.TimeoutError:
                raise WrongAnswerError(f"{ask.__name__}: no answer to {question}") from None

    async def _plain(self, question: str, expected: str) -> None:
        body = b"".join([part async for part in self._post(GENERATION, _native(question))])
        self._is(json.loads(body)["output"]["text"], expected)

    async def _cumulative(self, question: str, expected: str) -> None:
        text = ""
        async for event in self._events(GENERATION, _native(question), sse=True):
            more = event["output"]["text"]
            self._is(more[: len(text)], text)
            text = more
        self._is(text, expected)
        self._is(event["output"]["finish_reason"], "stop")

    async def _incremental(self, question: str, expected: str) -> None:
        body = _native(question, incremental_output=True)
        pieces = [
            event["output"]["text"] async for event in self._events(GENERATION, body, sse=True)
        ]
        self._is("".join(pieces), expected)

    async def _openai_plain(self, question: str, expected: str) -> None:
        body = b"".join([part async for part in self._post(CHAT, _openai(question))])
        self._is(json.loads(body)["choices"][0]["message"]["content"], expected)

    async def _openai_stream(self, question: str, expected: str) -> None:
        text = ""
        async for event in self._events(CHAT, _openai(question, stream=True)):
            text += event["choices"][0]["delta"].get("content") or ""
        self._is(text, expected)

    async def _websocket(self, question: str, expected: str) -> None:
        url = f"ws://{self._host}:{self._port}{WEBSOCKET}"
        task_id = uuid.UUID(int=self._chance.getrandbits(128)).hex
        header = {"action": "run-task", "task_id": task_id, "streaming": "out"}
        task = {"task_group": "aigc", "task": "text-generation", "function": "generation"}
        leaves = self._leaves()
        text = ""
        async with connect(url, proxy=None, compression=None) as websocket:
            payload = {**task, **_native(question)}
            await websocket.send(json.dumps({"header": header, "payload": payload}))
            try:
                async for frame in websocket:
                    told = json.loads(frame)
                    self._is(told["header"]["task_id"], task_id)
                    self._tally["events"] += 1
                    if told["header"]["event"] == "task-finished":
                        break
                    if told["header"]["event"] == "task-failed":
                        raise WrongAnswerError(str(told))
                    text = told["payload"].get("output", {"text": text})["text"]
                    leaves -= 1
                    if leaves == 0:
                        if self._chance.random() < 0.5:
                            websocket.transport.abort()
                        raise GoneError
            except ConnectionClosed as error:
                raise WrongAnswerError(f"websocket closed: {error}") from error
        self._is(text, expected)

    async def _events(
        self, path: str, body: dict[str, object], sse: bool = False
    ) -> AsyncIterator[dict]:
        async for part in self._post(path, body, sse):
            for line in part.decode().splitlines():
                if line == "event:error" or '"error":' in line:
                    raise WrongAnswerError(part.decode())
                if line.startswith("data:") and line != "data: [DONE]":
                    self._tally["events"] += 1
                    yield json.loads(line[5:])

    async def _post(
        self, path: str, body: dict[str, object], sse: bool = False
    ) -> AsyncIterator[bytes]:
        """The parts of an answer as they come; leaves in the middle when chance says so."""
        reader, writer = await self._connected()
        raw = json.dumps(body).encode()
        head = f"POST {path} HTTP/1.1\r\nHost: soak\r\nContent-Length: {len(raw)}\r\n"
        head += "X-DashScope-SSE: enable\r\n\r\n" if sse else "\r\n"
        leaves = self._leaves()
        try:
            writer.write(head.encode() + raw)
            await writer.drain()
            if leaves == 1:
                raise GoneError
            status = int((await reader.readline()).split()[1])
            headers = {}
            while line := (await reader.readline()).rstrip():
                name, _, value = line.decode().partition(": ")
                headers[name.lower()] = value
            if status != 200:
                length = int(headers.get("content-length", 0))
                self._tally[f"status {status}"] += 1
                raise WrongAnswerError((await reader.readexactly(length)).decode())
            if "content-length" in headers:
                yield await reader.readexactly(int(headers["content-length"]))
                return
            while size := int(await reader.readline(), 16):
                yield (await reader.readexactly(size + 2))[:-2]
                leaves -= 1
                if leaves == 0:
                    raise GoneError
                if self._chance.random() < 0.01:
                    await asyncio.sleep(0.2)
            await reader.readline()
        except GoneError:
            self._leave(writer)
            raise
        except (asyncio.IncompleteReadError, ConnectionError, IndexError, ValueError) as error:
            raise WrongAnswerError(f"the connection broke: {error!r}") from error

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._stream is None:
            self._stream = await asyncio.open_connection(self._host, self._port)
        return self._stream

    def _leaves(self) -> int:
        """After how many parts this client goes away; 0 is never."""
        return self._chance.randrange(1, 12) if self._chance.random() < 0.3 else 0

    def _leave(self, writer: asyncio.StreamWriter) -> None:
        """Politely, half of the time; else with a reset."""
        if self._chance.random() < 0.5:
            client = writer.get_extra_info("socket")
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_RESET)
            writer.transport.abort()
        writer.close()
        self._stream = None

    def _is(self, got: str, expected: str) -> None:
        if got != expected:
            raise WrongAnswerError(f"{got!r} instead of {expected!r}")


def _native(question: str, **parameters: object) -> dict[str, object]:
    return {
        "model": "chatglm3-6b",
        "input": {"prompt": question},
        "parameters": {"temperature": 0, **parameters},
    }


def _openai(question: str, **parameters: object) -> dict[str, object]:
    messages = [{"role": "user", "content": question}]
    return {"model": "chatglm3-6b", "messages": messages, "temperature": 0, **parameters}
