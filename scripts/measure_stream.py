"""What the server itself costs a stream: `python scripts/measure_stream.py`.

First the encoding alone: a reply of the longest length, folded into events in memory, beside what
encoding every cumulative chunk anew would take. Then whole streams over a loopback socket from the
scripted engine, which generates at no cost, read by a client that only counts bytes; server and
client are two processes.
"""

from __future__ import annotations

import http.client
import json
import multiprocessing
import platform
import time
from collections.abc import Callable
from multiprocessing.connection import Connection

import structlog
import uvicorn

from glmscope.chat.events import Finished, ReplyEvent, TextPiece, Usage
from glmscope.chat.service import ChatService, Limits, ServedModel
from glmscope.engine.script import Script
from glmscope.engine.scripted import ScriptedEngine
from glmscope.family import Family
from glmscope.server import json_text
from glmscope.server.app import create_app
from glmscope.server.dashscope.events import EventFold
from glmscope.server.dashscope.result import RUNNING, ResultChoice, ResultShape, result
from glmscope.server.listener import bind
from glmscope.server.run import serve
from glmscope.text.tokenizer import Tokenizer
from glmscope.text.vocabulary import builtin_vocabulary

PIECES = 1500
REPEATS = 5
STREAMS = 20
SHAPE = ResultShape("message")
PATH = "/api/v1/services/aigc/text-generation/generation"


def main() -> None:
    """Print one row a measurement."""
    print(
        f"Python {platform.python_version()}, uvicorn {uvicorn.__version__}, {platform.machine()}"
    )
    print(f"\nencoding {PIECES} pieces of 2 characters        us an event   MB in all")
    row("cumulative", lambda: fold(incremental=False))
    row("incremental", lambda: fold(incremental=True))
    row("cumulative, each chunk encoded anew", encode_anew)
    print(f"\n{STREAMS} streams over a socket, one after another   us an event   MB in all")
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.Process(target=serve_scripted, args=(theirs,), daemon=True)
    server.start()
    address = ours.recv()
    try:
        for name, incremental in (("cumulative", False), ("incremental", True)):
            row(name, lambda incremental=incremental: streams(address, incremental))
    finally:
        server.terminate()
        server.join()


def row(name: str, measure: Callable[[], tuple[int, int]]) -> None:
    """The best of a few runs; `measure` returns events and bytes."""
    best = float("inf")
    for _ in range(REPEATS):
        begun = time.perf_counter()
        events, size = measure()
        best = min(best, (time.perf_counter() - begun) / events)
    print(f"  {name:45} {best * 1e6:9.1f}   {size / 1e6:9.2f}")


def reply() -> list[ReplyEvent]:
    """A reply of the longest length, a token of two characters at a time."""
    pieces: list[ReplyEvent] = [TextPiece("杭州", Usage(10, made + 1)) for made in range(PIECES)]
    return [*pieces, Finished("stop", Usage(10, PIECES))]


def fold(incremental: bool) -> tuple[int, int]:
    """As the server does it."""
    events = reply()
    folded = EventFold(SHAPE, incremental, "11111111-1111-4111-8111-111111111111")
    return len(events), sum(len(folded.add(event)) for event in events)


def encode_anew() -> tuple[int, int]:
    """As the simplest server would do it."""
    events = reply()
    text, size = "", 0
    for event in events:
        text += event.text if isinstance(event, TextPiece) else ""
        data = json_text.dump(
            result(SHAPE, [ResultChoice(0, text, RUNNING)], event.usage, "1" * 36)
        )
        size += len(b"id:1\nevent:result\n:HTTP_STATUS/200\ndata:%b\n\n" % data)
    return len(events), size


def serve_scripted(ready: Connection) -> None:
    """A server whose every reply is as long as replies may be."""
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    tokenizer = Tokenizer(builtin_vocabulary(), Family.CHATGLM3)
    # A text that does not repeat itself, or the loop brake would end the reply.
    rules = {"rules": [{"reply": str(7**PIECES)}]}
    script = Script.from_json(json.dumps(rules), "this script")
    eos = tokenizer.special.eos
    engine = ScriptedEngine(tokenizer.encode, tokenizer.decode, script, eos, 8192)
    limits = Limits(context=7500, input=6000, output=PIECES)
    service = ChatService([ServedModel("chatglm3-6b", tokenizer, engine, limits, "scripted")])
    serve(create_app(service, keys=None), bind("127.0.0.1", 0), ready.send)


def streams(url: str, incremental: bool) -> tuple[int, int]:
    """Whole streams on one connection."""
    parameters = {"incremental_output": incremental, "temperature": 0}
    body = {"model": "chatglm3-6b", "input": {"prompt": "x"}, "parameters": parameters}
    connection = http.client.HTTPConnection(url.removeprefix("http://"))
    events = size = 0
    for _ in range(STREAMS):
        connection.request("POST", PATH, json.dumps(body), {"X-DashScope-SSE": "enable"})
        answer = connection.getresponse().read()
        events += answer.count(b"\n\n")
        size += len(answer)
    connection.close()
    return events, size


if __name__ == "__main__":
    main()
