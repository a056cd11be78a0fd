"""Time weight layouts and runtime settings of the 6B shape against each other, in one run.

    python scripts/measure_weight_layouts.py --layouts 4:128/8 4:64/8 --settings fast bf16

A layout is BITS:GROUP/VOCABULARY_BITS: layer matrices in BITS with a scale per GROUP columns
(`row`: one per row), embedding and output in VOCABULARY_BITS by row (`4` there: by GROUP). A few
layers of the true shape with random integers stand for the whole network; the variants take
turns, round after round, and the best of each is printed, as a ratio to the first: what else the
machine does can only slow a round down.
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

from glmscope.family import Family
from glmscope.model.config import ModelConfig
from glmscope.model.graph import build_graph
from glmscope.model.layout import expected_tensors
from glmscope.model.weights import QuantizedMatrix

SETTINGS: dict[str, dict[str, str]] = {
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
    nbytes: int = 0

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
        rng = np.random.default_rng(len(self.kept))
        if bits == "4":
            packed = rng.integers(0, 256, (rows, columns // 2), np.uint8)
            matrix = QuantizedMatrix(packed, _scales(rows, columns // size, 0.002), 4)
        else:
            packed = rng.integers(-128, 128, (rows, columns), np.int8)
            matrix = QuantizedMatrix(packed, _scales(rows, columns // size, 0.0001), 8)
        self.kept.append(matrix)
        if "word_embeddings" not in name:  # looked up, not read through
            self.nbytes += matrix.packed.nbytes + matrix.scales.nbytes
        return matrix


def _scales(rows: int, groups: int, value: float) -> np.ndarray[Any, Any]:
    return np.full((rows, groups), value, np.float16)


def write_model(directory: Path, layout: str, layers: int) -> int:
    """Write a model of `layers` layers; returns the weight bytes that one decoding step reads."""
    config = ModelConfig(
        family=Family.CHATGLM3,
        num_layers=layers,
        multi_query_attention=True,
        multi_query_group_num=2,
        add_qkv_bias=True,
        seq_length=8192,
    )
    shapes = {name: spec.shape for name, spec in expected_tensors(config).items()}
    weights = RandomWeights(shapes, layout)
    directory.mkdir(parents=True)
    ov.serialize(build_graph(config, weights), directory / "openvino_model.xml")
    return weights.nbytes


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


def main() -> None:
    """Read the command line, measure, print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--layouts", nargs="+", default=["4:128/8"])
    parser.add_argument("--settings", nargs="+", default=["fast"], choices=SETTINGS)
    parser.add_argument("--batches", nargs="+", type=int, default=[256])
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--prompt", type=int, default=512)
    parser.add_argument("--streams", nargs="+", type=int, default=[1, 4, 8])
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    scratch = Path(tempfile.mkdtemp(prefix="layouts-"))
    try:
        read = {
            layout: write_model(scratch / layout.replace("/", "-"), layout, options.layers)
            for layout in options.layouts
        }
        variants = list(itertools.product(options.layouts, options.settings, options.batches))
        results: dict[tuple[str, str, int], list[list[float]]] = {v: [] for v in variants}
        for _ in range(options.rounds):
            for layout, setting, batch in variants:
                directory = scratch / layout.replace("/", "-")
                speeds = measure(
                    directory, SETTINGS[setting], options.prompt, options.streams, batch
                )
                results[layout, setting, batch].append(speeds)
        columns = [f"prefill {options.prompt}", *(f"decode x{n}" for n in options.streams)]
        print(f"{options.layers} layers; tok/s (ratio to the first); GB/s of weights at one stream")
        print(f"{'layout':<12}{'settings':<12}{'batch':>6}", *(f"{c:>18}" for c in columns))
        first: list[float] | None = None
        for variant, rounds in results.items():
            best = [max(column) for column in zip(*rounds, strict=True)]
            first = first or best
            cells = [f"{m:8.1f} ({m / f:4.2f}x)" for m, f in zip(best, first, strict=True)]
            layout, setting, batch = variant
            bandwidth = read[layout] / 1e9 * best[1] / options.streams[0]
            row = f"{layout:<12}{setting:<12}{batch:>6}"
            print(row, *(f"{c:>18}" for c in cells), f"{bandwidth:6.1f} GB/s")
    finally:
        shutil.rmtree(scratch)


if __name__ == "__main__":
    main()
