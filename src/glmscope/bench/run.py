"""Rounds over networks on this machine: load each, then measure all in turn, and keep the best.

What else the machine does can only slow a round down, so the best of several is nearest to what
the network and the machine can do, and ratios come from one run.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from glmscope.bench.machine import Gauge
from glmscope.bench.memory import PeakMemory
from glmscope.bench.report import NetworkReport, Report, Row, keep_best
from glmscope.bench.sizes import Sizes, fitting
from glmscope.bench.timing import time_decode, time_prefill
from glmscope.bench.work import NetworkWork
from glmscope.engine.openvino import OpenVINOEngine
from glmscope.engine.pipeline import CHUNK_TOKENS

_LOWEST_ID = 100
"""Below are ids that end or pad."""


@dataclass(frozen=True)
class Subject:
    """A network by its name, and what loads it."""

    name: str
    load: Callable[[], OpenVINOEngine]


def measure(
    subjects: Sequence[Subject],
    sizes: Sizes,
    rounds: int,
    gauge: Gauge,
    tell: Callable[[str], None] = lambda _: None,
) -> Report:
    """Load the subjects and measure them; `tell` gets a line about how things go.

    Raises as loading and the engines do.
    """
    watch = PeakMemory()
    with watch:
        networks = [_Network.load(subject, sizes) for subject in subjects]
    asyncio.run(_rounds(networks, rounds, gauge, watch, tell))
    return Report(gauge.machine, [each.report() for each in networks], watch.peak, rounds, sizes)


async def _rounds(
    networks: Sequence[_Network],
    rounds: int,
    gauge: Gauge,
    watch: PeakMemory,
    tell: Callable[[str], None],
) -> None:
    try:
        for number in range(rounds):
            turn = f"Round {number + 1} of {rounds}"
            tell(f"{turn}: what the machine can do")
            gauge.measure()
            with watch:
                for network in networks:
                    tell(f"{turn}: {network.name}")
                    await network.measure()
    finally:
        for network in networks:
            await network.engine.close()


@dataclass
class _Network:
    """A loaded network, and the best that was seen of it."""

    name: str
    engine: OpenVINOEngine
    load_seconds: float
    sizes: Sizes
    left_out: list[str]
    best: dict[str, Row] = field(default_factory=dict)
    random: random.Random = field(default_factory=lambda: random.Random(0))  # noqa: S311

    @classmethod
    def load(cls, subject: Subject, wanted: Sizes) -> _Network:
        started = time.perf_counter()
        engine = subject.load()
        seconds = time.perf_counter() - started
        sizes, left_out = fitting(wanted, engine.max_positions, engine.cached_tokens)
        return cls(subject.name, engine, seconds, sizes, left_out)

    async def measure(self) -> None:
        """One round."""
        engine, sizes = self.engine, self.sizes
        work = NetworkWork.of(engine.manifest, engine.kv_bytes_per_token)
        virtual = engine.manifest.prefix_length
        for tokens in sizes.prefill:
            seconds = await time_prefill(engine, self._prompt(tokens))
            done = work.prefill(virtual + tokens, CHUNK_TOKENS)
            keep_best(self.best, Row.of_prefill(tokens, seconds, done))
        for streams in sizes.streams:
            prompts = [self._prompt(sizes.context) for _ in range(streams)]
            decoded = await time_decode(engine, prompts, sizes.new)
            done = work.step(streams, virtual + decoded.context)
            keep_best(self.best, Row.of_decode(decoded, done))

    def report(self) -> NetworkReport:
        """What has been seen."""
        manifest = self.engine.manifest
        rows = list(self.best.values())
        return NetworkReport(self.name, manifest.weights, self.load_seconds, rows, self.left_out)

    def _prompt(self, tokens: int) -> list[int]:
        """Ids that no other prompt begins with, so that no cache knows them."""
        highest = self.engine.manifest.config.padded_vocab_size - 1
        return [self.random.randint(min(_LOWEST_ID, highest), highest) for _ in range(tokens)]
