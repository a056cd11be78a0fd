"""Log-probabilities of the serving engine against the logits of the network itself."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pytest

from glmscope.engine.engine import Sampling, TokenLogprob
from glmscope.engine.openvino import OpenVINOEngine
from glmscope.errors import EngineFailure
from glmscope.model.convert import convert
from glmscope.parity.network import Network
from tests.support.checkpoints import write_checkpoint
from tests.support.paths import GOLDEN, needs_golden

PROMPT = [3, 1, 4, 1, 5]


@pytest.fixture(scope="module")
def random_network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("logprobs")
    write_checkpoint(directory / "source", padded_vocab_size=64, seq_length=512)
    convert(directory / "source", directory / "converted", weights="fp32")
    return directory / "converted"


@pytest.fixture(scope="module", params=["glm3_a", "glm2_b", "glm2_ptuning_proj"])
def golden_network(request, tmp_path_factory: pytest.TempPathFactory) -> Path:
    source = GOLDEN / "models" / request.param
    separate = source / "ptuning"
    directory = tmp_path_factory.mktemp("logprobs") / "converted"
    convert(source, directory, weights="fp32", prefix=separate if separate.is_dir() else None)
    return directory


def expected(directory: Path, ids: list[int]) -> list[float]:
    """Log-softmax of the logits, for every id but the first."""
    network = Network(directory)
    network.start()
    positions = np.arange(len(ids))[None]
    logits = network.feed(np.array([ids]), positions).logits[0].astype(np.float64)
    largest = logits.max(axis=1, keepdims=True)
    normal = logits - largest - np.log(np.exp(logits - largest).sum(axis=1, keepdims=True))
    return [float(row[token_id]) for row, token_id in zip(normal, ids[1:], strict=False)]


async def generated(directory: Path, sampling: Sampling) -> list[TokenLogprob]:
    engine = await asyncio.to_thread(OpenVINOEngine.open, directory)
    logprobs: list[TokenLogprob] = []
    try:
        async for step in engine.generate(PROMPT, sampling):
            assert [each.id for each in step.logprobs] == list(step.ids)
            logprobs.extend(step.logprobs)
    finally:
        await engine.close()
    return logprobs


async def scored(directory: Path, ids: list[int]) -> list[TokenLogprob]:
    engine = await asyncio.to_thread(OpenVINOEngine.open, directory)
    try:
        return await engine.score(ids)
    finally:
        await engine.close()


@pytest.mark.parametrize(
    "sampling",
    [
        Sampling(8, temperature=0.0, logprobs=0),
        Sampling(8, temperature=0.3, top_p=0.7, seed=1, logprobs=0),
        Sampling(8, temperature=1.9, top_k=3, seed=2, logprobs=0),
        Sampling(8, repetition_penalty=1.5, presence_penalty=1.0, seed=3, logprobs=0),
    ],
)
async def test_they_are_the_networks_own_whatever_the_sampling(random_network, sampling):
    known = await generated(random_network, sampling)
    assert len(known) == 8
    ids = [*PROMPT, *(each.id for each in known)]
    assert [each.logprob for each in known] == pytest.approx(
        expected(random_network, ids)[len(PROMPT) - 1 :], abs=1e-3
    )


@pytest.mark.parametrize(("asked", "told"), [(0, 0), (1, 1), (5, 1)])
async def test_the_only_alternative_is_the_drawn_id(random_network, asked: int, told: int):
    for each in await generated(random_network, Sampling(4, temperature=0.0, logprobs=asked)):
        assert each.top == ((each.id, each.logprob),) * told


async def test_nothing_is_told_unasked(random_network):
    engine = await asyncio.to_thread(OpenVINOEngine.open, random_network)
    assert not [s async for s in engine.generate(PROMPT, Sampling(4)) if s.logprobs]
    await engine.close()


async def test_the_stop_id_has_no_entry(random_network):
    greedy = Sampling(8, temperature=0.0, logprobs=0)
    third = (await generated(random_network, greedy))[2].id
    stopping = Sampling(8, temperature=0.0, logprobs=0, stop_ids=frozenset({third}))
    known = await generated(random_network, stopping)
    assert third not in [each.id for each in known]
    assert len(known) < 8


@pytest.mark.parametrize("length", [1, 2, 5, 300])  # the scheduler reads 256 ids at a time
async def test_a_score_is_the_log_softmax(random_network, length: int):
    ids = np.random.default_rng(length).integers(0, 64, length).tolist()
    known = await scored(random_network, ids)
    assert [each.id for each in known] == ids[1:]
    assert [each.logprob for each in known] == pytest.approx(
        expected(random_network, ids), abs=1e-3
    )


@needs_golden
async def test_a_score_of_a_golden_network_is_the_log_softmax(golden_network):
    ids = np.load(GOLDEN / "models" / "glm3_a" / "golden.npz")["prompt_ids"][0].tolist()
    known = await scored(golden_network, ids)
    assert len(known) == len(ids) - 1
    assert [each.logprob for each in known] == pytest.approx(
        expected(golden_network, ids), abs=1e-3
    )


@pytest.mark.parametrize("ids", [[], [64], [-1], [1] * 512])
async def test_what_cannot_be_scored_fails_in_a_sentence(random_network, ids):
    with pytest.raises(EngineFailure):
        await scored(random_network, ids)
