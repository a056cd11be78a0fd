"""A directory of the golden model layout: a tiny checkpoint and what the original made of it.

Arrays and tolerances: the golden files' own README. P is the length of a P-Tuning v2 prefix.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from glmscope.engine.engine import Sampling
from glmscope.engine.openvino import OpenVINOEngine
from glmscope.model.checkpoint import Checkpoint
from glmscope.model.config import load_config
from glmscope.model.convert import convert
from glmscope.model.prefix import load_prefix
from glmscope.model.weights import Array
from glmscope.parity.golden import Golden
from glmscope.parity.network import Network
from glmscope.parity.quantized import check_quantized, half_dequantized_checkpoint
from glmscope.parity.row import Row, close, equal

TOLERANCE = 1e-4
BATCH_TOLERANCE = 2e-4  # a padded row against the unpadded one (model specification, section 3)


def check_model(directory: Path) -> Iterator[Row]:
    """Convert the checkpoint in `directory` and compare it with `golden.npz`.

    Raises ModelFilesError when the checkpoint or the golden file cannot be used.
    """
    case = directory.name
    golden = Golden(directory / "golden.npz")
    with tempfile.TemporaryDirectory() as scratch:
        converted = Path(scratch) / "exact"
        convert(directory, converted, weights="fp32", prefix=_prefix_directory(directory))
        network = Network(converted)
        yield from _check_prompt(case, network, golden)
        yield from _check_decode(case, network, golden)
        if "batch_ids" in golden:
            yield from _check_batch(case, network, golden)
        yield from _check_serving(case, converted, golden)
        if "halfdequant_logits" in golden:
            half = half_dequantized_checkpoint(directory, Path(scratch) / "half-source")
            convert(half, Path(scratch) / "half", weights="fp32")
            yield from _check_half(case, Path(scratch) / "half", golden)
    if "prefix_kv" in golden:
        yield _check_prefix(case, directory, golden)
    yield from check_quantized(case, directory, golden)
    if (directory / "bin").is_dir():
        yield _check_same_weights(case, directory)


def _prefix_directory(directory: Path) -> Path | None:
    separate = directory / "ptuning"
    return separate if separate.is_dir() else None


def _check_prompt(case: str, network: Network, golden: Golden) -> Iterator[Row]:
    ids, positions = golden["prompt_ids"], golden["prompt_position_ids"]
    network.start()
    whole = network.feed(ids, positions)
    yield close(case, "hidden states", whole.hidden, golden["hidden_states"], TOLERANCE)
    yield close(case, "final hidden", whole.final_hidden, golden["final_hidden"], TOLERANCE)
    yield close(case, "logits", whole.logits, golden["logits"], TOLERANCE)
    yield close(case, "KV after prefill", network.cache(), golden["kv_prefill"], TOLERANCE)
    if "chunked_logits" in golden:
        network.start()
        parts = [
            network.feed(ids[:, part], positions[:, part]).logits
            for part in (slice(None, 4), slice(4, None))
        ]
        chunked = np.concatenate(parts, axis=1)
        yield close(case, "chunked logits", chunked, golden["chunked_logits"], TOLERANCE)


def _check_decode(case: str, network: Network, golden: Golden) -> Iterator[Row]:
    network.start()
    network.feed(golden["prompt_ids"], golden["prompt_position_ids"])
    logits, hidden = [], []
    position = int(golden["prompt_position_ids"][0, -1])
    for offset, token in enumerate(golden["decode_ids"], 1):
        step = network.feed(np.array([[token]]), np.array([[position + offset]]))
        logits.append(step.logits[:, 0])
        hidden.append(step.hidden[-1][:, 0])
    yield close(case, "decode logits", np.stack(logits), golden["decode_logits"], TOLERANCE)
    yield close(
        case,
        "decode hidden",
        np.stack(hidden),
        golden["decode_last_layer_hidden"],
        TOLERANCE,
    )


def _check_batch(case: str, network: Network, golden: Golden) -> Iterator[Row]:
    """Left-padded rows; only real positions mean anything."""
    ids, mask = golden["batch_ids"], golden["batch_attention_mask"]
    real = mask == 1
    network.start(len(ids))
    step = network.feed(ids, golden["batch_position_ids"], mask)
    expected = golden["batch_logits"]
    yield close(case, "batch logits", step.logits[real], expected[real], BATCH_TOLERANCE)
    positions = golden["batch_position_ids"][:, -1:]
    greedy, logits = [], []
    for _ in range(golden["batch_greedy_ids"].shape[1]):
        last = step.logits[:, -1]
        logits.append(last)
        greedy.append(last.argmax(axis=1))
        positions = positions + 1
        step = network.feed(greedy[-1][:, None], positions)
    step_logits = np.stack(logits, axis=1)
    yield equal(case, "batch greedy ids", np.stack(greedy, axis=1), golden["batch_greedy_ids"])
    yield close(
        case,
        "batch greedy logits",
        step_logits,
        golden["batch_greedy_step_logits"],
        BATCH_TOLERANCE,
    )


def _check_serving(case: str, converted: Path, golden: Golden) -> Iterator[Row]:
    """Greedy ids through the serving engine: the prompt, and the batch's rows side by side."""
    prompts = [golden["prompt_ids"][0]]
    expected = [golden["greedy_ids"]]
    if "batch_ids" in golden:
        for row, mask in zip(golden["batch_ids"], golden["batch_attention_mask"], strict=True):
            prompts.append(row[mask == 1])
        expected += list(golden["batch_greedy_ids"])
    served = asyncio.run(_serve_greedily(converted, prompts, [len(ids) for ids in expected]))
    yield equal(case, "greedy ids, serving engine", served[0], expected[0])
    if len(expected) > 1:
        yield equal(
            case,
            "greedy ids side by side, serving engine",
            np.concatenate(served[1:]),
            np.concatenate(expected[1:]),
        )


