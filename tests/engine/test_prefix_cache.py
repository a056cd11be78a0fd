"""The prefix cache: a scope reads its own prompts' beginnings once, and nobody else's."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file
from structlog.testing import capture_logs

from glmscope import nano
from glmscope.cli.vocabulary import vocabulary_of
from glmscope.engine.engine import Sampling, TokenLogprob
from glmscope.engine.openvino import OpenVINOEngine
from glmscope.engine.pipeline import Pipeline, PipelineSettings, read_step
from glmscope.engine.salts import Aliases
from glmscope.engine.vocabulary import Vocabulary
from glmscope.errors import EngineFailure, ModelFilesError, ModelUnavailable, UsageError
from glmscope.family import Family
from glmscope.model.convert import convert
from glmscope.model.manifest import GRAPH_FILE, TOKENIZER_FILE, read_manifest
from glmscope.parity.network import Network
from glmscope.text.tokenizer import Tokenizer
from tests.support.checkpoints import write_checkpoint
from tests.support.paths import GOLDEN, needs_golden
from tests.support.tokenizers import builtin_tokenizer

TOKENIZER = builtin_tokenizer(Family.CHATGLM3)
WORDS = vocabulary_of(TOKENIZER)
OPENING = (TOKENIZER.special.gmask, TOKENIZER.special.sop)
KNOWN = TOKENIZER.vocab_size
VOCABULARY = 1100
GREEDY = Sampling(6, temperature=0.0, cache_scope="a")
COLD, WARM = 3, 1
"""Steps to the first id of a prompt of 600 ids that nobody has read, and of one that was read."""


def a_prompt(seed: int, length: int = 600) -> tuple[int, ...]:
    drawn = random.Random(seed)
    return (
        *OPENING,
        *(drawn.randrange(TOKENIZER.piece_count) for _ in range(length - len(OPENING))),
    )


PROMPT = a_prompt(0)


@pytest.fixture(scope="module")
def converted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network that draws no id without a text or a role, as the published ones."""
    directory = tmp_path_factory.mktemp("prefix-cache")
    _, tensors = write_checkpoint(
        directory / "source", padded_vocab_size=VOCABULARY, seq_length=1024
    )
    tensors["transformer.output_layer.weight"][KNOWN:] = 0
    save_file(tensors, directory / "source" / "model.safetensors")
    convert(directory / "source", directory / "converted", weights="fp32")
    return directory / "converted"


@pytest.fixture
def pipeline(converted: Path) -> Pipeline:
    return a_pipeline(converted)


def a_pipeline(directory: Path, tokens: int = 8192, known: int = KNOWN) -> Pipeline:
    aliases = Aliases(OPENING, known, VOCABULARY)
    return Pipeline(directory, PipelineSettings(tokens, fast=False, aliases=aliases))


def steps_to_first_id(pipeline: Pipeline, prompt: tuple[int, ...], sampling: Sampling) -> int:
    """How many times the network had to run, 256 ids at a time; the reply is read to its end."""
    handle = pipeline.add(prompt, sampling)
    first, steps = None, 0
    while pipeline.has_work:
        pipeline.step()
        steps += 1
        if read_step(handle, sampling) is not None and first is None:
            first = steps
    assert first is not None
    return first


@pytest.mark.parametrize("penalty", [1.0, 1.2])
def test_a_scope_reads_a_prompt_once_and_shares_it_with_nobody(
    pipeline: Pipeline, penalty: float
) -> None:
    """Fails without salts: the second scope would then be as quick as the first one's again."""
    own = replace(GREEDY, repetition_penalty=penalty)
    other = replace(own, cache_scope="b")
    assert steps_to_first_id(pipeline, PROMPT, own) == COLD
    assert steps_to_first_id(pipeline, PROMPT, own) == WARM
    assert steps_to_first_id(pipeline, PROMPT, other) == COLD
    assert steps_to_first_id(pipeline, PROMPT, other) == WARM
    assert steps_to_first_id(pipeline, PROMPT, own) == WARM


def test_what_is_nobodys_is_neither_read_again_nor_found(pipeline: Pipeline) -> None:
    nobodys = replace(GREEDY, cache_scope=None)
    assert [steps_to_first_id(pipeline, PROMPT, nobodys) for _ in range(2)] == [COLD, COLD]
    assert steps_to_first_id(pipeline, PROMPT, GREEDY) == COLD
    assert steps_to_first_id(pipeline, PROMPT, nobodys) == COLD


def test_a_next_turn_reads_what_is_new_in_it(pipeline: Pipeline) -> None:
    assert steps_to_first_id(pipeline, PROMPT, GREEDY) == COLD
    longer = PROMPT + a_prompt(1, 202)[2:]
    assert steps_to_first_id(pipeline, longer, GREEDY) == WARM
    assert steps_to_first_id(pipeline, longer, replace(GREEDY, cache_scope="b")) == COLD + 1


