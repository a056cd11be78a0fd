"""How well a model expects what an assistant said in dialogues it has never seen."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass

from glmscope.chat.service import ServedModel
from glmscope.errors import UsageError
from glmscope.evaluate.ask import SIDE_BY_SIDE
from glmscope.evaluate.checks import Check
from glmscope.text.prompt import chatglm3_dialogue


@dataclass(frozen=True, slots=True)
class Perplexity:
    """exp of the mean loss, and over how many tokens the mean was taken."""

    value: float
    tokens: int


async def perplexity(model: ServedModel, dialogues: Sequence[Check]) -> Perplexity:
    """Perplexity of the assistant's turns, through the engine as it serves.

    Raises UsageError for a dialogue that is longer than the model's context or where the engine
    cannot score, EngineFailure when the network fails.
    """
    if "score" not in model.engine.abilities:
        raise UsageError("This engine cannot tell how likely a given text is.")
    turns = asyncio.Semaphore(SIDE_BY_SIDE)

    async def losses(dialogue: Check) -> list[float]:
        ids, spoken = chatglm3_dialogue(model.tokenizer, dialogue.messages)
        if len(ids) >= model.engine.max_positions:
            raise UsageError(f"The dialogue {dialogue.id} is longer than the model's context.")
        async with turns:
            scores = await model.engine.score(ids)
        # scores[i] is of ids[i + 1]: nothing stands before the first id.
        return [-scores[index - 1].logprob for index in spoken]

    found = [loss for each in await asyncio.gather(*map(losses, dialogues)) for loss in each]
    if not found:
        raise UsageError("There is no assistant turn to measure perplexity on.")
    return Perplexity(math.exp(math.fsum(found) / len(found)), len(found))
