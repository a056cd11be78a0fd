"""How soon a server answers after it was started, and how fast, for one client."""

from __future__ import annotations

import json
import re
import statistics
import subprocess
import threading
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from glmscope.errors import ServiceError

QUESTIONS = ("介绍下杭州", "介绍一下北京", "Tell me about Paris.", "请介绍一下成都。", "你是谁？")
START_SECONDS = 120.0
"""How long a server may take before it is given up."""

_POLL_SECONDS = 0.01
_ADDRESS = re.compile(r"answers at (http://\S+)")
_GENERATION = "/services/aigc/text-generation/generation"
_HERE = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True, slots=True)
class Speed:
    """Seconds from the start of the process; tokens a second from request to last token."""

    start_seconds: float
    """Until `/healthz` says that requests are let in."""
    first_token_seconds: float
    """Until the first text of the first answer has arrived, with that answer's request."""
    tokens_per_second: float
    """The median over `QUESTIONS`, asked one after the other."""


def measure_speed(serve: Sequence[str]) -> Speed:
    """Start a server, ask it, end it.

    `serve` is a command that serves on a free port of this machine without keys and prints its
    address. Raises ServiceError when it ends early or takes longer than `START_SECONDS`.
    """
    began = time.monotonic()
    with _serving(serve) as base_url:
        model = _ready_model(f"{base_url.removesuffix('/api/v1')}/healthz", began + START_SECONDS)
        started = time.monotonic() - began
        first_token = 0.0
        rates = []
        for question in QUESTIONS:
            asked = time.monotonic()
            counts = []
            for count in _streamed_tokens(base_url, model, question):
                first_token = first_token or time.monotonic() - began
                counts.append(count)
            rates.append(max(counts, default=0) / (time.monotonic() - asked))
    return Speed(started, first_token, statistics.median(rates))


def _ready_model(health_url: str, deadline: float) -> str:
    """The first model that a server answers with, once it says that it lets requests in."""
    while True:
        try:
            with _HERE.open(health_url, timeout=START_SECONDS) as response:
                model: str = json.load(response)["models"][0]
                return model
        except OSError as error:  # among them a status that says: not yet
            if time.monotonic() > deadline:
                raise _silent(error) from None
        time.sleep(_POLL_SECONDS)


def _streamed_tokens(base_url: str, model: str, question: str) -> Iterator[int]:
    """How many tokens an answer has so far, each time that more of it arrives."""
    request = urllib.request.Request(  # noqa: S310 (the server that was started)
        base_url + _GENERATION,
        json.dumps(
            {
                "model": model,
                "input": {"messages": [{"role": "user", "content": question}]},
                "parameters": {"temperature": 0, "incremental_output": True},
            }
        ).encode(),
        {"Content-Type": "application/json", "X-DashScope-SSE": "enable"},
    )
    try:
        with _HERE.open(request, timeout=START_SECONDS) as response:
            for line in response:
                if line.startswith(b"data:"):
                    yield json.loads(line.removeprefix(b"data:"))["usage"]["output_tokens"]
    except OSError as error:
        raise _silent(error) from None


def _silent(error: OSError) -> ServiceError:
    return ServiceError(f"The server that was started does not answer: {error}.")


@contextmanager
def _serving(command: Sequence[str]) -> Iterator[str]:
    """The base URL of a server that runs until the block ends."""
    with subprocess.Popen(  # noqa: S603 (our own command line)
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, encoding="utf-8"
    ) as process:
        # Ends the wait for a line that a hanging server never prints.
        patience = threading.Timer(START_SECONDS, process.kill)
        patience.start()
        try:
            yield _base_url(process)
        finally:
            patience.cancel()
            process.kill()


def _base_url(process: subprocess.Popen[str]) -> str:
    for line in process.stdout or ():
        if found := _ADDRESS.search(line):
            return f"{found[1].rstrip('/').removesuffix('/api/v1')}/api/v1"
    raise ServiceError("The server that was started ended before it could answer.")
