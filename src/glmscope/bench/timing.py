"""Time one thing at a time in an engine: a prompt, or streams that are decoded side by side."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

from glmscope.bench.arrivals import Arrival, gaps
from glmscope.engine.engine import Engine, Sampling
from glmscope.errors import UsageError

_POLL_SECONDS = 0.001


@dataclass(frozen=True, slots=True)
class Decoded:
    """What was seen of streams while all of them were decoding."""

    tokens_per_second: float
    """Of all streams together."""
    context: float
    """Tokens that a stream looked back on, on average."""
    first_seconds: tuple[float, ...]
    """From the request to the first token, by stream; all were asked at once."""
    gap_seconds: tuple[float, ...]
    """Between two tokens of the same stream."""


@dataclass
class _Stream:
    """Arrivals of one stream from the moment on when every stream has begun."""

    first: float | None = None
    arrivals: list[Arrival] = field(default_factory=list)

    @property
    def tokens(self) -> int:
        """Made between the first and the last arrival."""
        return self.arrivals[-1][1] - self.arrivals[0][1]

    @property
    def rate(self) -> float:
        """Tokens/s."""
        return self.tokens / (self.arrivals[-1][0] - self.arrivals[0][0])


async def time_prefill(engine: Engine, prompt: Sequence[int]) -> float:
    """Seconds from the request to the first token of the reply. Raises as the engine does."""
    await _until_idle(engine)
    started = time.perf_counter()
    async with aclosing(engine.generate(prompt, Sampling(1, temperature=0.0))) as steps:
        async for _ in steps:
            break
    return time.perf_counter() - started


async def time_decode(
    engine: Engine, prompts: Sequence[Sequence[int]], new: int, longest: int | None = None
) -> Decoded:
    """Decode a stream a prompt until each has made `new` tokens beside all the others.

    What streams make while others still read their prompts does not count, so the engine needs room
    for more than prompt and `new`: `longest`, or as much as the engine may hold. Raises as the
    engine does, and UsageError where some streams ended before all had begun.
    """
    await _until_idle(engine)
    streams = [_Stream() for _ in prompts]

    async def decode(stream: _Stream, prompt: Sequence[int]) -> None:
        room = engine.max_positions - len(prompt)
        sampling = Sampling(min(longest or room, room), temperature=0.0)
        count = 0
        started = time.perf_counter()
        async with aclosing(engine.generate(prompt, sampling)) as steps:
            async for step in steps:
                now = time.perf_counter()
                count += len(step.ids)
                stream.first = stream.first or now - started
                if all(each.first for each in streams):
                    stream.arrivals.append((now, count))
                    if stream.tokens >= new:
                        return

    await asyncio.gather(*map(decode, streams, prompts))
    if any(len(stream.arrivals) < 2 for stream in streams):
        raise UsageError(f"The KV cache had no room for {len(streams)} replies side by side.")
    looked_back = [
        len(prompt) + (stream.arrivals[0][1] + stream.arrivals[-1][1]) / 2
        for stream, prompt in zip(streams, prompts, strict=True)
    ]
    return Decoded(
        tokens_per_second=sum(stream.rate for stream in streams),
        context=sum(looked_back) / len(looked_back),
        first_seconds=tuple(stream.first or 0.0 for stream in streams),
        gap_seconds=tuple(gap for stream in streams for gap in gaps(stream.arrivals)),
    )


async def _until_idle(engine: Engine) -> None:
    """What was cancelled runs to the end of its step."""
    while (load := engine.load()).running or load.waiting:
        await asyncio.sleep(_POLL_SECONDS)
