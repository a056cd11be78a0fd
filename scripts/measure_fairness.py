"""How long one key waits while another keeps a hundred requests queued:
`python scripts/measure_fairness.py`.

A server of the scripted engine, in a process of its own, runs few replies at a time, each of a
known length. One key keeps its requests in the line from as many connections; the other asks one
question after another. In order of arrival, the second would wait for the whole line each time.
"""

from __future__ import annotations

import http.client
import json
import multiprocessing
import platform
import statistics
import tempfile
import threading
import time
from multiprocessing.connection import Connection
from pathlib import Path

import structlog

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

RUNNING = 4
QUEUED = 100
QUESTIONS = 20
REPLY_SECONDS = 0.1
SETTINGS = ServerSettings(max_running=RUNNING, max_waiting=2 * QUEUED)
PATH = "/api/v1/services/aigc/text-generation/generation"


def main() -> None:
    """Print what the second key sees, alone and beside the first."""
    ours, theirs = multiprocessing.Pipe()
    with tempfile.TemporaryDirectory() as directory:
        arguments = (theirs, Path(directory) / "keys.db")
        server = multiprocessing.Process(target=serve_scripted, args=arguments, daemon=True)
        server.start()
        greedy, patient = ours.recv()
        address = ours.recv().removeprefix("http://")
        try:
            measure(address, greedy, patient)
        finally:
            server.terminate()
            server.join()


def measure(address: str, greedy: str, patient: str) -> None:
    """Two rows, and what order of arrival would give."""
    print(f"Python {platform.python_version()}, {platform.machine()}")
    print(f"{RUNNING} replies at a time, {REPLY_SECONDS * 1000:.0f} ms each; ms to an answer:")
    print(f"  {'':42} median      max")
    row("alone", answers(address, patient))
    stop = threading.Event()
    threads = [
        threading.Thread(target=keep_asking, args=(address, greedy, stop)) for _ in range(QUEUED)
    ]
    for thread in threads:
        thread.start()
    time.sleep(10 * REPLY_SECONDS)  # until the line is full
    row(f"beside a key with {QUEUED} requests in the line", answers(address, patient))
    stop.set()
    for thread in threads:
        thread.join()
    whole_line = (QUEUED / RUNNING + 1) * REPLY_SECONDS
    print(f"  {'the same in order of arrival, by calculation':42} {whole_line * 1000:6.0f}")


def row(name: str, seconds: list[float]) -> None:
    """One line of the table."""
    print(f"  {name:42} {statistics.median(seconds) * 1000:6.0f}   {max(seconds) * 1000:6.0f}")


def answers(address: str, key: str) -> list[float]:
    """Seconds to each of some answers, asked for one after another."""
    connection = http.client.HTTPConnection(address)
    seconds = []
    for _ in range(QUESTIONS):
        begun = time.perf_counter()
        ask(connection, key)
        seconds.append(time.perf_counter() - begun)
    connection.close()
    return seconds


def keep_asking(address: str, key: str, stop: threading.Event) -> None:
    """One of the greedy key's connections: always running or in the line."""
    connection = http.client.HTTPConnection(address)
    while not stop.is_set():
        ask(connection, key)
    connection.close()


def ask(connection: http.client.HTTPConnection, key: str) -> None:
    """One question, answered."""
    body = json.dumps({"model": "chatglm3-6b", "input": {"prompt": "x"}})
    connection.request("POST", PATH, body, {"Authorization": f"Bearer {key}"})
    response = connection.getresponse()
    if response.status != 200:
        raise SystemExit(f"The server answered {response.status}: {response.read().decode()}")
    response.read()


def serve_scripted(ready: Connection, database: Path) -> None:
    """A server whose every reply takes the same time; sends two keys, then its address."""
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    tokenizer = Tokenizer(builtin_vocabulary(), Family.CHATGLM3)
    ids = tokenizer.encode("ten words or so")
    rule = {"reply": "ten words or so", "delay_ms": REPLY_SECONDS * 1000 / len(ids)}
    script = Script.from_json(json.dumps({"rules": [rule]}), "this script")
    eos = tokenizer.special.eos
    engine = ScriptedEngine(tokenizer.encode, tokenizer.decode, script, eos, 8192)
    limits = Limits(context=7500, input=6000, output=1500)
    service = ChatService([ServedModel("chatglm3-6b", tokenizer, engine, limits, "scripted")])
    with open_database(database) as opened:
        keys = KeyStore(opened)
        ready.send((keys.create("greedy").key, keys.create("patient").key))
        serve(create_app(service, keys, SETTINGS), bind("127.0.0.1", 0), ready.send)


if __name__ == "__main__":
    main()
