"""The OpenVINO engine on tiny random networks: the contract, and nothing of one in another."""

from __future__ import annotations

import asyncio
import json
import shutil
import threading
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from glmscope.engine.engine import Sampling, Step
from glmscope.engine.openvino import OpenVINOEngine
from glmscope.errors import EngineFailure, ModelFilesError, ModelUnavailable, UsageError
from glmscope.model.config import load_config
from glmscope.model.convert import convert
from glmscope.model.manifest import GRAPH_FILE, MANIFEST_FILE
from glmscope.parity.network import Network
from glmscope.parity.reference_sampling import processed_scores
from tests.support.checkpoints import write_checkpoint
from tests.support.reference_network import reference_logits

GREEDY = Sampling(12, temperature=0.0)
PROMPT = [3, 1, 4, 1, 5]


@pytest.fixture(scope="module")
def converted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network of 64 ids and 256 positions whose replies vary with every id of the prompt."""
    return _converted(tmp_path_factory.mktemp("engine"), seq_length=256)


@pytest.fixture(scope="module")
def converted_long(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same network with 1024 positions."""
    return _converted(tmp_path_factory.mktemp("engine-long"), seq_length=1024)


def _converted(directory: Path, seq_length: int) -> Path:
    _, tensors = write_checkpoint(
        directory / "source",
        hidden_size=32,
        ffn_hidden_size=48,
        padded_vocab_size=64,
        seq_length=seq_length,
    )
    small = {name: tensor / np.float16(2) for name, tensor in tensors.items()}
    save_file(small, directory / "source" / "model.safetensors")
    convert(directory / "source", directory / "converted", weights="fp32")
    return directory / "converted"


@pytest.fixture
async def engine(converted: Path) -> AsyncIterator[OpenVINOEngine]:
    engine = await asyncio.to_thread(OpenVINOEngine.open, converted)
    yield engine
    await engine.close()


async def _ids(engine: OpenVINOEngine, prompt: list[int], sampling: Sampling) -> list[int]:
    return [i async for step in engine.generate(prompt, sampling) for i in step.ids]


async def _idle(engine: OpenVINOEngine) -> None:
    while engine.load().running:
        await asyncio.sleep(0.01)


async def test_steps_come_one_by_one_and_the_last_says_why(engine: OpenVINOEngine) -> None:
    steps = [step async for step in engine.generate(PROMPT, GREEDY)]
    assert [len(step.ids) for step in steps] == [1] * 12
    assert [step.finish for step in steps] == [None] * 11 + ["length"]


async def test_a_stop_id_ends_the_reply_and_is_not_part_of_it(engine: OpenVINOEngine) -> None:
    ids = await _ids(engine, PROMPT, GREEDY)
    stop = ids[4]
    steps = [
        step
        async for step in engine.generate(PROMPT, replace(GREEDY, stop_ids=frozenset({stop, 63})))
    ]
    assert [i for step in steps for i in step.ids] == ids[: ids.index(stop)]
    assert steps[-1].finish == "stop"


async def test_the_same_alone_and_in_a_crowd(engine: OpenVINOEngine) -> None:
    """16 sequences side by side, greedy and seeded, give what each gives alone."""
    cases = [
        ([i, 2 * i, 7, i], replace(GREEDY, temperature=float(i % 2), seed=i)) for i in range(16)
    ]
    alone = [await _ids(engine, prompt, sampling) for prompt, sampling in cases]
    crowd = await asyncio.gather(*(_ids(engine, prompt, sampling) for prompt, sampling in cases))
    assert crowd == alone
    assert len({tuple(ids) for ids in alone}) == 16


async def test_seeds(engine: OpenVINOEngine) -> None:
    hot = Sampling(12, temperature=1.5, top_p=1.0, seed=2**64 - 1)
    assert await _ids(engine, PROMPT, hot) == await _ids(engine, PROMPT, hot)
    drawn = {tuple(await _ids(engine, PROMPT, replace(hot, seed=seed))) for seed in range(8)}
    assert len(drawn) > 4
    unseeded = {tuple(await _ids(engine, PROMPT, replace(hot, seed=None))) for _ in range(4)}
    assert len(unseeded) > 1


