"""Sampling goldens: the formula exactly, and the serving sampler by what it draws.

The serving engine gives ids, not probabilities. So a network is built whose logits are the
recorded ones whatever it reads, converted and served like any other, and many ids are drawn from it
with the seeds 0, 1, 2 …: their frequencies must be the recorded probabilities.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from glmscope.engine.engine import Sampling
from glmscope.engine.openvino import OpenVINOEngine
from glmscope.model.config import CONFIG_FILE, load_config
from glmscope.model.convert import convert
from glmscope.model.layout import OUTPUT_LAYER, WORD_EMBEDDINGS, expected_tensors
from glmscope.model.weights import Array
from glmscope.parity.golden import Golden
from glmscope.parity.reference_sampling import guarded, probabilities, processed_scores
from glmscope.parity.row import Row, close, equal

TOLERANCE = 1e-6
DRAWS = 1500
# Where top-k and top-p are both set, the runtime applies top-p first and may keep an id that the
# original's order removes (docs/compatibility.md): this share of the draws.
_BOUNDARY = 0.02


def check_sampling(case: str, golden: Golden) -> Iterator[Row]:
    """Every case `c0` … and the guard against invalid scores."""
    index = 0
    while f"c{index}_params" in golden:
        yield from _check_formula(f"{case} c{index}", golden, f"c{index}")
        yield from _check_draws(f"{case} c{index}", golden, f"c{index}")
        index += 1
    if "invalid_logits" in golden:
        actual = guarded(golden["invalid_logits"])
        yield equal(case, "invalid scores", actual, golden["invalid_scores"])


def _check_formula(case: str, golden: Golden, name: str) -> Iterator[Row]:
    temperature, top_k, top_p, penalty = golden[f"{name}_params"]
    scores = processed_scores(
        golden[f"{name}_logits"],
        golden[f"{name}_input_ids"],
        temperature=temperature,
        top_k=int(top_k),
        top_p=top_p,
        repetition_penalty=penalty,
    )
    expected = golden[f"{name}_scores"]
    yield equal(case, "ids removed", np.isneginf(scores), np.isneginf(expected))
    kept = np.isfinite(expected)
    yield close(case, "scores", scores[kept], expected[kept], 1e-4)
    yield close(case, "probabilities", probabilities(scores), golden[f"{name}_probs"], TOLERANCE)


def _check_draws(case: str, golden: Golden, name: str) -> Iterator[Row]:
    temperature, top_k, top_p, penalty = golden[f"{name}_params"]
    sampling = Sampling(
        1,
        temperature=float(temperature),
        top_k=int(top_k),
        top_p=float(top_p),
        repetition_penalty=float(penalty),
    )
    for row, expected in enumerate(golden[f"{name}_probs"]):
        logits, prompt = golden[f"{name}_logits"][row], golden[f"{name}_input_ids"][row]
        drawn = asyncio.run(_draw(logits, prompt.tolist(), sampling))
        frequencies = np.bincount(drawn, minlength=len(expected)) / len(drawn)
        distance = 0.5 * np.abs(frequencies - expected).sum()
        yield Row(f"{case}.{row}", "draws, serving engine", float(distance), _allowed(expected))
        removed = float(frequencies[expected == 0].sum())
        yield Row(f"{case}.{row}", "draws of removed ids", removed, _BOUNDARY)


def _allowed(expected: Array) -> float:
    """Total variation that DRAWS fair draws stay under, and what a boundary id may add.

    Each frequency strays by sqrt(p(1-p)/n); the mean of |x| is 0.8 of that, and the sum over ids
    hardly varies.
    """
    spread = np.sqrt(expected * (1 - expected) / DRAWS).sum()
    return float(0.5 * 0.8 * 1.3 * spread + _BOUNDARY)


async def _draw(logits: Array, prompt: list[int], sampling: Sampling) -> list[int]:
    with tempfile.TemporaryDirectory() as scratch:
        source, converted = Path(scratch) / "source", Path(scratch) / "converted"
        _write_constant_network(source, logits)
        convert(source, converted, weights="fp32")
        engine = await asyncio.to_thread(OpenVINOEngine.open, converted)

        async def draw(seed: int) -> int:
            one = replace(sampling, seed=seed)
            (drawn,) = [i async for step in engine.generate(prompt, one) for i in step.ids]
            return drawn

        try:
            return await asyncio.gather(*map(draw, range(DRAWS)))
        finally:
            await engine.close()


def _write_constant_network(directory: Path, logits: Array) -> None:
    """A ChatGLM3 checkpoint whose logits are `logits` [V] after every token.

    Only the first element of the residual stream is not zero; the norms make it sqrt(H), and the
    output matrix turns it into the logits.
    """
    fields = {
        "model_type": "chatglm",
        "_name_or_path": "chatglm3",
        "num_layers": 1,
        "hidden_size": 64,
        "ffn_hidden_size": 32,
        "kv_channels": 16,
        "num_attention_heads": 4,
        "multi_query_attention": True,
        "multi_query_group_num": 2,
        "padded_vocab_size": len(logits),
        "seq_length": 64,
    }
    directory.mkdir()
    (directory / CONFIG_FILE).write_text(json.dumps(fields), encoding="utf-8")
    specs = expected_tensors(load_config(directory))
    tensors = {name: np.zeros(spec.shape, np.float32) for name, spec in specs.items()}
    for name, tensor in tensors.items():
        if "norm" in name:
            tensor[:] = 1
    tensors[WORD_EMBEDDINGS][:, 0] = 1
    tensors[OUTPUT_LAYER][:, 0] = logits / np.sqrt(64)
    save_file(tensors, directory / "model.safetensors")
