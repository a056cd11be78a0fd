"""The server's own cost: `python scripts/measure_server.py`.

Whole requests over loopback sockets, keys on, answered by the scripted engine, which generates at
no cost. Server and client are two processes on the same cores; the server's share is its own CPU
time, which other load does not change, the rates are what both reached together.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import platform
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path

import psutil
import structlog
import uvicorn

from glmscope.chat.service import ChatService, Limits, ServedModel
from glmscope.engine.script import Script
from glmscope.engine.scripted import ScriptedEngine
from glmscope.family import Family
from glmscope.server.app import create_app
from glmscope.server.listener import bind
from glmscope.server.run import serve
from glmscope.server.settings import ServerSettings
from glmscope.store.database import open_database
from glmscope.store.keys import KeyStore
from glmscope.text.tokenizer import Tokenizer
from glmscope.text.vocabulary import builtin_vocabulary

GENERATION = "/api/v1/services/aigc/text-generation/generation"
CHAT = "/v1/chat/completions"
SECONDS = 4.0
LONG_REPLY_TOKENS = 300


def main() -> None:
    """Print a row a case."""
    print(
        f"Python {platform.python_version()}, uvicorn {uvicorn.__version__}, {platform.machine()}"
    )
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.Process(target=serve_scripted, args=(theirs,), daemon=True)
    server.start()
    url, key = ours.recv()
    watched = psutil.Process(server.pid)
    try:
        print(f"\n{'':34} at once   requests/s   events/s   CPU a request   CPU an event")
        for name, path, body, sse in cases():
            for clients in (1, 16, 128):
                row(name, clients, watched, Load(url, key, path, body, sse))
    finally:
        server.terminate()
        server.join()


def cases() -> list[tuple[str, str, dict[str, object], bool]]:
    """Name, path, body, and whether a header asks for a stream."""
    short = {"model": "chatglm3-6b", "input": {"prompt": "short"}}
    long = {"model": "chatglm3-6b", "input": {"prompt": "long"}}
    chat = {"model": "chatglm3-6b", "messages": [{"role": "user", "content": "long"}]}
    greedy = {"temperature": 0}
    return [
        ("plain, a short answer", GENERATION, {**short, "parameters": greedy}, False),
        (
            "stream, pieces",
            GENERATION,
            {**long, "parameters": {**greedy, "incremental_output": True}},
            True,
        ),
        ("stream, whole text so far", GENERATION, {**long, "parameters": greedy}, True),
        ("OpenAI stream", CHAT, {**chat, **greedy, "stream": True}, False),
    ]


class Load:
    """Clients that ask the same thing again and again, each on its own connection."""

    def __init__(self, url: str, key: str, path: str, body: dict[str, object], sse: bool) -> None:
        self._address = url.removeprefix("http://").split(":")
        raw = json.dumps(body).encode()
        head = f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n"
        head += f"Content-Length: {len(raw)}\r\n" + ("X-DashScope-SSE: enable\r\n" if sse else "")
        self._request = head.encode() + b"\r\n" + raw
        self.requests = 0
        self.events = 0

    async def run(self, clients: int) -> None:
        """For SECONDS, and then to the end of what was begun."""
        until = time.monotonic() + SECONDS
        await asyncio.gather(*(self._ask(until) for _ in range(clients)))

    async def _ask(self, until: float) -> None:
        host, port = self._address
        reader, writer = await asyncio.open_connection(host, int(port))
        while time.monotonic() < until:
            writer.write(self._request)
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200"):
                raise RuntimeError(head.decode())
            if b"chunked" in head:
                # A chunk holds one event; its end and the zero chunk are the only such bytes.
                while size := int(await reader.readline(), 16):
                    await reader.readexactly(size + 2)
                    self.events += 1
                await reader.readline()
            else:
                length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
                await reader.readexactly(int(length))
            self.requests += 1
        writer.close()


def row(name: str, clients: int, server: psutil.Process, load: Load) -> None:
    """Measure and print one case."""
    before, begun = sum(server.cpu_times()[:2]), time.monotonic()
    asyncio.run(load.run(clients))
    seconds, cpu = time.monotonic() - begun, sum(server.cpu_times()[:2]) - before
    events = f"{load.events / seconds:8.0f}" if load.events else f"{'':8}"
    an_event = f"{cpu / load.events * 1e6:9.0f} us" if load.events else ""
    print(
        f"{name:34} {clients:7}   {load.requests / seconds:10.1f}   {events}   "
        f"{cpu / load.requests * 1e3:10.2f} ms   {an_event}",
        flush=True,
    )


def serve_scripted(ready: Connection) -> None:
    """A server with a key store of its own."""
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    tokenizer = Tokenizer(builtin_vocabulary(), Family.CHATGLM3)
    # A text that does not repeat itself, or the loop brake would end the reply.
    rules = [
        {"match": "short", "reply": "杭州是浙江省的省会"},
        {"reply": str(7**LONG_REPLY_TOKENS)},
    ]
    script = Script.from_json(json.dumps({"rules": rules}), "this script")
    eos = tokenizer.special.eos
    engine = ScriptedEngine(tokenizer.encode, tokenizer.decode, script, eos, 8192)
    limits = Limits(context=7500, input=6000, output=LONG_REPLY_TOKENS)
    service = ChatService([ServedModel("chatglm3-6b", tokenizer, engine, limits, "scripted")])
    settings = ServerSettings(max_running=128, trace_bytes=1024 * 1024)
    with (
        tempfile.TemporaryDirectory() as directory,
        open_database(Path(directory) / "keys.db") as database,
    ):
        keys = KeyStore(database)
        key = keys.create("measure").key
        app = create_app(service, keys, settings)
        serve(app, bind("127.0.0.1", 0), lambda url: ready.send((url, key)))


if __name__ == "__main__":
    main()
