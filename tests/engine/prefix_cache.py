"""Networks with a prefix cache, and how often they run: what the tests of it share."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest

from glmscope.cli.vocabulary import vocabulary_of
from glmscope.engine.engine import Sampling, TokenLogprob
from glmscope.engine.openvino import OpenVINOEngine
from glmscope.engine.pipeline import Handle, Pipeline, PipelineSettings, read_step
from glmscope.engine.salts import Aliases
from glmscope.engine.vocabulary import Vocabulary
from glmscope.family import Family
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


def a_pipeline(
    directory: Path,
    tokens: int = 8192,
    known: int = KNOWN,
    shared: tuple[tuple[int, ...], ...] = (),
) -> Pipeline:
    aliases = Aliases(OPENING, known, VOCABULARY, shared=shared)
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


async def an_engine(directory: Path, words: Vocabulary | None = None, **options) -> OpenVINOEngine:
    return await asyncio.to_thread(
        lambda: OpenVINOEngine.open(directory, vocabulary=words, **options)
    )


async def ids_of(engine: OpenVINOEngine, prompt: tuple[int, ...], sampling: Sampling) -> list[int]:
    return [i async for step in engine.generate(prompt, sampling) for i in step.ids]


def entries(
    pipeline: Pipeline, sequence: tuple[int, ...], sampling: Sampling, echo: bool = False
) -> list[TokenLogprob]:
    return entries_of(pipeline, pipeline.add(sequence, sampling, echo), sampling)


def entries_of(pipeline: Pipeline, handle: Handle, sampling: Sampling) -> list[TokenLogprob]:
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
