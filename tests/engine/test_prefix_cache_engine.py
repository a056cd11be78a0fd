"""The engine with a prefix cache: readers that leave, a crowd, scores, and what it refuses."""

from __future__ import annotations

import asyncio
import queue
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from structlog.testing import capture_logs

from glmscope.engine.engine import Step, TokenLogprob
from glmscope.engine.openvino import OpenVINOEngine
from glmscope.engine.pipeline import Pipeline, PipelineSettings
from glmscope.engine.vocabulary import Vocabulary
from glmscope.engine.worker import Delivery, Worker, WorkerSequence
from glmscope.errors import EngineFailure, ModelFilesError, UsageError
from glmscope.model.manifest import GRAPH_FILE
from glmscope.parity.network import Network
from tests.engine.prefix_cache import (
    GREEDY,
    KNOWN,
    OPENING,
    PROMPT,
    WORDS,
    a_pipeline,
    a_prompt,
    an_engine,
    assert_same,
    entries,
    ids_of,
)


@pytest.fixture
async def engine(cacheable: Path) -> AsyncIterator[OpenVINOEngine]:
    engine = await an_engine(cacheable, WORDS, prefix_cache=True)
    yield engine
    await engine.close()


async def idle(engine: OpenVINOEngine) -> None:
    while engine.load().running:
        await asyncio.sleep(0.01)


async def test_a_cancelled_reader_leaves_nothing_half_read(
    engine: OpenVINOEngine, cacheable: Path
) -> None:
    plain = await an_engine(cacheable)
    expected = await ids_of(plain, PROMPT, GREEDY)
    await plain.close()
    for _ in range(20):
        reader = asyncio.create_task(ids_of(engine, PROMPT, GREEDY))
        while not engine.load().running:
            await asyncio.sleep(0)
        reader.cancel()
        await asyncio.wait([reader])
    await asyncio.wait_for(idle(engine), 60)
    async with aclosing(engine.generate(PROMPT, GREEDY)) as steps:
        async for _ in steps:
            break
    assert await ids_of(engine, PROMPT, GREEDY) == expected


@pytest.mark.parametrize("scope", ["a", "b"])
def test_a_prompt_cancelled_half_read_leaves_no_block_half_filled(
    cacheable: Path, monkeypatch: pytest.MonkeyPatch, scope: str
) -> None:
    """Beside 200 ids a step reads 56 of the second prompt: a block, and a part of a shared one."""
    sampling = replace(GREEDY, logprobs=0)
    plain = Pipeline(cacheable, PipelineSettings(2048, fast=False))
    known = entries(plain, PROMPT[:150], sampling)
    pipeline = a_pipeline(cacheable, shared=(PROMPT[:97],))
    deliveries: queue.Queue[Delivery] = queue.Queue()
    beside = WorkerSequence(a_prompt(1, 200), replace(sampling, cache_scope="c"), lambda _: None)
    left = WorkerSequence(PROMPT[:140], sampling, lambda _: None)
    again = WorkerSequence(PROMPT[:150], replace(sampling, cache_scope=scope), deliveries.put)
    step = pipeline.step

    def step_and_leave() -> None:
        step()
        worker.cancel(left)

    monkeypatch.setattr(pipeline, "step", step_and_leave)
    worker = Worker(lambda: pipeline)
    with worker._changed:
        worker.submit(beside)
        worker.submit(left)
    while worker.load().running or worker.load().waiting:
        time.sleep(0.01)
    worker.submit(again)
    found: list[TokenLogprob] = []
    finish = None
    while finish is None:
        item = deliveries.get(timeout=60)
        assert isinstance(item, Step)
        found += item.logprobs
        finish = item.finish
    worker.close()
    assert_same(found, known)


async def test_more_than_the_cache_holds_at_once_is_answered_all_the_same(cacheable: Path) -> None:
    """16 sequences of 320 ids in a pool of some 1,000 tokens, twice over, none the worse."""
    cases = [(a_prompt(seed % 6, 300), replace(GREEDY, max_new_tokens=20)) for seed in range(16)]
    plain = await an_engine(cacheable)
    expected = [await ids_of(plain, *case) for case in cases]
    await plain.close()
    small = await an_engine(cacheable, WORDS, prefix_cache=True, cache_gb=0.00025)
    try:
        assert 640 < small.cached_tokens < 2048
        for _ in range(2):
            answers = asyncio.gather(*(ids_of(small, *case) for case in cases))
            assert await asyncio.wait_for(answers, 60) == expected
    finally:
        await small.close()


async def test_each_of_those_that_run_has_a_block_to_spare(cacheable: Path) -> None:
    """32 blocks a sequence of 1024 tokens, and 33 where prefixes are kept."""
    for prefix_cache, blocks in ((True, 33), (False, 32)):
        engine = await an_engine(cacheable, WORDS, prefix_cache=prefix_cache, cache_gb=0.0035)
        try:
            cached = engine.cached_tokens // 32
            assert cached // 33 != cached // 32
            assert engine.fit_at_once(1024) == cached // blocks
            assert engine.fit_at_once(32 * cached) == 1
        finally:
            await engine.close()


async def test_texts_are_scored_to_the_last_id_however_often(
    engine: OpenVINOEngine, cacheable: Path
) -> None:
    await ids_of(engine, PROMPT, GREEDY)
    assert "score" in engine.abilities
    for _ in range(2):
        assert_scores(await engine.score(PROMPT), cacheable, PROMPT)


def assert_scores(known: list[TokenLogprob], directory: Path, ids: tuple[int, ...]) -> None:
    network = Network(directory)
    network.start()
    positions = np.arange(len(ids))[None]
    logits = network.feed(np.array([ids]), positions).logits[0].astype(np.float64)
    largest = logits.max(axis=1, keepdims=True)
    normal = logits - largest - np.log(np.exp(logits - largest).sum(axis=1, keepdims=True))
    assert [each.id for each in known] == list(ids[1:])
    expected = [float(row[each]) for row, each in zip(normal, ids[1:], strict=False)]
    assert [each.logprob for each in known] == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize("prompt", [(5, 6, 7), OPENING[:1], (*OPENING, KNOWN), (OPENING[0], 3, 4)])
async def test_what_cannot_be_salted_is_refused(
    engine: OpenVINOEngine, prompt: tuple[int, ...]
) -> None:
    with pytest.raises(EngineFailure):
        await ids_of(engine, prompt, GREEDY)


@pytest.mark.parametrize(
    "words",
    [
        None,
        replace(WORDS, opening=None),
        replace(WORDS, pieces=[*WORDS.pieces, *[b""] * 60]),
    ],
    ids=["no words", "no opening", "no ids to spare"],
)
def test_it_is_off_where_it_cannot_be(cacheable: Path, words: Vocabulary | None) -> None:
    with pytest.raises(UsageError, match="prefix cache"):
        OpenVINOEngine.open(cacheable, prefix_cache=True, vocabulary=words)
    with capture_logs() as logs:
        engine = OpenVINOEngine.open(cacheable, prefix_cache=None, vocabulary=words)
    assert [log["event"] for log in logs] == ["prefix_cache_unavailable"]
    assert asyncio.run(ids_of(engine, (5, 6, 7), GREEDY))
    asyncio.run(engine.close())


def test_a_graph_that_is_none_is_named(cacheable: Path, tmp_path: Path) -> None:
    (tmp_path / GRAPH_FILE).write_text("<net></net>")
    with pytest.raises(ModelFilesError, match=f"{tmp_path} cannot be loaded: its {GRAPH_FILE}"):
        a_pipeline(tmp_path)
