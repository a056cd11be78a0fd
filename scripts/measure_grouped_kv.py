"""Time grouped key and value heads against full ones, the other sizes the same.

    python scripts/measure_grouped_kv.py --streams 1 4 --contexts 128 2048 8192 9192 10192

Decodes steps of the 6B shape at several lengths of context, with 2 groups of keys and values as
ChatGLM2 and ChatGLM3 have them, and with one for each of the 32 query heads as the first
generation has. Networks of 2 and of 4 layers are timed, in turn, and a step of the whole network
is read off the line through both: layers cost the same each, embedding and output once. The paged
attention that serves is given cached blocks whose content is left as it is, so that no prompt has
to be read; every stream has blocks of its own.

The ratio of "from 8192 on" is of the time that 2000 tokens take after a prompt of 8192.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
from openvino._offline_transformations import paged_attention_transformation

from glmscope.engine.pipeline import BLOCK_TOKENS, PipelineSettings
from inference_timing import best_seconds
from measure_weight_layouts import write_model

LAYERS = (2, 4)
WHOLE = 28
PROMPT, NEW = 8192, 2000
_STEPS = 6


class PagedNetwork:
    """A written model behind paged attention, a step at a time."""

    def __init__(self, directory: Path) -> None:
        core = ov.Core()
        model = core.read_model(directory / "openvino_model.xml")
        paged_attention_transformation(model)
        properties = PipelineSettings(cache_tokens=0, fast=True).properties()
        self._compiled = core.compile_model(model, "CPU", properties)

    def prepare(self, streams: int, context: int) -> Any:  # noqa: ANN401 (no usable type)
        """A request that decodes one token each of `streams` after `context` others."""
        request = self._compiled.create_infer_request()
        blocks = -(-(context + 1) // BLOCK_TOKENS)
        inputs = {
            "input_ids": np.arange(100, 100 + streams),
            "position_ids": np.full(streams, context),
            "max_context_len": np.array(context + 1, np.int32),
            "past_lens": np.full(streams, context, np.int32),
            "subsequence_begins": np.arange(streams + 1, dtype=np.int32),
            "block_indices_begins": np.arange(streams + 1, dtype=np.int32) * blocks,
            "block_indices": np.arange(streams * blocks, dtype=np.int32),
        }
        for name, values in inputs.items():
            request.set_tensor(name, ov.Tensor(values))
        for each in self._compiled.inputs:
            if "_cache." in each.get_any_name():
                shape = [d.get_length() for d in list(each.partial_shape)[1:]]
                cache = ov.Tensor(each.element_type, ov.Shape([streams * blocks, *shape]))
                cache.data.fill(1)  # pages that nobody wrote to would all be the same one
                request.set_tensor(each.get_any_name(), cache)
        return request


def measure(networks: dict[int, PagedNetwork], streams: int, context: int) -> float:
    """Seconds of a step of the whole network."""
    best = {}
    for layers, network in networks.items():
        request = network.prepare(streams, context)
        request.infer()
        best[layers] = best_seconds(request, _STEPS)
    few, more = LAYERS
    return best[more] + (WHOLE - more) * (best[more] - best[few]) / (more - few)


def main() -> None:
    """Read the command line, measure, print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--streams", nargs="+", type=int, default=[1, 4])
    contexts = [128, 2048, PROMPT, PROMPT + NEW // 2, PROMPT + NEW]
    parser.add_argument("--contexts", nargs="+", type=int, default=contexts)
    parser.add_argument("--rounds", type=int, default=2)
    options = parser.parse_args()
    scratch = Path(tempfile.mkdtemp(prefix="grouped-"))
    try:
        networks: dict[bool, dict[int, PagedNetwork]] = {True: {}, False: {}}
        for grouped in networks:
            for layers in LAYERS:
                directory = scratch / f"{grouped}-{layers}"
                write_model(directory, "4:128/8", layers, grouped)
                networks[grouped][layers] = PagedNetwork(directory)
        for streams in options.streams:
            print_curve(networks, streams, options.contexts, options.rounds)
    finally:
        shutil.rmtree(scratch)


def print_curve(
    networks: dict[bool, dict[int, PagedNetwork]], streams: int, contexts: list[int], rounds: int
) -> None:
    """Milliseconds a step at each context, and what they make of the 2000 tokens."""
    print(f"{streams} streams, ms a step of {WHOLE} layers\n context   grouped      full   ratio")
    curves: dict[bool, list[float]] = {True: [], False: []}
    for context in contexts:
        for grouped, curve in curves.items():
            curve.append(min(measure(networks[grouped], streams, context) for _ in range(rounds)))
        fast, slow = curves[True][-1], curves[False][-1]
        print(f"{context:8} {fast * 1e3:9.1f} {slow * 1e3:9.1f} {slow / fast:6.2f}x", flush=True)
    if contexts[0] <= PROMPT and contexts[-1] >= PROMPT + NEW:
        at = np.arange(PROMPT, PROMPT + NEW)
        fast, slow = (np.interp(at, contexts, curve).sum() for curve in curves.values())
        print(f"from {PROMPT} on {fast:7.0f} s {slow:7.0f} s {slow / fast:6.2f}x", flush=True)


if __name__ == "__main__":
    main()
