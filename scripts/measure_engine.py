"""Time a converted model in the serving engine: loading, memory, prefill, decoding.

    python scripts/measure_engine.py CONVERTED [CONVERTED …] --rounds 3

Several models take turns, and the best round of each is printed: what else the machine does can
only slow a round down. Decoding is printed with the bytes that a step reads, GB/s, and the share of
the read bandwidth that this machine showed in the same run.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psutil

from glmscope.engine.engine import Sampling
from glmscope.engine.openvino import OpenVINOEngine
from glmscope.model.manifest import WEIGHTS_FILE


@dataclass
class Best:
    """The best of every round: tokens/s by what was done."""

    speeds: dict[str, float] = field(default_factory=dict)

    def see(self, name: str, speed: float) -> None:
        """Keep `speed` if it is the best so far."""
        self.speeds[name] = max(speed, self.speeds.get(name, 0.0))


def read_bandwidth() -> float:
    """Bytes/s that all cores together read from memory: the best of ten passes over 1 GiB."""
    cores = os.cpu_count() or 1
    blocks = np.array_split(np.ones(2**27, np.int64), cores)
    best = 0.0
    with ThreadPoolExecutor(cores) as pool:
        for _ in range(10):
            started = time.perf_counter()
            list(pool.map(np.max, blocks))
            best = max(best, 2**30 / (time.perf_counter() - started))
    return best


async def generate(engine: OpenVINOEngine, prompt: list[int], new: int) -> list[float]:
    """Times of arrival of each step, from the request on."""
    started = time.perf_counter()
    sampling = Sampling(new, temperature=0.0)
    return [time.perf_counter() - started async for _ in engine.generate(prompt, sampling)]


def random_prompt(engine: OpenVINOEngine, length: int) -> list[int]:
    """Ids that no other prompt begins with."""
    highest = engine.manifest.config.padded_vocab_size - 1
    return [random.randint(100, highest) for _ in range(length)]  # noqa: S311


async def measure(engine: OpenVINOEngine, best: Best, prefill: int, streams: list[int]) -> None:
    """One round."""
    times = await generate(engine, random_prompt(engine, prefill), 1)
    best.see(f"prefill {prefill}", prefill / times[0])
    for count in streams:
        runs = [generate(engine, random_prompt(engine, 8), 16) for _ in range(count)]
        arrivals = await asyncio.gather(*runs)
        # From the third step on every stream is decoding.
        rates = [(len(times) - 3) / (times[-1] - times[2]) for times in arrivals]
        best.see(f"decode x{count}", sum(rates))


def memory() -> str:
    """Resident memory of this process, and the part of it that is no mapped file."""
    info = psutil.Process().memory_info()
    return f"{info.rss / 1e9:.2f} GB resident, {(info.rss - info.shared) / 1e9:.2f} GB private"


def step_bytes(directory: Path, engine: OpenVINOEngine) -> float:
    """Weight bytes that one decoding step reads: all but the embedding, which is looked up."""
    config = engine.manifest.config
    bits = {"fp32": 32, "fp16": 16}.get(engine.manifest.weights, 8)
    if engine.manifest.weights.startswith("official"):
        bits = 16
    embedding = config.padded_vocab_size * config.hidden_size * bits / 8
    return (directory / WEIGHTS_FILE).stat().st_size - embedding


def main() -> None:
    """Read the command line, measure, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("models", type=Path, nargs="+", metavar="CONVERTED")
    parser.add_argument("--prefill", type=int, default=512)
    parser.add_argument("--streams", type=int, nargs="+", default=[1, 4, 8])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--exact", action="store_true", help="float32 arithmetic throughout")
    options = parser.parse_args()
    engines: dict[Path, OpenVINOEngine] = {}
    for directory in options.models:
        started = time.perf_counter()
        engine = OpenVINOEngine.open(directory, fast=not options.exact)
        opened = time.perf_counter() - started
        # Weights are repacked when they are first used.
        asyncio.run(generate(engine, random_prompt(engine, 8), 1))
        answered = time.perf_counter() - started
        print(f"{directory.name}: open after {opened:.1f} s, first token after {answered:.1f} s")
        engines[directory] = engine
    print(memory())
    bandwidth = 0.0
    results = {directory: Best() for directory in engines}

    async def run() -> None:
        nonlocal bandwidth
        for _ in range(options.rounds):
            bandwidth = max(bandwidth, read_bandwidth())
            for directory, engine in engines.items():
                await measure(engine, results[directory], options.prefill, options.streams)
        for engine in engines.values():
            await engine.close()

    asyncio.run(run())
    print(f"this machine reads {bandwidth / 1e9:.1f} GB/s with {os.cpu_count()} cores")
    for directory, best in results.items():
        read = step_bytes(directory, engines[directory])
        for name, speed in best.speeds.items():
            line = f"{directory.name}: {name:<12} {speed:7.2f} tok/s"
            if name == "decode x1":
                share = read * speed / bandwidth
                line += f", {read / 1e9:.2f} GB a step, {read * speed / 1e9:.1f} GB/s, {share:.0%}"
            print(line)
    print(memory())


if __name__ == "__main__":
    main()
