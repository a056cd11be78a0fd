"""An engine on which faults are played."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing

from glmscope.engine.engine import Engine, EngineLoad, Sampling, Step, TokenLogprob
from glmscope.engine.fault import Fault
from glmscope.engine.pauses import Pauses


class FaultyEngine:
    """Slows or breaks the replies of another engine; otherwise it is that engine.

    `fault` tells what befalls the reply whose reader is asking.
    """

    def __init__(self, engine: Engine, fault: Callable[[], Fault | None]) -> None:
        self.name = engine.name
        self.max_positions = engine.max_positions
        self.abilities = engine.abilities
        self._engine = engine
        self._fault = fault
        self._pauses = Pauses()

    async def generate(
        self, prompt_ids: Sequence[int], sampling: Sampling
    ) -> AsyncGenerator[Step, None]:
        """See Engine.generate."""
        fault = self._fault() or Fault()
        made = 0
        async with aclosing(self._engine.generate(prompt_ids, sampling)) as steps:
            async for step in steps:
                if fault.error_after is not None and made + len(step.ids) >= fault.error_after:
                    if kept := fault.error_after - made:
                        yield Step(step.ids[:kept], logprobs=step.logprobs[:kept])
                    raise fault.failure
                if step.ids:
                    first = fault.first_token_ms if made == 0 else fault.token_ms
                    later = fault.token_ms * (len(step.ids) - 1)
                    await self._pauses.pause((first + later) / 1000)
                made += len(step.ids)
                yield step

    async def score(self, ids: Sequence[int]) -> list[TokenLogprob]:
        """See Engine.score."""
        return await self._engine.score(ids)

    def load(self) -> EngineLoad:
        """See Engine.load."""
        return self._engine.load()

    async def close(self) -> None:
        """See Engine.close."""
        self._pauses.close()
        await self._engine.close()
