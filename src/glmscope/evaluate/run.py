"""One model through questions and held-out dialogues, by the engine that serves."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from glmscope.chat.service import ServedModel
from glmscope.evaluate.ask import Answer, ask_all
from glmscope.evaluate.checks import ROUNDS, Check
from glmscope.evaluate.judges import Verdict, judge
from glmscope.evaluate.perplexity import Perplexity, perplexity
from glmscope.family import Family


@dataclass(frozen=True, slots=True)
class Findings:
    """Answers with their verdicts, in the order asked, and the perplexity where wanted."""

    answers: Sequence[tuple[Answer, Verdict]]
    perplexity: Perplexity | None


def run_checks(
    models: Sequence[ServedModel],
    questions: Sequence[Check],
    dialogues: Sequence[Check] = (),
    progress: Callable[[], None] = lambda: None,
) -> Findings:
    """Ask, judge and score, then close the engine; `progress` is called for each answer.

    `models` are names of one model, on one engine: the first is asked, but for questions in rounds
    the first that has the format of ChatGLM2. Without one these are not asked.

    Raises UsageError for a check that does not fit the model, ServiceError when the network fails.
    """

    model = models[0]
    in_rounds = [each for each in models if each.tokenizer.family is Family.CHATGLM2]
    asked = [
        (each, check)
        for check in questions
        for each in (in_rounds if check.kind == ROUNDS else models)[:1]
    ]

    async def run() -> tuple[list[Answer], Perplexity | None]:
        try:
            answers = await ask_all(asked, progress)
            return answers, await perplexity(model, dialogues) if dialogues else None
        finally:
            await model.engine.close()

    answers, found = asyncio.run(run())
    # Threads, because judging an interpreter turn is waiting for a process.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        verdicts = list(pool.map(judge, answers))
    return Findings(list(zip(answers, verdicts, strict=True)), found)
