"""Time weight layouts and runtime settings of the 6B shape against each other, in one run.

    python scripts/measure_weight_layouts.py --layouts 4:128/8 4:64/8 --settings fast bf16

A layout is BITS:GROUP/VOCABULARY_BITS: layer matrices in BITS with a scale per GROUP columns
(`row`: one per row), embedding and output in VOCABULARY_BITS by row (`4` there: by GROUP). A few
layers of the true shape with random integers stand for the whole network; the variants take
turns, round after round, and the best of each is printed, as a ratio to the first: what else the
machine does can only slow a round down. A setting is a name and any properties of the runtime:
`serving,KV_CACHE_PRECISION=u4`.

To compare graphs, let another version of this repository write its own (`--write DIR`) and name
the directory: `--models DIR` is timed before all layouts.
"""

from __future__ import annotations

import argparse
import itertools
import shutil
import statistics
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
import openvino_genai as genai

from glmscope.engine.pipeline import CHUNK_TOKENS, PipelineSettings
from glmscope.family import Family
from glmscope.model.config import ModelConfig
from glmscope.model.graph import build_graph
from glmscope.model.layout import expected_tensors
from glmscope.model.weights import QuantizedMatrix

SETTINGS: dict[str, dict[str, str]] = {
    "serving": PipelineSettings(cache_tokens=0, fast=True).properties(),
    "default": {},
    "fast": {"DYNAMIC_QUANTIZATION_GROUP_SIZE": "128"},
    "f32": {"INFERENCE_PRECISION_HINT": "f32"},
    "f32-fast": {"INFERENCE_PRECISION_HINT": "f32", "DYNAMIC_QUANTIZATION_GROUP_SIZE": "128"},
    "f32-exact": {"INFERENCE_PRECISION_HINT": "f32", "DYNAMIC_QUANTIZATION_GROUP_SIZE": "0"},
    "bf16": {"INFERENCE_PRECISION_HINT": "bf16"},
    "bf16-fast": {"INFERENCE_PRECISION_HINT": "bf16", "DYNAMIC_QUANTIZATION_GROUP_SIZE": "128"},
    "bf16-exact": {"INFERENCE_PRECISION_HINT": "bf16", "DYNAMIC_QUANTIZATION_GROUP_SIZE": "0"},
}


