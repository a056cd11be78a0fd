"""Time a converted model here and a GGUF of the same shape under llama.cpp, in turn.

    python bench/compare_llama_cpp.py chatglm3-6b-int4 chatglm3-6b-q4_0.gguf --rounds 3

A round loads and times theirs, then loads and times ours, on the same number of threads; the best
of each counts, so that ratios come from one run. Streams are ours alone: their ratio is to the one
stream of llama.cpp. llama.cpp is the program `llama-bench` (on the PATH, or --llama-bench), or
else the package llama-cpp-python; with neither this says so and ends with status 2.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from glmscope.bench.machine import Gauge, Machine
from glmscope.bench.report import Row, keep_best
from glmscope.bench.run import Subject, measure
from glmscope.bench.sizes import Sizes
from glmscope.engine.openvino import OpenVINOEngine
from glmscope.errors import GLMScopeError, ServiceError, UsageError

CONTEXT = 8
"""Tokens in front of what is decoded; llama-bench has none."""
_BATCH = 512  # llama.cpp's own default of tokens that it reads at once

Speeds = dict[str, float]
"""Tokens a second, by the name of the row: "prefill 512", "decode ×1"."""


def main() -> int:
    """Read the command line, measure, print; returns the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("converted", type=Path, help="directory that glmscope convert made")
    parser.add_argument("gguf", type=Path, help="the same shape for llama.cpp")
    parser.add_argument("--prefill", type=int, nargs="+", default=[512])
    parser.add_argument("--streams", type=int, nargs="+", default=[1, 8])
    parser.add_argument("--new", type=int, default=32, help="tokens decoded while timed")
    parser.add_argument("--rounds", type=int, default=3, choices=range(1, 100), metavar="N")
    parser.add_argument("--threads", type=int, help="of each [default: all cores]")
    parser.add_argument("--llama-bench", metavar="PROGRAM", default="llama-bench")
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    try:
        result = compare(options)
    except GLMScopeError as error:
        print(error.message, file=sys.stderr)
        return 2 if isinstance(error, UsageError) else 1
    print_result(result)
    if options.json is not None:
        options.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return 0


def compare(options: argparse.Namespace) -> dict[str, Any]:
    """Everything that was measured, as JSON values. Raises UsageError without llama.cpp."""
    if not options.gguf.is_file():
        raise UsageError(f"{options.gguf} is not a file.")
    gauge = Gauge()
    threads = options.threads or gauge.machine.cores
    theirs = llama_cpp(options, threads)
    sizes = Sizes(tuple(options.prefill), tuple(options.streams), CONTEXT, options.new)
    ours = Subject(
        options.converted.name, lambda: OpenVINOEngine.open(options.converted, threads=threads)
    )
    rows: dict[str, Row] = {}
    speeds: Speeds = {}
    for _ in range(options.rounds):
        for name, speed in theirs().items():
            speeds[name] = max(speed, speeds.get(name, 0.0))
        report = measure([ours], sizes, 1, gauge)
        for row in report.networks[0].rows:
            keep_best(rows, row)
    return {
        "machine": gauge.machine.as_json(),
        "threads": threads,
        "gguf_bytes": options.gguf.stat().st_size,
        "left_out": report.networks[0].left_out,
        "rows": _compared(gauge.machine, rows, speeds),
    }


def _compared(machine: Machine, rows: Mapping[str, Row], speeds: Speeds) -> list[dict[str, Any]]:
    compared = []
    for row in rows.values():
        speed = speeds[row.name if row.kind == "prefill" else "decode ×1"]
        ratio = row.tokens_per_second / speed
        compared.append(
            {"name": row.name, "llama_cpp": speed, "ratio": ratio} | row.as_json(machine)
        )
    return compared


def print_result(result: Mapping[str, Any]) -> None:
    """A line a row."""
    machine = result["machine"]
    print(
        f"{result['threads']} threads; this machine reads "
        f"{machine['bytes_per_second'] / 1e9:.1f} GB/s and does "
        f"{machine['int8_per_second'] / 1e9:.0f} int8 GOP/s"
    )
    print(f"{'':14}{'ours':>10}{'llama.cpp':>12}{'ratio':>9}   of memory   of int8")
    for row in result["rows"]:
        print(
            f"{row['name']:14}{row['tokens_per_second']:10.2f}{row['llama_cpp']:12.2f}"
            f"{row['ratio']:8.2f}x{row['bandwidth_share']:12.0%}{row['int8_share']:10.0%}"
        )
    for sentence in result["left_out"]:
        print(sentence)


def llama_cpp(options: argparse.Namespace, threads: int) -> Callable[[], Speeds]:
    """One round of llama.cpp, whichever is installed. Raises UsageError when nothing is."""
    program = shutil.which(options.llama_bench)
    if program is not None:
        return lambda: run_llama_bench(program, options, threads)
    if importlib.util.find_spec("llama_cpp") is not None:
        return lambda: run_bindings(options, threads)
    raise UsageError(
        "llama.cpp is not installed: put its llama-bench on the PATH, name it with --llama-bench, "
        "or install llama-cpp-python."
    )


def run_llama_bench(program: str, options: argparse.Namespace, threads: int) -> Speeds:
    """Raises ServiceError when it fails or prints something else than its JSON."""
    prompts = ",".join(map(str, options.prefill))
    arguments = ["-m", str(options.gguf), "-p", prompts, "-n", str(options.new)]
    arguments += ["-t", str(threads), "-ngl", "0", "-r", "1", "-o", "json"]
    done = subprocess.run([program, *arguments], capture_output=True, encoding="utf-8", check=False)
    try:
        if done.returncode:
            raise ValueError(done.stderr.strip().rpartition("\n")[2])
        return {
            f"prefill {row['n_prompt']}" if row["n_prompt"] else "decode ×1": float(row["avg_ts"])
            for row in json.loads(done.stdout)
        }
    except (ValueError, KeyError, TypeError) as error:
        raise ServiceError(f"{program} did not measure {options.gguf}: {error}.") from None


def run_bindings(options: argparse.Namespace, threads: int) -> Speeds:
    """Through llama-cpp-python."""
    from llama_cpp import Llama

    longest = max([*options.prefill, CONTEXT + options.new])
    network = Llama(
        str(options.gguf),
        n_ctx=longest + 1,
        n_batch=_BATCH,
        n_threads=threads,
        n_threads_batch=threads,
        verbose=False,
    )
    ids = [100 + number % 1000 for number in range(longest)]
    network.eval(ids[:CONTEXT])  # weights are mapped at the first use
    speeds = {}
    for tokens in options.prefill:
        network.reset()
        started = time.perf_counter()
        network.eval(ids[:tokens])
        speeds[f"prefill {tokens}"] = tokens / (time.perf_counter() - started)
    network.reset()
    network.eval(ids[:CONTEXT])
    started = time.perf_counter()
    for each in ids[: options.new]:
        network.eval([each])
    speeds["decode ×1"] = options.new / (time.perf_counter() - started)
    return speeds


if __name__ == "__main__":
    sys.exit(main())