async def test_sampling_settings_matter(engine: OpenVINOEngine) -> None:
    greedy = await _ids(engine, PROMPT, GREEDY)
    hot = replace(GREEDY, temperature=1.0, top_p=1.0, seed=1)
    assert await _ids(engine, PROMPT, hot) != greedy
    assert await _ids(engine, PROMPT, replace(hot, top_k=1)) == greedy
    assert await _ids(engine, PROMPT, replace(hot, top_p=1e-6)) == greedy
    long = replace(GREEDY, max_new_tokens=60)
    plain = await _ids(engine, PROMPT, long)
    assert await _ids(engine, PROMPT, replace(long, repetition_penalty=1.5)) != plain
    assert await _ids(engine, PROMPT, replace(long, presence_penalty=2.0)) != plain


async def test_extreme_settings_are_survived(engine: OpenVINOEngine) -> None:
    greedy = await _ids(engine, PROMPT, GREEDY)
    hot = replace(GREEDY, temperature=1.0, top_p=1.0, seed=1)
    assert await _ids(engine, PROMPT, replace(hot, temperature=1e-300)) == greedy
    assert await _ids(engine, PROMPT, replace(hot, temperature=1e-4)) == greedy
    assert await _ids(engine, PROMPT, replace(hot, top_p=1e-300)) == greedy
    assert await _ids(engine, PROMPT, replace(hot, top_k=10**9))
    for penalty in (1e-300, 1e300):
        assert len(await _ids(engine, PROMPT, replace(GREEDY, repetition_penalty=penalty))) == 12


async def test_a_repetition_penalty_is_the_original_s(
    engine: OpenVINOEngine, converted: Path
) -> None:
    network = Network(converted)
    for penalty in (0.8, 1.3):
        ids = list(PROMPT)
        for _ in range(12):
            network.start()
            logits = network.feed(np.array([ids]), np.arange(len(ids))[None]).logits[:, -1]
            scores = processed_scores(
                logits,
                np.array([ids]),
                temperature=1.0,
                top_k=0,
                top_p=1.0,
                repetition_penalty=penalty,
            )
            ids.append(int(scores.argmax()))
        penalized = replace(GREEDY, repetition_penalty=penalty)
        assert await _ids(engine, PROMPT, penalized) == ids[len(PROMPT) :]


async def test_long_prompts_read_in_pieces_side_by_side(converted_long: Path) -> None:
    """The scheduler feeds 256 tokens a step; replies are those of the whole prompt."""
    config = load_config(converted_long)
    tensors = load_file(converted_long.parent / "source" / "model.safetensors")
    random = np.random.default_rng(0)
    prompts = [random.integers(0, 64, length).tolist() for length in (700, 3, 257, 512)]
    engine = await asyncio.to_thread(OpenVINOEngine.open, converted_long)
    try:
        replies = await asyncio.gather(*(_ids(engine, prompt, GREEDY) for prompt in prompts))
    finally:
        await engine.close()
    for prompt, reply in zip(prompts, replies, strict=True):
        logits = reference_logits(config, tensors, prompt + reply)
        assert reply == logits[len(prompt) - 1 : -1].argmax(axis=1).tolist()


async def test_closing_the_iterator_frees_the_sequence(engine: OpenVINOEngine) -> None:
    long = replace(GREEDY, max_new_tokens=200)
    async with aclosing(engine.generate(PROMPT, long)) as steps:
        async for _ in steps:
            break
        assert engine.load().running == 1
    await asyncio.wait_for(_idle(engine), 5)
    assert await _ids(engine, PROMPT, GREEDY)


async def test_an_idle_engine_uses_no_cache(engine: OpenVINOEngine) -> None:
    # Long enough that it is not over before this reader has its first turn.
    long = replace(GREEDY, max_new_tokens=120)
    used = [engine.load().kv_used async for _ in engine.generate(PROMPT, long)]
    assert max(used) > 0
    await asyncio.wait_for(_idle(engine), 5)
    assert engine.load().kv_used == 0


