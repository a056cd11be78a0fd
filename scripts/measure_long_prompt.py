"""How long replies wait for their tokens while a long prompt is read beside them.

    python scripts/synthetic_checkpoint.py slice --variant chatglm3-6b-32k --layers 2 \\
        --tokenizer tokenizer.model
    glmscope convert slice slice-int4 --weights int4
    python scripts/measure_long_prompt.py slice-int4 --prompt 32000 --streams 8

Streams decode; then one more request comes with a long prompt, in the engine that serves, with its
prefix cache. Printed are the times between tokens of the streams before and meanwhile, when the
reply to the long prompt began, and how much private memory grew. A prompt is also read with nobody
beside it.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import time
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path

from glmscope.bench.memory import PeakMemory, memory_now
from glmscope.bench.percentiles import percentile
from glmscope.cli.vocabulary import vocabulary_of
from glmscope.engine.engine import Sampling
from glmscope.engine.openvino import OpenVINOEngine
from glmscope.model.manifest import TOKENIZER_FILE, read_manifest
from glmscope.text.tokenizer import Tokenizer

_STEADY_TOKENS = 16


@dataclass
class Stream:
    """When the tokens of one reply came."""

    moments: list[float] = field(default_factory=list)

    def gaps(self, since: float, until: float) -> list[float]:
        """Seconds between tokens of which the later one came then."""
        pairs = zip(self.moments, self.moments[1:], strict=False)
        return [later - at for at, later in pairs if since < later <= until]


class Measurement:
    """One engine and prompts that nobody has read."""

    def __init__(self, directory: Path) -> None:
        family = read_manifest(directory).family
        self.tokenizer = Tokenizer((directory / TOKENIZER_FILE).read_bytes(), family)
        self.engine = OpenVINOEngine.open(
            directory, vocabulary=vocabulary_of(self.tokenizer), prefix_cache=None
        )
        self.random = random.Random(0)  # noqa: S311

    def prompt(self, tokens: int) -> list[int]:
        """Random ids behind the two that every prompt begins with."""
        special = self.tokenizer.special
        highest = self.tokenizer.piece_count - 1
        body = [self.random.randint(100, highest) for _ in range(tokens - 2)]
        return [special.gmask, special.sop, *body]

    async def decode(self, stream: Stream) -> None:
        """Until cancelled."""
        sampling = Sampling(self.engine.max_positions - 64, temperature=0.0)
        async with aclosing(self.engine.generate(self.prompt(16), sampling)) as steps:
            async for _ in steps:
                stream.moments.append(time.perf_counter())

    async def read(self, tokens: int) -> float:
        """Seconds to the first token after a prompt."""
        started = time.perf_counter()
        sampling = Sampling(1, temperature=0.0)
        async with aclosing(self.engine.generate(self.prompt(tokens), sampling)) as steps:
            async for _ in steps:
                break
        return time.perf_counter() - started

    async def run(self, tokens: int, count: int) -> None:
        """Measure and print."""
        streams = [Stream() for _ in range(count)]
        tasks = [asyncio.create_task(self.decode(stream)) for stream in streams]
        while any(len(stream.moments) < _STEADY_TOKENS for stream in streams):
            await asyncio.sleep(0.05)
        begun, before = time.perf_counter(), memory_now()
        with PeakMemory() as watch:
            seconds = await self.read(tokens)
        ended = time.perf_counter()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        steady = max(stream.moments[1] for stream in streams)
        alone = [gap for stream in streams for gap in stream.gaps(steady, begun)]
        beside = [gap for stream in streams for gap in stream.gaps(begun, ended)]
        print_gaps(f"{count} streams alone", alone)
        print_gaps(f"beside a prompt of {tokens}", beside)
        ratio = sum(beside) / len(beside) / (sum(alone) / len(alone))
        print(f"{ratio:.2f} times as long on average; the reply to it began after {seconds:.1f} s")
        if before is not None and watch.peak is not None:
            grown = watch.peak.private - before.private
            print(f"private memory grew by {grown / 2**20:.0f} MiB while it was read")


def print_gaps(name: str, gaps: list[float]) -> None:
    """A line."""
    middle, late = percentile(gaps, 50), percentile(gaps, 95)
    mean = sum(gaps) / len(gaps)
    print(
        f"{name:32} between tokens: mean {mean * 1e3:.0f} ms, median {middle * 1e3:.0f}, "
        f"95th percentile {late * 1e3:.0f}, longest {max(gaps) * 1e3:.0f}",
        flush=True,
    )


async def measure(options: argparse.Namespace) -> None:
    """Alone first, then beside the streams."""
    measurement = Measurement(options.converted)
    try:
        await measurement.read(64)
        if not options.beside_only:
            seconds = await measurement.read(options.prompt)
            print(f"a prompt of {options.prompt} alone: {seconds:.1f} s", flush=True)
        await measurement.run(options.prompt, options.streams)
    finally:
        await measurement.engine.close()


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("converted", type=Path)
    parser.add_argument("--prompt", type=int, default=8192)
    parser.add_argument("--streams", type=int, default=8)
    parser.add_argument("--beside-only", action="store_true", help="not alone first")
    asyncio.run(measure(parser.parse_args()))


if __name__ == "__main__":
    main()
