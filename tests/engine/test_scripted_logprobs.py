"""Log-probabilities that a scripted engine invents."""

from __future__ import annotations

import math

import pytest

from glmscope.errors import EngineFailure
from tests.engine.scripted import ask, engine, play, sampling, script


@pytest.mark.parametrize("ids_per_step", [1, 3])
async def test_invented_logprobs_depend_on_the_ids_alone(ids_per_step: int):
    running = engine(script({"reply": "一二三四五", "ids_per_step": ids_per_step}))
    steps = await play(running, ask("x"), sampling(logprobs=3))
    known = [each for step in steps for each in step.logprobs]
    ids = [token_id for step in steps for token_id in step.ids]
    assert [each.id for each in known] == ids
    scored = await running.score([*ask("x"), *ids])
    assert [each.logprob for each in scored[-len(ids) :]] == [each.logprob for each in known]


async def test_invented_alternatives_are_a_distribution():
    steps = await play(engine(), ask("介绍下杭州"), sampling(temperature=0.0, logprobs=5))
    known = [each for step in steps for each in step.logprobs]
    assert len({each.logprob for each in known}) > 10
    for each in known:
        assert each.top[0] == (each.id, each.logprob)
        assert len({token_id for token_id, _ in each.top}) == 5
        logprobs = [logprob for _, logprob in each.top]
        assert logprobs == sorted(logprobs, reverse=True)
        assert 0.5 < sum(map(math.exp, logprobs)) < 1


async def test_unasked_nothing_is_invented():
    assert not any(step.logprobs for step in await play(engine(), ask("x"), sampling()))


@pytest.mark.parametrize("ids", [[], [5] * 8192])
async def test_what_cannot_be_scored_fails(ids: list[int]):
    with pytest.raises(EngineFailure):
        await engine().score(ids)


async def test_the_end_has_a_logprob_of_its_own():
    running = engine()
    *_, last = await play(running, ask("x"), sampling(logprobs=2))
    assert last.end_logprob is not None
    assert last.end_logprob.id == last.end_id
    *_, last = await play(running, ask("x"), sampling(3, logprobs=2))
    assert last.end_logprob is None
