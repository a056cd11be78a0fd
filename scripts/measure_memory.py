"""Run a command and tell how much memory it and what it starts took at most, and for how long.

    python scripts/measure_memory.py glmscope convert SOURCE TARGET --weights int4

Resident memory counts what several processes share by parts (Pss of /proc/PID/smaps_rollup, so
Linux alone), mapped files included; private memory is what no file stands behind (Pss_Anon), which
cannot be given back under pressure. Peaks are those of samples: a shorter one is missed.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path

import psutil

from glmscope.bench.memory import Memory


def shared_by_parts(process: int) -> Memory:
    """What one process takes; nothing when it has gone."""
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()[1:]
    except (FileNotFoundError, ProcessLookupError):
        return Memory()
    kilobytes = {name: int(value) for name, value, *_ in map(str.split, lines)}
    resident, private = 1024 * kilobytes["Pss:"], 1024 * kilobytes["Pss_Anon:"]
    return Memory(resident, private, resident - private)


def sample(command: psutil.Popen) -> Memory:
    """What the command takes now, with all that it started."""
    try:
        family = [command, *command.children(recursive=True)]
    except psutil.NoSuchProcess:
        return Memory()
    taken = Memory()
    for process in family:
        taken.add(shared_by_parts(process.pid))
    return taken


def main() -> int:
    """Run the command, print its peaks to standard error, and end with its status."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--every", type=float, default=0.05, help="seconds between two samples")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    if not options.command:
        parser.error("name the command to run")
    peak = Memory()
    started = time.perf_counter()
    with psutil.Popen(options.command) as command:
        while command.poll() is None:
            peak.rise_to(sample(command))
            try:
                command.wait(options.every)
            except (psutil.TimeoutExpired, subprocess.TimeoutExpired):
                continue
    print(
        f"{time.perf_counter() - started:.1f} s, at most {peak.resident / 1e9:.3f} GB resident, "
        f"{peak.private / 1e9:.3f} GB private",
        file=sys.stderr,
    )
    return int(command.returncode)


if __name__ == "__main__":
    sys.exit(main())
