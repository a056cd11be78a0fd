"""Hours of strangers in minutes: `python scripts/soak.py --seconds 600 --streams 500`.

Starts a server on the scripted engine, and processes full of clients that ask over every wire,
read to the end or leave in the middle, politely or with a reset; every few seconds one process is
killed with all its clients. Ends with status 1 unless every answer belonged to its question, none
was refused, and the server's memory and open files are at the end what they were.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import random
import sys
import time
from collections import Counter
from multiprocessing.connection import Connection

import psutil
import structlog

from glmscope.chat.service import ChatService, Limits, ServedModel
from glmscope.engine.script import Script
from glmscope.engine.scripted import ScriptedEngine
from glmscope.family import Family
from glmscope.server.app import create_app
from glmscope.server.listener import bind
from glmscope.server.run import serve
from glmscope.server.settings import ServerSettings
from glmscope.text.tokenizer import Tokenizer
from glmscope.text.vocabulary import builtin_vocabulary
from soak_clients import RULES, run_clients

KILL_SECONDS = 5.0
SETTLE_SECONDS = 10.0
WARM_SHARE = 0.4
"""Memory is compared with what it was after this share of the time, once caches are warm."""
GROWTH_MB = 16.0
_MB = 1024 * 1024


def main() -> str | None:
    """Returns what went wrong, if anything."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--streams", type=int, default=500, help="clients at the same time")
    parser.add_argument("--processes", type=int, default=4, help="that the clients are spread over")
    parser.add_argument("--seed", type=int, default=time.time_ns() % 2**32)
    options = parser.parse_args()
    print(f"{options.streams} clients, {options.seconds:g} s, --seed {options.seed}", flush=True)
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    server = context.Process(target=serve_scripted, args=(options.streams, theirs), daemon=True)
    server.start()
    url = ours.recv()
    watched = psutil.Process(server.pid)
    try:
        return Soak(url, watched, options).run()
    finally:
        server.terminate()
        server.join()


class Soak:
    """One run against a server that stands."""

    def __init__(self, url: str, server: psutil.Process, options: argparse.Namespace) -> None:
        self._url = url
        self._server = server
        self._options = options
        self._chance = random.Random(options.seed)  # noqa: S311
        self._context = multiprocessing.get_context("spawn")
        self._tally: Counter[str] = Counter()
        self._complaints: list[str] = []
        self._started = 0

    def run(self) -> str | None:
        """Until the time is over or a client complains; then wait for quiet, and compare."""
        fds_before = self._server.num_fds()
        workers = [self._start() for _ in range(self._options.processes)]
        begun = time.monotonic()
        warm, peak, killed = 0.0, 0.0, 0
        next_kill = begun + KILL_SECONDS
        while (now := time.monotonic()) < begun + self._options.seconds and not self._complaints:
            time.sleep(0.2)
            for _, reports in workers:
                self._collect(reports)
            memory = self._memory()
            peak = max(peak, memory)
            if not warm and now > begun + WARM_SHARE * self._options.seconds:
                warm = memory
            if now > next_kill:
                next_kill += KILL_SECONDS
                killed += 1
                victim = self._chance.randrange(len(workers))
                workers[victim][0].kill()
                workers[victim] = self._start()
        seconds = time.monotonic() - begun
        cpu = sum(self._server.cpu_times()[:2])
        for process, reports in workers:
            process.kill()
            process.join()
            self._collect(reports)
        fds_after = self._settled(fds_before)
        grown = self._memory() - (warm or peak)
        tally = self._tally
        asked = tally["answered"] + tally["left"]
        print(
            f"{tally['answered']} answered, {tally['left']} left in the middle, "
            f"{killed} client processes killed\n"
            f"{asked / seconds:.0f} requests/s, {tally['events'] / seconds:.0f} events/s, "
            f"server CPU {cpu / seconds:.0%} of one core\n"
            f"memory {warm:.0f} MB warm, {peak:.0f} MB at most, {self._memory():.0f} MB after\n"
            f"open files {fds_before} before, {fds_after} after"
        )
        if self._complaints:
            return self._complaints[0]
        if not tally["answered"]:
            return "Nothing was answered."
        if fds_after > fds_before:
            return f"{fds_after - fds_before} files stayed open."
        if grown > GROWTH_MB:
            return f"Memory grew by {grown:.0f} MB."
        return None

    def _start(self) -> tuple[multiprocessing.process.BaseProcess, Connection]:
        """A process full of clients."""
        ours, theirs = self._context.Pipe()
        count = self._options.streams // self._options.processes
        self._started += 1
        seed = self._options.seed + self._started
        process = self._context.Process(
            target=run_clients, args=(self._url, count, seed, theirs), daemon=True
        )
        process.start()
        theirs.close()
        return process, ours

    def _collect(self, reports: Connection) -> None:
        try:
            while reports.poll():
                report = reports.recv()
                if isinstance(report, str):
                    self._complaints.append(report)
                else:
                    self._tally.update(report)
        except (EOFError, OSError):
            return  # it was killed

    def _memory(self) -> float:
        return float(self._server.memory_info().rss / _MB)

    def _settled(self, wanted: int) -> int:
        """Open files once the last client is gone."""
        deadline = time.monotonic() + SETTLE_SECONDS
        while self._server.num_fds() > wanted and time.monotonic() < deadline:
            time.sleep(0.1)
        return int(self._server.num_fds())


def serve_scripted(streams: int, ready: Connection) -> None:
    """A server that lets all of them in at once."""
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    tokenizer = Tokenizer(builtin_vocabulary(), Family.CHATGLM3)
    script = Script.from_json(json.dumps({"rules": RULES}), "this script")
    eos = tokenizer.special.eos
    engine = ScriptedEngine(tokenizer.encode, tokenizer.decode, script, eos, 8192)
    limits = Limits(context=7500, input=6000, output=1500)
    service = ChatService([ServedModel("chatglm3-6b", tokenizer, engine, limits, "scripted")])
    settings = ServerSettings(
        # A killed client's place is free a moment after the next one came.
        max_running=2 * streams,
        max_websockets=2 * streams,
        # Traces are kept up to a bound that a short run does not reach.
        trace_bytes=_MB,
    )
    serve(create_app(service, keys=None, settings=settings), bind("127.0.0.1", 0), ready.send)


if __name__ == "__main__":
    sys.exit(main())
