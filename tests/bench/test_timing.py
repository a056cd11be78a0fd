"""An engine whose steps the test decides: one token for every stream that runs, or none yet."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence

import pytest

from glmscope.bench.timing import time_decode, time_prefill
from glmscope.engine.engine import EngineLoad, Sampling, Step, TokenLogprob
from glmscope.errors import EngineFailure, UsageError


class PacedEngine:
    """Reads prompts one after another, a tick each; decodes what is read, a token a tick."""

    name = "paced"
    max_positions = 1000
    abilities = frozenset[str]()

    def __init__(self) -> None:
        self.running = 0
        self.asked: list[tuple[int, Sampling]] = []
        self.given: dict[int, int] = {}

    async def generate(
        self, prompt_ids: Sequence[int], sampling: Sampling
    ) -> AsyncGenerator[Step, None]:
        number = len(self.asked)
        self.asked.append((len(prompt_ids), sampling))
        if prompt_ids[0] == 0:
            raise EngineFailure("It broke.")
        self.running += 1
        try:
            await asyncio.sleep(0.01 * (number + 1))
            for _ in range(sampling.max_new_tokens):
                self.given[number] = self.given.get(number, 0) + 1
                yield Step((7,))
                await asyncio.sleep(0.001)
        finally:
            self.running -= 1

    async def score(self, ids: Sequence[int]) -> list[TokenLogprob]:
        raise NotImplementedError

    def load(self) -> EngineLoad:
        return EngineLoad(self.running, 0, 0.0)

    async def close(self) -> None:
        pass


async def test_streams_are_timed_from_when_the_last_one_has_begun() -> None:
    engine = PacedEngine()
    decoded = await time_decode(engine, [[1] * 10] * 3, new=5)
    # The first one decoded while the others read; that is not among the gaps.
    assert engine.given[0] > engine.given[2]
    assert len(decoded.gap_seconds) == 3 * 5
    assert len(decoded.first_seconds) == 3
    assert list(decoded.first_seconds) == sorted(decoded.first_seconds)
    assert decoded.tokens_per_second > 0
    # From its prompt and first token on, five more: 13.5 tokens on average for the last stream.
    assert decoded.context > 13.5
    assert engine.running == 0


async def test_nothing_but_the_timed_tokens_ends_a_stream() -> None:
    engine = PacedEngine()
    await time_decode(engine, [[1] * 10], new=5)
    ((length, sampling),) = engine.asked
    assert length + sampling.max_new_tokens == engine.max_positions
    assert not sampling.stop_ids
    assert sampling.temperature == 0


async def test_streams_that_never_ran_together_are_not_timed() -> None:
    """The first one ends at once, while the other one reads."""
    with pytest.raises(UsageError, match="no room for 2 replies side by side"):
        await time_decode(PacedEngine(), [[1] * 10] * 2, new=5, longest=1)


async def test_a_prompt_is_timed_to_its_first_token() -> None:
    engine = PacedEngine()
    assert await time_prefill(engine, [1] * 10) >= 0.01
    ((_, sampling),) = engine.asked
    assert sampling.max_new_tokens == 1


async def test_what_the_engine_says_is_raised() -> None:
    with pytest.raises(EngineFailure, match="It broke"):
        await time_prefill(PacedEngine(), [0])
    with pytest.raises(EngineFailure, match="It broke"):
        await time_decode(PacedEngine(), [[0]], new=5)
