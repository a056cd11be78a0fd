"""Beginnings that all scopes share: those are read once for everybody, and nothing else is."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from glmscope.engine.engine import Sampling
from glmscope.engine.openvino import OpenVINOEngine
from glmscope.engine.pipeline import (
    BLOCK_TOKENS,
    FEWEST_SHARED,
    Pipeline,
    PipelineSettings,
    shared_tokens,
)
from glmscope.engine.salts import MOST_SHARED, Aliases, Salts
from glmscope.errors import ModelUnavailable, UsageError
from glmscope.model.convert import convert
from glmscope.model.manifest import read_manifest
from tests.engine.prefix_cache import (
    GREEDY,
    KNOWN,
    OPENING,
    PROMPT,
    VOCABULARY,
    WORDS,
    a_pipeline,
    a_prompt,
    an_engine,
    assert_same,
    entries,
    entries_of,
    ids_of,
    steps_to_first_id,
)
from tests.support.paths import GOLDEN, needs_golden

BEGINNING = PROMPT[:545]
"""17 blocks, and the id after them: read in three steps, 256 ids at a time."""
OTHER = replace(GREEDY, cache_scope="b")
THIRD = replace(GREEDY, cache_scope="c")
NOBODYS = replace(GREEDY, cache_scope=None)


def going_on(seed: int, length: int = 40) -> tuple[int, ...]:
    """A prompt that begins as it is shared."""
    return (*BEGINNING, *a_prompt(seed, length)[2:])


@pytest.fixture
def sharing(cacheable: Path) -> Pipeline:
    return a_pipeline(cacheable, shared=(BEGINNING,))


def test_a_beginning_is_read_once_for_all_scopes(sharing: Pipeline) -> None:
    assert steps_to_first_id(sharing, going_on(1), GREEDY) == 3
    assert steps_to_first_id(sharing, going_on(2), GREEDY) == 1
    assert steps_to_first_id(sharing, going_on(3), OTHER) == 1
    assert steps_to_first_id(sharing, going_on(1), THIRD) == 1


def test_what_follows_it_is_each_scopes_own(sharing: Pipeline) -> None:
    """Behind the beginning stand 500 ids more: two steps, and one where the scope has read them."""
    long = going_on(1, 500)
    assert steps_to_first_id(sharing, going_on(2), THIRD) == 3
    assert steps_to_first_id(sharing, long, GREEDY) == 2
    assert steps_to_first_id(sharing, long, GREEDY) == 1
    assert steps_to_first_id(sharing, long, OTHER) == 2
    assert steps_to_first_id(sharing, long, OTHER) == 1
    assert steps_to_first_id(sharing, long, GREEDY) == 1


@pytest.mark.parametrize("read", [BLOCK_TOKENS - 1, BLOCK_TOKENS, 40])
def test_the_first_block_behind_it_is_each_scopes_own(sharing: Pipeline, read: int) -> None:
    """257 ids behind the whole blocks take two steps, and one if any of them were found."""
    known, longer = going_on(1, 300)[: 545 + read], going_on(1, 300)[: 544 + 257]
    steps_to_first_id(sharing, known, GREEDY)
    assert steps_to_first_id(sharing, longer, OTHER) == 2
    assert steps_to_first_id(sharing, longer, GREEDY) == 1


@pytest.mark.parametrize("differs_at", [2, 31, 300, 543, 544])
def test_a_prompt_that_begins_otherwise_shares_nothing(sharing: Pipeline, differs_at: int) -> None:
    """Neither what others have read of the beginning, nor what others have read of itself."""
    near = list(going_on(1))
    near[differs_at] = (near[differs_at] + 1) % KNOWN
    assert steps_to_first_id(sharing, going_on(1), GREEDY) == 3
    assert steps_to_first_id(sharing, tuple(near), OTHER) == 3
    assert steps_to_first_id(sharing, tuple(near), OTHER) == 1
    assert steps_to_first_id(sharing, tuple(near), GREEDY) == 3


def test_a_beginning_of_it_shares_nothing(sharing: Pipeline) -> None:
    assert steps_to_first_id(sharing, going_on(1), GREEDY) == 3
    assert steps_to_first_id(sharing, BEGINNING[:-1], OTHER) == 3


def test_nobodys_prompts_and_penalized_ones_share_nothing(sharing: Pipeline) -> None:
    penalized = replace(GREEDY, repetition_penalty=1.2)
    assert steps_to_first_id(sharing, going_on(1), GREEDY) == 3
    assert steps_to_first_id(sharing, going_on(1), NOBODYS) == 3
    assert steps_to_first_id(sharing, going_on(1), penalized) == 3
    assert steps_to_first_id(sharing, going_on(1), penalized) == 1
    assert steps_to_first_id(sharing, going_on(1), replace(OTHER, repetition_penalty=1.2)) == 3


def test_of_beginnings_the_longest_counts(cacheable: Path) -> None:
    """And a shorter one is found in a longer one, for it is the same."""
    shorter = BEGINNING[: 8 * BLOCK_TOKENS + 1]
    pipeline = a_pipeline(cacheable, shared=(shorter, BEGINNING))
    branch = (*shorter, *a_prompt(5, 300)[2:])
    assert steps_to_first_id(pipeline, going_on(1), GREEDY) == 3
    assert steps_to_first_id(pipeline, going_on(2), OTHER) == 1
    assert steps_to_first_id(pipeline, branch, THIRD) == 2
    assert steps_to_first_id(pipeline, branch, OTHER) == 2
    assert steps_to_first_id(pipeline, branch, OTHER) == 1


async def test_it_changes_no_answer_however_many_ask(cacheable: Path) -> None:
    """Eight scopes at once, whose prompts are as long as the beginning and longer."""
    prompts = [going_on(seed, 2 + 7 * seed) for seed in range(1, 9)]
    plain = await an_engine(cacheable)
    expected = [await ids_of(plain, prompt, GREEDY) for prompt in prompts]
    await plain.close()
    engine = await an_engine(cacheable, WORDS, prefix_cache=True, shared=[BEGINNING])
    try:
        for _ in range(2):
            scoped = [replace(GREEDY, cache_scope=str(number)) for number in range(len(prompts))]
            answers = (ids_of(engine, *each) for each in zip(prompts, scoped, strict=True))
            assert await asyncio.gather(*answers) == expected
        scored = await engine.score(prompts[0])
        assert [each.id for each in scored] == list(prompts[0][1:])
    finally:
        await engine.close()


@needs_golden
@pytest.mark.parametrize("name", ["glm3_ptuning", "glm2_ptuning_proj"])
def test_virtual_ids_are_shared_with_the_beginning(name: str, tmp_path: Path) -> None:
    source = GOLDEN / "models" / name
    separate = source / "ptuning"
    convert(source, tmp_path / "m", weights="fp32", prefix=separate if separate.is_dir() else None)
    manifest = read_manifest(tmp_path / "m")
    vocabulary, virtual = manifest.config.padded_vocab_size, manifest.prefix_length
    sequence = (
        *range(vocabulary, vocabulary + virtual),
        100,
        101,
        *(3 + n % 90 for n in range(90)),
    )
    shared = sequence[: virtual + shared_tokens(70, virtual) + 1]
    assert (len(shared) - 1) % BLOCK_TOKENS == 0
    assert virtual + 2 < len(shared) <= virtual + 70
    aliases = Aliases((100, 101), 104, vocabulary, virtual, (shared,))
    plain = Pipeline(tmp_path / "m", PipelineSettings(2048, fast=False))
    caching = Pipeline(tmp_path / "m", PipelineSettings(2048, fast=False, aliases=aliases))
    one = Sampling(1, temperature=0.0, logprobs=0)
    for scope in ("a", "a", "b"):
        scoped = replace(one, cache_scope=scope)
        assert_same(entries(caching, sequence, scoped), entries(plain, sequence, scoped))


def test_every_alias_behind_every_beginning_stands_for_its_id(cacheable: Path) -> None:
    """The first and the last one of each, for the runtime compares ids as float32."""
    shared = tuple(a_prompt(seed, BLOCK_TOKENS + 1) for seed in range(MOST_SHARED))
    pipeline = a_pipeline(cacheable, shared=shared)
    aliases = Aliases(OPENING, KNOWN, VOCABULARY, shared=shared)
    one = Sampling(1, temperature=0.0, logprobs=0)
    for beginning in shared[:: MOST_SHARED // 4] + shared[-1:]:
        found = []
        for alias in (beginning[-1], aliases.behind(beginning)[0], aliases.behind(beginning)[-1]):
            handle = pipeline.queue((*beginning[:-1], alias, *PROMPT[2:10]), one)
            found.append(entries_of(pipeline, handle, one))
        assert_same(found[1], found[0])
        assert_same(found[2], found[0])


def test_no_salt_is_given_twice() -> None:
    aliases = Aliases(OPENING, KNOWN, VOCABULARY, shared=(BEGINNING,))
    salts = Salts(aliases)
    given = aliases.behind(BEGINNING)
    drawn = {
        salts.salted(BEGINNING, str(number), penalized=False)[-1] for number in range(len(given))
    }
    assert drawn == set(given)
    assert salts.is_spent
    assert salts.salted(BEGINNING, "0", penalized=False)[-1] in drawn
    with pytest.raises(ModelUnavailable):
        salts.salted(BEGINNING, "new", penalized=False)
    assert salts.salted(PROMPT[:40], "new", penalized=False)[0] in aliases.far


@pytest.mark.parametrize("virtual", range(0, 70, 3))
@pytest.mark.parametrize("length", [FEWEST_SHARED, FEWEST_SHARED + 1, 64, 65, 1000])
def test_more_than_the_opening_is_shared(length: int, virtual: int) -> None:
    tokens = shared_tokens(length, virtual)
    assert (virtual + tokens) % BLOCK_TOKENS == 0
    assert 2 < tokens < length <= tokens + BLOCK_TOKENS


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"shared": [PROMPT[: FEWEST_SHARED - 1]]}, f"holds {FEWEST_SHARED} ids or more"),
        ({"shared": [PROMPT[2:]]}, "begins as prompts do"),
        ({"shared": [a_prompt(seed, 40) for seed in range(33)]}, "No more than 32"),
        ({"shared": [PROMPT], "prefix_cache": False}, "where there is a prefix cache"),
        ({"shared": [PROMPT], "prefix_cache": None, "vocabulary": None}, "needs a network with"),
    ],
)
def test_what_cannot_be_shared_is_refused(
    cacheable: Path, settings: dict[str, object], reason: str
) -> None:
    with pytest.raises(UsageError, match=reason):
        OpenVINOEngine.open(cacheable, **{"vocabulary": WORDS, "prefix_cache": None, **settings})