async def test_cancelling_readers_leaves_the_others_alone(engine: OpenVINOEngine) -> None:
    long = replace(GREEDY, max_new_tokens=120)
    expected = await _ids(engine, [9, 9], long)
    kept = asyncio.create_task(_ids(engine, [9, 9], long))
    doomed = [asyncio.create_task(_ids(engine, [i], long)) for i in range(1, 9)]
    await asyncio.sleep(0.05)
    for task in doomed:
        task.cancel()
    assert await kept == expected
    results = await asyncio.gather(*doomed, return_exceptions=True)
    assert all(isinstance(result, asyncio.CancelledError | list) for result in results)
    await asyncio.wait_for(_idle(engine), 5)


async def test_what_does_not_fit_is_refused(engine: OpenVINOEngine) -> None:
    assert engine.max_positions == 256
    full = replace(GREEDY, max_new_tokens=251)
    assert len(await _ids(engine, PROMPT, full)) == 251
    for prompt, sampling in (
        (PROMPT, replace(GREEDY, max_new_tokens=252)),
        ([], GREEDY),
        ([64], GREEDY),
        ([-1], GREEDY),
    ):
        with pytest.raises(EngineFailure):
            await _ids(engine, prompt, sampling)


async def test_close_ends_readers_and_refuses_new_ones(converted: Path) -> None:
    engine = await asyncio.to_thread(OpenVINOEngine.open, converted)
    started = asyncio.Event()

    async def read() -> list[Step]:
        steps = []
        async for step in engine.generate(PROMPT, replace(GREEDY, max_new_tokens=250)):
            steps.append(step)
            started.set()
        return steps

    reader = asyncio.create_task(read())
    await started.wait()
    await engine.close()
    with pytest.raises(ModelUnavailable):
        await reader
    with pytest.raises(ModelUnavailable):
        await _ids(engine, PROMPT, GREEDY)
    await engine.close()


async def test_a_small_cache_limits_the_positions(converted: Path) -> None:
    """The promise is what fits, not what the network could hold."""
    engine = await asyncio.to_thread(lambda: OpenVINOEngine.open(converted, cache_gb=0.00004))
    try:
        assert engine.max_positions < 256
        length = engine.max_positions - len(PROMPT)
        assert len(await _ids(engine, PROMPT, replace(GREEDY, max_new_tokens=length))) == length
        many = [_ids(engine, [i, 5], replace(GREEDY, max_new_tokens=20)) for i in range(6)]
        assert [len(ids) for ids in await asyncio.gather(*many)] == [20] * 6
    finally:
        await engine.close()
    with pytest.raises(UsageError, match="holds only"):
        OpenVINOEngine.open(converted, cache_gb=1e-9)


def test_a_directory_that_is_no_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelFilesError, match="not a converted model"):
        OpenVINOEngine.open(tmp_path)


@pytest.mark.parametrize("graph", [None, bytes(1000), b"<net></net>"])
def test_files_that_the_runtime_refuses_are_named(
    converted: Path, tmp_path: Path, graph: bytes | None
) -> None:
    """A graph that is missing or nonsense, and a manifest that does not list it."""
    copy = tmp_path / "copy"
    shutil.copytree(converted, copy)
    (copy / GRAPH_FILE).unlink()
    if graph is not None:
        (copy / GRAPH_FILE).write_bytes(graph)
    fields = json.loads((copy / MANIFEST_FILE).read_text())
    (copy / MANIFEST_FILE).write_text(json.dumps({**fields, "files": {}}))
    with pytest.raises(ModelFilesError, match=r"copy cannot be loaded: \w"):
        OpenVINOEngine.open(copy)


def test_no_thread_is_left(converted: Path) -> None:
    async def run() -> None:
        engine = OpenVINOEngine.open(converted)
        await _ids(engine, PROMPT, GREEDY)
        await engine.close()

    asyncio.run(run())
    assert [thread.name for thread in threading.enumerate() if thread.name == "engine"] == []
