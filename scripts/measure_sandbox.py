"""How long sandboxes take to start, to run a cell and to end."""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Awaitable
from statistics import median

from glmscope.agent.sandbox import DEFAULT_PACKAGES, Sandbox, importable

PLOT = "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()"


async def seconds(action: Awaitable[object]) -> float:
    """How long it takes."""
    begun = time.perf_counter()
    await action
    return time.perf_counter() - begun


async def measure(packages: tuple[str, ...], rounds: int) -> dict[str, float]:
    """Median seconds of every step, over `rounds` sandboxes one after the other."""
    found = importable(packages)
    steps: dict[str, list[float]] = {}
    for _ in range(rounds):
        begun = time.perf_counter()
        sandbox = await Sandbox.open(packages=found)
        steps.setdefault("start", []).append(time.perf_counter() - begun)
        steps.setdefault("cell", []).append(await seconds(sandbox.run("1 + 1")))
        if found:
            steps.setdefault("plot", []).append(await seconds(sandbox.run(PLOT)))
        steps.setdefault("end", []).append(await seconds(sandbox.close()))
    return {name: median(values) for name, values in steps.items()}


def main() -> None:
    """Measure with and without the libraries, and print both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    rounds = parser.parse_args().rounds
    for label, packages in (("Python alone", ()), ("with libraries", DEFAULT_PACKAGES)):
        steps = asyncio.run(measure(packages, rounds))
        print(label + ":", ", ".join(f"{name} {s * 1000:.1f} ms" for name, s in steps.items()))


if __name__ == "__main__":
    main()
