"""The prefix cache changes no answer: with virtual ids, and of the built-in model."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from glmscope import nano
from glmscope.cli.vocabulary import vocabulary_of
from glmscope.engine.engine import Sampling
from glmscope.engine.openvino import OpenVINOEngine
from glmscope.engine.pipeline import Pipeline, PipelineSettings
from glmscope.engine.salts import Aliases
from glmscope.family import Family
from glmscope.model.convert import convert
from glmscope.model.manifest import TOKENIZER_FILE, read_manifest
from glmscope.text.tokenizer import Tokenizer
from tests.engine.prefix_cache import assert_same, entries, ids_of
from tests.support.paths import GOLDEN, needs_golden


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