async def _serve_greedily(converted: Path, prompts: list[Array], lengths: list[int]) -> list[Array]:
    engine = await asyncio.to_thread(OpenVINOEngine.open, converted)

    async def run(prompt: Array, length: int) -> Array:
        ids: list[int] = []
        async for step in engine.generate(prompt.tolist(), Sampling(length, temperature=0.0)):
            ids.extend(step.ids)
        return np.array(ids, np.int64)

    try:
        return list(await asyncio.gather(*map(run, prompts, lengths)))
    finally:
        await engine.close()


def _check_half(case: str, converted: Path, golden: Golden) -> Iterator[Row]:
    """The original's GPU rule: every dequantized weight rounded to float16 once."""
    network = Network(converted)
    network.start()
    whole = network.feed(golden["prompt_ids"], golden["prompt_position_ids"])
    expected = golden["halfdequant_logits"]
    yield close(case, "logits, float16 weights", whole.logits, expected, TOLERANCE)
    expected = golden["halfdequant_final_hidden"]
    yield close(case, "final hidden, float16 weights", whole.final_hidden, expected, TOLERANCE)
    position = int(golden["prompt_position_ids"][0, -1])
    logits = [
        network.feed(np.array([[token]]), np.array([[position + offset]])).logits[:, 0]
        for offset, token in enumerate(golden["decode_ids"], 1)
    ]
    expected = golden["halfdequant_decode_logits"]
    yield close(case, "decode logits, float16 weights", np.stack(logits), expected, TOLERANCE)
    expected = golden["halfdequant_greedy_ids"]
    served = asyncio.run(_serve_greedily(converted, [golden["prompt_ids"][0]], [len(expected)]))
    yield equal(case, "greedy ids, float16 weights, serving engine", served[0], expected)


def _check_prefix(case: str, directory: Path, golden: Golden) -> Row:
    config = load_config(directory)
    prefix = load_prefix(config, Checkpoint.open(directory), _prefix_directory(directory))
    found = np.empty(0) if prefix is None else prefix
    return close(case, "prefix KV", found, golden["prefix_kv"], TOLERANCE)


def _check_same_weights(case: str, directory: Path) -> Row:
    """`bin/` holds the same weights in the other file format."""
    one, other = Checkpoint.open(directory), Checkpoint.open(directory / "bin")
    config = load_config(directory)
    one.verify(config)
    other.verify(config)
    differing = sum(
        not np.array_equal(one.tensor(name), other.tensor(name))
        for name in set(one.names) | set(other.names)
        if "inv_freq" not in name
    )
    return Row(case, "tensors of bin/ that differ", float(differing), 0)