def test_scopes_share_nothing_from_the_first_block_on(pipeline: Pipeline) -> None:
    """257 ids of which the cache holds any take a step, and two where it holds none."""
    short, longer = PROMPT[:40], PROMPT[:257]
    assert steps_to_first_id(pipeline, short, GREEDY) == 1
    assert steps_to_first_id(pipeline, longer, replace(GREEDY, cache_scope="b")) == 2
    assert steps_to_first_id(pipeline, longer, GREEDY) == 1


def test_a_full_cache_lets_go_of_the_oldest(converted: Path) -> None:
    """A pool of 1,280 tokens, prompts of 600: the third one takes the room of the first."""
    pipeline = a_pipeline(converted, tokens=1280)
    prompts = [a_prompt(seed) for seed in range(8)]
    for prompt in prompts:
        assert steps_to_first_id(pipeline, prompt, GREEDY) == COLD
    assert steps_to_first_id(pipeline, prompts[-1], GREEDY) == WARM
    assert steps_to_first_id(pipeline, prompts[0], GREEDY) == COLD


def test_pairs_are_never_given_twice(converted: Path) -> None:
    """8 ids stand for the first and 8 for the second: 64 scopes with a penalty, and then none."""
    pipeline = a_pipeline(converted, known=VOCABULARY - 16)
    short = PROMPT[:5]
    one = Sampling(1, temperature=0.0, repetition_penalty=1.2)
    for number in range(64):
        assert not pipeline.is_worn
        steps_to_first_id(pipeline, short, replace(one, cache_scope=str(number)))
    assert pipeline.is_worn
    with pytest.raises(ModelUnavailable):
        pipeline.add(short, replace(one, cache_scope="new"))
    assert steps_to_first_id(pipeline, short, replace(one, cache_scope="0"))
    assert steps_to_first_id(pipeline, short, GREEDY)


@pytest.fixture
async def engine(converted: Path) -> AsyncIterator[OpenVINOEngine]:
    engine = await an_engine(converted, WORDS, prefix_cache=True)
    yield engine
    await engine.close()


async def an_engine(directory: Path, words: Vocabulary | None = None, **options) -> OpenVINOEngine:
    return await asyncio.to_thread(
        lambda: OpenVINOEngine.open(directory, vocabulary=words, **options)
    )


async def ids_of(engine: OpenVINOEngine, prompt: tuple[int, ...], sampling: Sampling) -> list[int]:
    return [i async for step in engine.generate(prompt, sampling) for i in step.ids]


async def idle(engine: OpenVINOEngine) -> None:
    while engine.load().running:
        await asyncio.sleep(0.01)


async def test_a_cancelled_reader_leaves_nothing_half_read(
    engine: OpenVINOEngine, converted: Path
) -> None:
    plain = await an_engine(converted)
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


async def test_more_than_the_cache_holds_at_once_is_answered_all_the_same(converted: Path) -> None:
    """16 sequences of 320 ids in a pool of some 1,000 tokens, twice over, none the worse."""
    cases = [(a_prompt(seed % 6, 300), replace(GREEDY, max_new_tokens=20)) for seed in range(16)]
    plain = await an_engine(converted)
    expected = [await ids_of(plain, *case) for case in cases]
    await plain.close()
    small = await an_engine(converted, WORDS, prefix_cache=True, cache_gb=0.00025)
    try:
        assert 640 < small.cached_tokens < 2048
        for _ in range(2):
            answers = asyncio.gather(*(ids_of(small, *case) for case in cases))
            assert await asyncio.wait_for(answers, 60) == expected
    finally:
        await small.close()


async def test_each_of_those_that_run_has_a_block_to_spare(converted: Path) -> None:
    """32 blocks a sequence of 1024 tokens, and 33 where prefixes are kept."""
    for prefix_cache, blocks in ((True, 33), (False, 32)):
        engine = await an_engine(converted, WORDS, prefix_cache=prefix_cache, cache_gb=0.0035)
        try:
            cached = engine.cached_tokens // 32
            assert cached // 33 != cached // 32
            assert engine.fit_at_once(1024) == cached // blocks
            assert engine.fit_at_once(32 * cached) == 1
        finally:
            await engine.close()


async def test_texts_are_scored_to_the_last_id_however_often(
    engine: OpenVINOEngine, converted: Path
) -> None:
    await ids_of(engine, PROMPT, GREEDY)
    assert "score" in engine.abilities
    for _ in range(2):
        assert_scores(await engine.score(PROMPT), converted, PROMPT)


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


