"""Ask a server at a given rate, whatever it can keep up with, and time its streamed replies.

Requests leave when they are due (a Poisson process), not when earlier ones are answered, and times
count from then: a server that falls behind cannot make the clients wait their turn and look fast.
"""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from glmscope.bench.arrivals import Arrival, gaps
from glmscope.bench.percentiles import percentiles
from glmscope.errors import GLMScopeError

Ask = Callable[[int], Iterator[int]]
"""Sends the request of this number; yields how many tokens its reply has, event by event.

Raises GLMScopeError for a refusal, an error in the stream, or a reply that breaks off.
"""


@dataclass
class Reply:
    """One request; times in seconds from when it was due."""

    arrivals: list[Arrival] = field(default_factory=list)
    began: float = 0.0
    """Seconds from the start of the run."""
    whole: float = 0.0
    """To the end of the reply, or to its error."""
    error: GLMScopeError | None = None

    @property
    def tokens(self) -> int:
        """Of the reply, as the server counts them."""
        return self.arrivals[-1][1] if self.arrivals else 0


@dataclass(frozen=True)
class LoadReport:
    """What clients saw of a server."""

    rate: float
    """Requests a second that were sent, on average."""
    seconds: float
    replies: Sequence[Reply]

    @property
    def answered(self) -> list[Reply]:
        """Those that came to their end."""
        return [reply for reply in self.replies if reply.error is None]

    @property
    def errors(self) -> Counter[str]:
        """How often each sentence ended a request."""
        return Counter(reply.error.message for reply in self.replies if reply.error is not None)

    @property
    def tokens_per_second(self) -> float:
        """Of answers, from the first request to the last reply's end."""
        return sum(reply.tokens for reply in self.answered) / self.seconds

    @property
    def most_at_once(self) -> int:
        """The largest number of requests that were on their way."""
        begins = [(reply.began, 1) for reply in self.replies]
        ends = [(reply.began + reply.whole, -1) for reply in self.replies]
        now = most = 0
        for _, change in sorted(begins + ends):
            now += change
            most = max(most, now)
        return most

    @property
    def seconds_by_rank(self) -> dict[str, dict[int, float]]:
        """Percentiles of seconds over answers: first token, between tokens, whole reply."""
        answered = self.answered
        return {
            "first token": percentiles([r.arrivals[0][0] for r in answered if r.arrivals]),
            "between tokens": percentiles([gap for r in answered for gap in gaps(r.arrivals)]),
            "whole reply": percentiles([r.whole for r in answered]),
        }

    def as_json(self) -> dict[str, Any]:
        """Everything as JSON values."""
        return {
            "rate": self.rate,
            "requests": len(self.replies),
            "answered": len(self.answered),
            "errors": dict(self.errors),
            "seconds": self.seconds,
            "replies_per_second": len(self.answered) / self.seconds,
            "tokens_per_second": self.tokens_per_second,
            "most_at_once": self.most_at_once,
            "seconds_by_percentile": {
                name.replace(" ", "_"): {str(rank): value for rank, value in ranks.items()}
                for name, ranks in self.seconds_by_rank.items()
            },
        }


def poisson_arrivals(rate: float, requests: int, seed: int) -> list[float]:
    """Seconds from the start at which requests are due, `rate` of them a second on average."""
    drawn = random.Random(seed)  # noqa: S311 (moments, no secrets)
    due, now = [], 0.0
    for _ in range(requests):
        due.append(now)
        now += drawn.expovariate(rate)
    return due


def put_load(ask: Ask, rate: float, requests: int, seed: int) -> LoadReport:
    """Send the requests, each in a thread of its own, and wait for all replies."""
    replies = [Reply(began=due) for due in poisson_arrivals(rate, requests, seed)]
    started = time.perf_counter()
    threads = []
    for number, reply in enumerate(replies):
        time.sleep(max(0.0, started + reply.began - time.perf_counter()))
        # Daemons, so that Ctrl-C need not wait for replies.
        thread = threading.Thread(target=_read, args=(ask, number, reply, started), daemon=True)
        thread.start()
        threads.append(thread)
    for thread in threads:
        thread.join()
    return LoadReport(rate, time.perf_counter() - started, replies)


def _read(ask: Ask, number: int, reply: Reply, started: float) -> None:
    due = started + reply.began
    count = 0
    try:
        for tokens in ask(number):
            if tokens > count:
                count = tokens
                reply.arrivals.append((time.perf_counter() - due, count))
    except GLMScopeError as error:
        reply.error = error
    reply.whole = time.perf_counter() - due
