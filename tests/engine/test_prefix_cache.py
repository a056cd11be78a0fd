"""The prefix cache: a scope reads its own prompts' beginnings once, and nobody else's."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from glmscope.engine.engine import Sampling
from glmscope.engine.pipeline import Pipeline
from glmscope.errors import ModelUnavailable
from tests.engine.prefix_cache import (
    COLD,
    GREEDY,
    PROMPT,
    VOCABULARY,
    WARM,
    a_pipeline,
    a_prompt,
    steps_to_first_id,
)


@pytest.fixture
def pipeline(cacheable: Path) -> Pipeline:
    return a_pipeline(cacheable)


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


def test_a_full_cache_lets_go_of_the_oldest(cacheable: Path) -> None:
    """A pool of 1,280 tokens, prompts of 600: the third one takes the room of the first."""
    pipeline = a_pipeline(cacheable, tokens=1280)
    prompts = [a_prompt(seed) for seed in range(8)]
    for prompt in prompts:
        assert steps_to_first_id(pipeline, prompt, GREEDY) == COLD
    assert steps_to_first_id(pipeline, prompts[-1], GREEDY) == WARM
    assert steps_to_first_id(pipeline, prompts[0], GREEDY) == COLD


def test_pairs_are_never_given_twice(cacheable: Path) -> None:
    """8 ids stand for the first and 8 for the second: 64 scopes with a penalty, and then none."""
    pipeline = a_pipeline(cacheable, known=VOCABULARY - 16)
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