@dataclass
class RandomWeights:
    """Weights of the 6B shape: random integers, norms of one, no bias."""

    shapes: dict[str, tuple[int, ...]]
    layout: str
    kept: list[QuantizedMatrix] = field(default_factory=list)

    def vector(self, name: str) -> np.ndarray[Any, Any]:
        """Norm weights of one, biases of zero."""
        return np.full(self.shapes[name], "norm" in name, np.float32)

    def matrix(self, name: str) -> QuantizedMatrix:
        """Random integers in the layout that the name calls for."""
        rows, columns = self.shapes[name]
        body, vocabulary = self.layout.split("/")
        bits, group = body.split(":")
        if ".layers." not in name:
            bits, group = vocabulary, group if vocabulary == "4" else "row"
        size = columns if group == "row" else int(group)
        while columns % size:  # as conversion does
            size //= 2
        rng = np.random.default_rng(len(self.kept))
        if bits == "4":
            packed = rng.integers(0, 256, (rows, columns // 2), np.uint8)
            matrix = QuantizedMatrix(packed, _scales(rows, columns // size, 0.002), 4)
        else:
            packed = rng.integers(-128, 128, (rows, columns), np.int8)
            matrix = QuantizedMatrix(packed, _scales(rows, columns // size, 0.0001), 8)
        self.kept.append(matrix)
        return matrix


def _scales(rows: int, groups: int, value: float) -> np.ndarray[Any, Any]:
    return np.full((rows, groups), value, np.float16)


def write_model(directory: Path, layout: str, layers: int, grouped: bool = True) -> None:
    """Write a model of `layers` layers of the 6B shape.

    Without `grouped` every query head has a key and a value head of its own.
    """
    config = ModelConfig(
        family=Family.CHATGLM3,
        num_layers=layers,
        multi_query_attention=grouped,
        multi_query_group_num=2,
        add_qkv_bias=True,
        seq_length=8192,
    )
    shapes = {name: spec.shape for name, spec in expected_tensors(config).items()}
    weights = RandomWeights(shapes, layout)
    directory.mkdir(parents=True)
    ov.serialize(build_graph(config, weights), directory / "openvino_model.xml")


def measure(
    directory: Path, properties: dict[str, str], prompt: int, streams: list[int], batch: int
) -> list[float]:
    """Prefill tokens/s of one prompt, then decoded tokens/s for each number of streams."""
    scheduler = genai.SchedulerConfig()
    scheduler.cache_size = 1
    scheduler.max_num_batched_tokens = batch
    pipeline = genai.ContinuousBatchingPipeline(str(directory), scheduler, "CPU", properties)
    rng = np.random.default_rng(0)

    def run(length: int, new: int, count: int) -> list[float]:
        config = genai.GenerationConfig()
        config.max_new_tokens = new
        config.ignore_eos = True
        config.set_eos_token_id(2)
        handles = [
            pipeline.add_request(i, ov.Tensor(rng.integers(100, 60000, (1, length))), config)
            for i in range(count)
        ]
        seconds = []
        while pipeline.has_non_finished_requests():
            started = time.perf_counter()
            pipeline.step()
            seconds.append(time.perf_counter() - started)
        del handles
        return seconds

    run(32, 4, 1)
    speeds = [prompt / sum(run(prompt, 1, 1))]
    speeds += [count / statistics.median(run(16, 16, count)[2:]) for count in streams]
    return speeds


def properties(setting: str) -> dict[str, str]:
    """Those that `NAME,KEY=VALUE,…` stands for; raises KeyError for an unknown name."""
    name, *more = setting.split(",")
    return SETTINGS[name] | dict(each.split("=", 1) for each in more)


def main() -> None:
    """Read the command line, measure, print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--layouts", nargs="+", default=["4:128/8"])
    parser.add_argument("--settings", nargs="+", default=["serving"], metavar="NAME[,KEY=VALUE]")
    parser.add_argument("--batches", nargs="+", type=int, default=[CHUNK_TOKENS])
    parser.add_argument("--models", nargs="+", type=Path, default=[], metavar="DIR")
    parser.add_argument("--write", type=Path, metavar="DIR", help="the first layout; then end")
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--prompt", type=int, default=512)
    parser.add_argument("--streams", nargs="+", type=int, default=[1, 4, 8])
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    if any(setting.split(",")[0] not in SETTINGS for setting in options.settings):
        parser.error(f"settings begin with one of {', '.join(SETTINGS)}")
    if options.write is not None:
        write_model(options.write, options.layouts[0], options.layers)
        return
    scratch = Path(tempfile.mkdtemp(prefix="layouts-"))
    try:
        models = {directory.name: directory for directory in options.models}
        for layout in options.layouts:
            models[layout] = scratch / layout.replace("/", "-")
            write_model(models[layout], layout, options.layers)
        print_table(options, models)
    finally:
        shutil.rmtree(scratch)


def print_table(options: argparse.Namespace, models: dict[str, Path]) -> None:
    """Measure every combination in turn; the best round of each counts."""
    variants = list(itertools.product(models, options.settings, options.batches))
    best: dict[tuple[str, str, int], list[float]] = {}
    for _ in range(options.rounds):
        for variant in variants:
            model, setting, batch = variant
            speeds = measure(
                models[model], properties(setting), options.prompt, options.streams, batch
            )
            best[variant] = list(map(max, speeds, best.get(variant, speeds)))
    columns = [f"prefill {options.prompt}", *(f"decode x{n}" for n in options.streams)]
    print(f"{options.layers} layers; tok/s (ratio to the first)")
    width = 1 + max(len(setting) for setting in options.settings)
    print(f"{'model':<12}{'settings':<{width}}{'batch':>6}", *(f"{c:>18}" for c in columns))
    first = best[variants[0]]
    for (model, setting, batch), speeds in best.items():
        cells = [f"{m:8.1f} ({m / f:4.2f}x)" for m, f in zip(speeds, first, strict=True)]
        row = f"{model:<12}{setting:<{width}}{batch:>6}"
        print(row, *(f"{c:>18}" for c in cells), flush=True)


if __name__ == "__main__":
    main()
