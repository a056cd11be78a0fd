"""A real server in a thread, and a client that shows the bytes."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from glmscope.chat.service import ChatService, Limits, ServedModel
from glmscope.engine.engine import Engine
from glmscope.engine.script import Script
from glmscope.engine.scripted import ScriptedEngine
from glmscope.family import Family
from glmscope.server.app import create_app
from glmscope.server.listener import bind
from glmscope.server.run import Server
from glmscope.server.settings import ServerSettings
from glmscope.store.keys import KeyStore
from tests.support.tokenizers import builtin_tokenizer

GENERATION = "/api/v1/services/aigc/text-generation/generation"
STREAM = {"X-DashScope-SSE": "enable"}
WAIT = 10.0
"""Longest that anything here may take, in seconds; nothing waits so long when all is well."""

# Replies that take their time, fail, or say the question back.
SCRIPT = {
    "rules": [
        {"match": "fail at once", "reply": "never said", "error_after": 0},
        {"match": "fail later", "reply": "some words before the failure", "error_after": 6},
        {"match": "slow", "reply": "a slow answer, ", "repeat": 200, "delay_ms": 20},
        {"match": "endless silence", "reply": "never said", "delay_ms": 3_600_000},
        {"match": "short silence", "reply": "好", "delay_ms": 400},
        {"match": "say nothing", "reply": ""},
        {"match": "odd characters", "reply": 'a"b\\c\n\r\t\u2028\u0085\u001f\u007f😀é'},
        {"reply": ["\n ", ["You said: ", "I heard: ", "It was: "], "{question}"]},
    ]
}


def scripted(family: Family, rules: Mapping[str, Any]) -> ScriptedEngine:
    tokenizer = builtin_tokenizer(family)
    script = Script.from_json(json.dumps(rules), "the test's script")
    return ScriptedEngine(
        tokenizer.encode, tokenizer.decode, script, tokenizer.special.eos, max_positions=8192
    )


def service_with(rules: Mapping[str, Any] = SCRIPT) -> ChatService:
    return ChatService(
        [
            ServedModel(
                "chatglm3-6b",
                builtin_tokenizer(Family.CHATGLM3),
                scripted(Family.CHATGLM3, rules),
                Limits(context=7500, input=6000, output=1500),
                "ChatGLM3-6B",
            ),
            ServedModel(
                "chatglm-6b-v2",
                builtin_tokenizer(Family.CHATGLM2),
                scripted(Family.CHATGLM2, rules),
                Limits(context=6500, input=6500, output=1500),
                "ChatGLM2-6B",
            ),
        ]
    )


@dataclass
class RunningServer:
    url: str
    service: ChatService
    server: Server
    key: str | None = None

    @property
    def address(self) -> tuple[str, int]:
        parts = urlsplit(self.url)
        assert parts.hostname
        assert parts.port
        return parts.hostname, parts.port

    @property
    def engine(self) -> Engine:
        return self.service.models["chatglm3-6b"].engine

    def running(self) -> int:
        return self.engine.load().running

    def waiting(self) -> int:
        """Requests in the line, as the open metrics tell."""
        with self.connect() as connection:
            connection.send(b"", path="/metrics", method="GET")
            lines = connection.answer().body.decode().splitlines()
        name = "glmscope_requests_waiting "
        return next(int(float(line[len(name) :])) for line in lines if line.startswith(name))

    def connect(self) -> Connection:
        return Connection(self.address, self.key)

    def ask(
        self, body: object, headers: Mapping[str, str] | None = None, path: str = GENERATION
    ) -> Answer:
        with self.connect() as connection:
            return connection.ask(body, headers, path)


@contextmanager
def serving(
    service: ChatService | None = None,
    keys: KeyStore | None = None,
    settings: ServerSettings | None = None,
    *,
    ready_within: float = WAIT,
    **options: Any,
) -> Iterator[RunningServer]:
    """A server on a free port in a thread; it has stopped when the block is left.

    `options` go to `create_app`. One that starts programs may need longer to be ready.
    """
    service = service or service_with()
    ready = threading.Event()
    app = create_app(service, keys, settings, **options)
    server = Server(app, bind("127.0.0.1", 0), lambda _url: ready.set())
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        assert ready.wait(ready_within)
        key = keys.create("tests").key if keys else None
        yield RunningServer(server.url, service, server, key)
    finally:
        server.stop()
        thread.join(WAIT)
        assert not thread.is_alive()


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    chunks: list[bytes]

    @property
    def body(self) -> bytes:
        return b"".join(self.chunks)

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> tuple[int, str]:
        return self.status, self.json["code"]

    @property
    def events(self) -> list[Any]:
        """The data of every event of a stream."""
        lines = self.body.decode().split("\n")
        return [json.loads(line[5:]) for line in lines if line.startswith("data:")]


class Connection:
    """One keep-alive connection, spoken by hand."""

    def __init__(self, address: tuple[str, int], key: str | None) -> None:
        self.socket = socket.create_connection(address, timeout=WAIT)
        self._read = self.socket.makefile("rb")
        self._key = key

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._read.close()
        self.socket.close()

    def ask(
        self, body: object, headers: Mapping[str, str] | None = None, path: str = GENERATION
    ) -> Answer:
        self.send(body, headers, path)
        return self.answer()

    def send(
        self,
        body: object = None,
        headers: Mapping[str, str] | None = None,
        path: str = GENERATION,
        method: str = "POST",
    ) -> None:
        """Send a request; a body of bytes goes as it is, anything else as JSON."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        fields = {"Host": "test", "Content-Length": str(len(raw))}
        if self._key:
            fields["Authorization"] = f"Bearer {self._key}"
        fields |= headers or {}
        lines = [f"{method} {path} HTTP/1.1", *(f"{k}: {v}" for k, v in fields.items() if v)]
        self.socket.sendall("\r\n".join([*lines, "", ""]).encode("latin-1") + raw)

    def answer(self) -> Answer:
        status, headers = self.head()
        if headers.get("transfer-encoding") == "chunked":
            return Answer(status, headers, list(self.chunks()))
        length = int(headers["content-length"])
        return Answer(status, headers, [self._read.read(length)])

    def head(self) -> tuple[int, dict[str, str]]:
        status = int(self._line().split()[1])
        headers: dict[str, str] = {}
        while line := self._line():
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        return status, headers

    def chunks(self) -> Iterator[bytes]:
        """Each chunk as it arrives, up to the zero chunk."""
        while size := int(self._line(), 16):
            yield self._read.read(size)
            assert self._line() == ""
        assert self._line() == ""

    def at_end(self) -> bool:
        """Whether the server has closed the connection."""
        return self._read.read(1) == b""

    def _line(self) -> str:
        line = self._read.readline()
        if not line.endswith(b"\r\n"):
            raise EOFError("the connection ended")
        return line[:-2].decode("latin-1")


def ask(prompt: str = "hello", **parameters: object) -> dict[str, object]:
    """The body of a greedy request; the scripted engine then says its first wording."""
    return {
        "model": "chatglm3-6b",
        "input": {"prompt": prompt},
        "parameters": {"temperature": 0, **parameters},
    }


def eventually(condition: Callable[[], bool], seconds: float = WAIT) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True
