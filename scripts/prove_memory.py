"""Serve a model within a given memory, fill it, and tell what the server took at most.

    python scripts/prove_memory.py chatglm3-6b-int4 --memory 6GB --streams 16 --prompt 512
    python scripts/prove_memory.py chatglm3-6b-32k-int4 --memory 6GB --streams 1 --prompt 27900

`glmscope serve --memory` is started, where that is possible (Linux, as root) in a control group of
its own whose limit is the promise, so that a server that breaks it is killed. All streams are asked
at once. Private memory is what no file stands behind; both peaks are the kernel's or of samples.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import re
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from glmscope.bench.memory import Memory
from glmscope.cli.memory_size import parse_memory

LOWEST_ID = 100
"""Below are ids that end or pad; the last tenth may be without a text."""

_EVERY_SECONDS = 0.05


@dataclass(frozen=True)
class Group:
    """A memory control group of either version."""

    directory: Path
    limit: str
    peak: str

    def number(self, name: str) -> int:
        """What one of its files says."""
        return int((self.directory / name).read_text())


@contextlib.contextmanager
def control_group(limit: int) -> Iterator[Group | None]:
    """A group of that many bytes; None where none can be made."""
    name = f"glmscope-{os.getpid()}"
    for group in (
        Group(
            Path("/sys/fs/cgroup/memory") / name,
            "memory.limit_in_bytes",
            "memory.max_usage_in_bytes",
        ),
        Group(Path("/sys/fs/cgroup") / name, "memory.max", "memory.peak"),
    ):
        try:
            group.directory.mkdir()
            (group.directory / group.limit).write_text(str(limit))
        except OSError:
            with contextlib.suppress(OSError):
                group.directory.rmdir()
            continue
        try:
            yield group
        finally:
            group.directory.rmdir()
        return
    yield None


class Watch:
    """The most that a process took, private and mapped, from samples; resident from the kernel."""

    def __init__(self, process: int) -> None:
        self._status = Path(f"/proc/{process}/status")
        self.peak = Memory()
        threading.Thread(target=self._run, daemon=True).start()

    def now(self) -> Memory:
        """As it is. The resident part is the highest that the kernel saw."""
        fields = dict(line.split(":", 1) for line in self._status.read_text().splitlines())
        kilobytes = {name: int(fields[name].split()[0]) for name in ("VmHWM", "RssAnon", "RssFile")}
        return Memory(*(1024 * kilobytes[name] for name in ("VmHWM", "RssAnon", "RssFile")))

    def _run(self) -> None:
        with contextlib.suppress(OSError, KeyError):  # the process has ended
            while True:
                self.peak.rise_to(self.now())
                time.sleep(_EVERY_SECONDS)


def ask(url: str, ids: list[int], new: int) -> int:
    """Read one prompt and generate `new` tokens; returns how many came."""
    body = {"model": "model", "prompt": ids, "max_tokens": new, "temperature": 0}
    request = urllib.request.Request(  # noqa: S310 (our own server)
        url, json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request) as response:  # noqa: S310
        return int(json.load(response)["usage"]["completion_tokens"])


def random_prompts(options: argparse.Namespace) -> list[list[int]]:
    """Ids with texts, different in every stream."""
    config = json.loads(Path(options.model, "config.json").read_text())
    highest = config["padded_vocab_size"] * 9 // 10
    drawn = random.Random(0)  # noqa: S311
    return [
        [drawn.randint(LOWEST_ID, highest) for _ in range(options.prompt)]
        for _ in range(options.streams)
    ]


def main() -> int:
    """Serve, ask, and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("model")
    parser.add_argument("--memory", type=parse_memory, default="6GB")
    parser.add_argument("--streams", type=int, default=16)
    parser.add_argument("--prompt", type=int, default=512, help="tokens of each prompt")
    parser.add_argument("--settle", type=float, default=0.0, help="seconds before it is asked")
    parser.add_argument("--new", type=int, default=32, help="tokens of each reply")
    options = parser.parse_args()
    with control_group(options.memory) as group:
        limit = "a control group of that size" if group else "no control group"
        print(f"{options.model} within {options.memory / 1e9:.2f} GB, {limit}", flush=True)
        return prove(options, group)


def prove(options: argparse.Namespace, group: Group | None) -> int:
    """The run itself; 1 where the server took more than it promised."""
    join = f"echo $$ > {group.directory}/cgroup.procs && " if group else ""
    serve = (
        f"exec {sys.executable} -m glmscope.cli serve --model model={options.model} "
        f"--memory {options.memory / 1e9:.3f}GB --no-auth --port 0"
    )
    started = time.perf_counter()
    with subprocess.Popen(
        ["/bin/sh", "-c", join + serve],
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        try:
            watch = Watch(server.pid)
            url = ""
            for line in server.stdout or ():
                print(f"    {line}", end="", flush=True)
                if found := re.match(r"export DASHSCOPE_HTTP_BASE_URL=(\S+)/api/v1", line):
                    url = f"{found[1]}/v1/completions"
                    break
            if not url:
                return 1
            tell("loaded", time.perf_counter() - started, watch)
            threading.Thread(target=show, args=(server.stdout,), daemon=True).start()
            time.sleep(options.settle)
            started = time.perf_counter()
            with ThreadPoolExecutor(options.streams) as pool:
                prompts = random_prompts(options)
                made = sum(pool.map(lambda ids: ask(url, ids, options.new), prompts))
            tell(
                f"{options.streams} × ({options.prompt} + {options.new}), {made} tokens made",
                time.perf_counter() - started,
                watch,
            )
            kept = watch.now().resident <= options.memory
        finally:
            server.terminate()
    if group is not None:
        print(f"control group: {group.number(group.peak) / 1e9:.2f} GB at most, file cache and all")
    print("The promise was kept." if kept else "The promise was broken.")
    return 0 if kept else 1


def show(lines: Iterable[str]) -> None:
    """Print what a server goes on to say."""
    for line in lines:
        print(f"    {line}", end="", flush=True)


def tell(what: str, seconds: float, watch: Watch) -> None:
    """One line of what was taken until now."""
    peak = watch.now()
    peak.rise_to(watch.peak)
    print(
        f"{what}: {seconds:.1f} s; at most {peak.resident / 1e9:.2f} GB resident, "
        f"{peak.private / 1e9:.2f} GB private, {peak.mapped / 1e9:.2f} GB mapped",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
