"""What the wire and the chat add to the engine: the same replies with and without them.

    python scripts/measure_wire_cost.py chatglm3-6b-int4 --streams 8 --new 48

One process holds the network and serves it. Round after round as many clients as there are streams,
in a process of their own on the same cores, ask over DashScope's wire, streamed, and read every
event; then the engine makes the same replies to the same prompts by itself. Replies have all their
tokens: --top-k leaves out the end token, which is hardly ever the best one in networks
that `synthetic_checkpoint.py --ends` made. Printed is the time from the first request to the last
token of each, best round, and its ratio; the clients' own work counts as the wire's.
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import json
import multiprocessing
import tempfile
import threading
import time
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from pathlib import Path

import structlog

from glmscope.chat.limits import Limits
from glmscope.chat.service import ChatService, ServedModel
from glmscope.engine.engine import Sampling, Step
from glmscope.engine.openvino import OpenVINOEngine
from glmscope.model.manifest import TOKENIZER_FILE
from glmscope.server.app import create_app
from glmscope.server.listener import bind
from glmscope.server.run import serve
from glmscope.server.settings import ServerSettings
from glmscope.store.database import open_database
from glmscope.store.keys import KeyStore
from glmscope.text.tokenizer import Tokenizer

GENERATION = "/api/v1/services/aigc/text-generation/generation"
MODEL = "chatglm3-6b"


def main() -> None:
    """Read the command line, measure, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("converted", type=Path)
    parser.add_argument("--streams", type=int, default=8)
    parser.add_argument("--new", type=int, default=48, help="tokens of each reply")
    parser.add_argument("--top-k", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    server = context.Process(target=serve_network, args=(options, theirs), daemon=True)
    server.start()
    try:
        url, key = ours.recv()
        ask_all(options, url, key, 1)  # what happens once happens now
        engine, wire = [], []
        for number in range(options.rounds):
            wire.append(ask_all(options, url, key, number))
            ours.send("decode")
            engine.append(ours.recv())
        tokens = options.streams * options.new
        for name, seconds in (("engine alone", min(engine)), ("over the wire", min(wire))):
            print(f"{name:14}{seconds:8.3f} s {tokens / seconds:8.2f} tok/s")
        added = min(wire) / min(engine) - 1
        print(f"added: {added:.2%} of the engine's time, best of {options.rounds} rounds")
    finally:
        server.terminate()
        server.join()


def ask_all(options: argparse.Namespace, url: str, key: str, seed: int) -> float:
    """Seconds until every client has its whole reply. Raises RuntimeError for another answer."""
    host, _, port = url.removeprefix("http://").partition(":")
    started = time.perf_counter()

    def ask(number: int) -> int:
        body = {
            "model": MODEL,
            "input": {"messages": [{"role": "user", "content": f"{number}"}]},
            "parameters": {
                "max_tokens": options.new,
                "top_k": options.top_k,
                "seed": 1000 * seed + number,
                "incremental_output": True,
                "result_format": "message",
            },
        }
        headers = {"Authorization": f"Bearer {key}", "X-DashScope-SSE": "enable"}
        connection = http.client.HTTPConnection(host, int(port))
        connection.request("POST", GENERATION, json.dumps(body), headers)
        last = b""
        for line in connection.getresponse():
            last = line if line.startswith(b"data:") else last
        return int(json.loads(last[5:])["usage"]["output_tokens"])

    with ThreadPoolExecutor(options.streams) as pool:
        counts = list(pool.map(ask, range(options.streams)))
    if counts != [options.new] * options.streams:
        raise RuntimeError(f"replies of {counts} tokens")
    return time.perf_counter() - started


def serve_network(options: argparse.Namespace, pipe: Connection) -> None:
    """Load the network and serve it; decode by itself whenever the pipe says so."""
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    engine = OpenVINOEngine.open(options.converted)
    family = engine.manifest.family
    tokenizer = Tokenizer((options.converted / TOKENIZER_FILE).read_bytes(), family)
    limits = Limits(context=7500, input=6000, output=options.new)
    service = ChatService([ServedModel(MODEL, tokenizer, engine, limits, "measured")])
    asked: deque[tuple[Sequence[int], Sampling]] = deque(maxlen=options.streams)
    generate = engine.generate

    def noted(ids: Sequence[int], sampling: Sampling) -> AsyncGenerator[Step, None]:
        asked.append((ids, sampling))
        return generate(ids, sampling)

    engine.generate = noted  # type: ignore[method-assign]

    async def decode_all() -> float:
        async def decode(ids: Sequence[int], sampling: Sampling) -> None:
            async for _ in generate(ids, sampling):
                pass

        started = time.perf_counter()
        await asyncio.gather(*(decode(*each) for each in asked))
        return time.perf_counter() - started

    def obey() -> None:
        while pipe.recv():
            pipe.send(asyncio.run(decode_all()))

    threading.Thread(target=obey, daemon=True).start()
    with (
        tempfile.TemporaryDirectory() as directory,
        open_database(Path(directory) / "keys.db") as database,
    ):
        keys = KeyStore(database)
        app = create_app(service, keys, ServerSettings())
        key = keys.create("measure").key
        serve(app, bind("127.0.0.1", 0), lambda url: pipe.send((url, key)))


if __name__ == "__main__":
    main()