@needs_golden
@pytest.mark.parametrize("name", ["glm3_ptuning", "glm2_ptuning_proj"])
def test_virtual_ids_come_before_what_is_salted(name: str, tmp_path: Path) -> None:
    source = GOLDEN / "models" / name
    separate = source / "ptuning"
    convert(source, tmp_path / "m", weights="fp32", prefix=separate if separate.is_dir() else None)
    manifest = read_manifest(tmp_path / "m")
    vocabulary, virtual = manifest.config.padded_vocab_size, manifest.prefix_length
    assert virtual
    aliases = Aliases((100, 101), 104, vocabulary, virtual)
    plain = Pipeline(tmp_path / "m", PipelineSettings(2048, fast=False))
    caching = Pipeline(tmp_path / "m", PipelineSettings(2048, fast=False, aliases=aliases))
    sequence = (*range(vocabulary, vocabulary + virtual), 100, 101, *range(3, 70))
    one = Sampling(1, temperature=0.0, logprobs=0)
    known, scored = entries(plain, sequence, one, echo=True), sequence[virtual + 1 :]
    for _ in range(2):
        found = entries(caching, sequence, one, echo=True)
        assert tuple(each.id for each in found[virtual + 1 : -1]) == scored
        assert_same(found[virtual + 1 :], known[virtual + 1 :])
    for penalty in (1.0, 1.2):
        scoped = replace(one, repetition_penalty=penalty, cache_scope="a")
        for _ in range(2):
            assert_same(entries(caching, sequence, scoped), entries(plain, sequence, scoped))


def entries(
    pipeline: Pipeline, sequence: tuple[int, ...], sampling: Sampling, echo: bool = False
) -> list[TokenLogprob]:
    handle = pipeline.add(sequence, sampling, echo)
    found: list[TokenLogprob] = []
    while pipeline.has_work:
        pipeline.step()
        step = read_step(handle, sampling)
        found += step.logprobs if step is not None else ()
    return found


def assert_same(found: list[TokenLogprob], known: list[TokenLogprob]) -> None:
    assert found
    assert [each.id for each in found] == [each.id for each in known]
    logprobs = [each.logprob for each in known]
    assert [each.logprob for each in found] == pytest.approx(logprobs, abs=1e-3)


@pytest.fixture(scope="module")
def built_in() -> Iterator[tuple[OpenVINOEngine, OpenVINOEngine, list[tuple[int, ...]]]]:
    """The built-in model without a cache and with one, in exact arithmetic, and three prompts."""
    directory = nano.directory()
    tokenizer = Tokenizer.from_file(directory / TOKENIZER_FILE, Family.CHATGLM3)
    words = vocabulary_of(tokenizer)
    plain = OpenVINOEngine.open(directory, fast=False, cache_gb=0.1)
    caching = OpenVINOEngine.open(
        directory, fast=False, cache_gb=0.1, prefix_cache=True, vocabulary=words
    )
    user, assistant = tokenizer.special.user, tokenizer.special.assistant
    assert user is not None
    assert assistant is not None
    prompts = []
    for text in ("杭州在哪里？", "Write a list of ten cities. " * 40, "你好" * 60):
        ids = (*tokenizer.prefix_ids, user, *tokenizer.encode("\n " + text), assistant)
        prompts.append(ids)
    yield plain, caching, prompts
    asyncio.run(caching.close())
    asyncio.run(plain.close())


@pytest.mark.parametrize(
    "sampling",
    [
        Sampling(24, temperature=0.0, cache_scope="a"),
        Sampling(24, temperature=0.0, repetition_penalty=1.2, cache_scope="a"),
        Sampling(24, seed=5, presence_penalty=0.5, cache_scope="a"),
        Sampling(24, seed=6, repetition_penalty=1.1, cache_scope=None),
    ],
)
async def test_it_changes_no_answer(built_in, sampling: Sampling) -> None:
    plain, caching, prompts = built_in
    for prompt in prompts:
        expected = await ids_of(plain, prompt, sampling)
        for scope in (sampling.cache_scope, sampling.cache_scope, "b"):
            scoped = replace(sampling, cache_scope=scope)
            assert await ids_of(caching, prompt, scoped) == expected
        following = (*prompt, *expected, *prompts[0][2:])
        expected = await ids_of(plain, following, sampling)
        assert await ids_of(caching, following, sampling) == expected


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
def test_it_is_off_where_it_cannot_be(converted: Path, words: Vocabulary | None) -> None:
    with pytest.raises(UsageError, match="prefix cache"):
        OpenVINOEngine.open(converted, prefix_cache=True, vocabulary=words)
    with capture_logs() as logs:
        engine = OpenVINOEngine.open(converted, prefix_cache=None, vocabulary=words)
    assert [log["event"] for log in logs] == ["prefix_cache_unavailable"]
    assert asyncio.run(ids_of(engine, (5, 6, 7), GREEDY))
    asyncio.run(engine.close())


def test_a_graph_that_is_none_is_named(converted: Path, tmp_path: Path) -> None:
    (tmp_path / GRAPH_FILE).write_text("<net></net>")
    with pytest.raises(ModelFilesError, match=f"{tmp_path} cannot be loaded: its {GRAPH_FILE}"):
        a_pipeline(tmp_path)
