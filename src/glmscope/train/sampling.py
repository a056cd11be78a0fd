"""The tuned model's own answers, through the engine that serves, as the wrong half of pairs."""

from __future__ import annotations

import asyncio
import random
import tempfile
from collections.abc import Callable, Sequence
from contextlib import aclosing
from pathlib import Path

from glmscope.engine.engine import Engine, Sampling
from glmscope.engine.openvino import OpenVINOEngine
from glmscope.model.convert import convert
from glmscope.text.tokenizer import Tokenizer
from glmscope.train.material import tuning_dialogues, tuning_example
from glmscope.train.preferences import Pair, last_answer
from glmscope.train.settings import Settings

SIDE_BY_SIDE = 32
LONGEST_ANSWER = 400


def sample_pairs(
    settings: Settings, checkpoint: Path, tokenizer: Tokenizer, progress: Callable[[int], None]
) -> list[Pair]:
    """Questions that the model was not tuned on, with every answer of its own that is not right.

    Answers are drawn at temperature 1, so that slips show which greedy answers hide. `progress`
    is told how many more questions are answered.
    """
    prompts = _prompts(settings, tokenizer)
    with tempfile.TemporaryDirectory() as directory:
        converted = Path(directory) / "model"
        convert(checkpoint, converted, weights="fp32")
        engine = OpenVINOEngine.open(converted)
        return asyncio.run(_wrong_answers(engine, tokenizer, prompts, settings.seed, progress))


def _prompts(settings: Settings, tokenizer: Tokenizer) -> list[tuple[list[int], list[int]]]:
    fresh = settings.with_seed(settings.seed + 2)  # `tune` has the seed itself, `retune` the next
    share = settings.alignment.prompts / sum(settings.mix.values())
    rng = random.Random(fresh.seed)  # noqa: S311
    examples = (
        tuning_example(dialogue, tokenizer, settings.rounds_share, rng)
        for dialogue in tuning_dialogues(fresh, share)
    )
    prompts = (last_answer(example) for example in examples)
    # A dialogue that leaves no room for another answer than its own is not asked.
    room = settings.shape.seq_length - LONGEST_ANSWER
    return [(prompt, right) for prompt, right in prompts if len(prompt) <= room]


async def _wrong_answers(
    engine: Engine,
    tokenizer: Tokenizer,
    prompts: Sequence[tuple[list[int], list[int]]],
    seed: int,
    progress: Callable[[int], None],
) -> list[Pair]:
    turns = asyncio.Semaphore(SIDE_BY_SIDE)

    async def ask(number: int, prompt: list[int], right: list[int]) -> Pair | None:
        sampling = Sampling(
            LONGEST_ANSWER,
            temperature=1.0,
            top_p=1.0,
            seed=seed + number,
            stop_ids=tokenizer.stop_ids,
        )
        written: list[int] = []
        async with turns, aclosing(engine.generate(prompt, sampling)) as steps:
            async for step in steps:
                written += step.ids
                if step.end_id is not None:
                    written.append(step.end_id)
        progress(1)
        return None if written == right else Pair(prompt, right, written)

    try:
        tasks = (ask(number, *prompt) for number, prompt in enumerate(prompts))
        found = await asyncio.gather(*tasks)
    finally:
        await engine.close()
    return [pair for pair in found if pair is not None]
