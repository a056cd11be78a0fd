"""Asks served models many questions side by side, greedily, and keeps what they generated."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from glmscope.chat.conversation import prompt_builder
from glmscope.chat.loop import LoopBrake
from glmscope.chat.request import Message
from glmscope.chat.service import ServedModel
from glmscope.engine.engine import Sampling
from glmscope.errors import UsageError
from glmscope.evaluate.checks import Check
from glmscope.family import Family
from glmscope.text.prompt import chatglm3_prompt
from glmscope.text.reply import ParsedTurn, parse_turn_ids
from glmscope.text.tokenizer import Tokenizer

SIDE_BY_SIDE = 32
"""Questions at a time: many enough to fill the batch, few enough for the KV cache."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A generated turn, read as the server reads it.

    `ended` tells a turn that the model ended by a stop id from one that was cut, by the limit or
    by the brake for endless repetition.
    """

    check: Check
    ids: tuple[int, ...]
    ended: bool
    turn: ParsedTurn

    @property
    def text(self) -> str:
        """The plain answer, empty for a call."""
        return self.turn.answer if isinstance(self.turn.answer, str) else ""


async def ask_all(
    questions: Sequence[tuple[ServedModel, Check]], progress: Callable[[], None] = lambda: None
) -> list[Answer]:
    """The answers, in the order of the questions; `progress` is called after each.

    Raises UsageError for a question that leaves no room for an answer, EngineFailure when the
    network fails.
    """
    turns = asyncio.Semaphore(SIDE_BY_SIDE)

    async def take_turn(model: ServedModel, check: Check) -> Answer:
        async with turns:
            answer = await _ask(model, check)
        progress()
        return answer

    return list(await asyncio.gather(*(take_turn(*question) for question in questions)))


async def _ask(model: ServedModel, check: Check) -> Answer:
    tokenizer = model.tokenizer
    prompt_ids = _prompt(tokenizer, check)
    room = model.engine.max_positions - len(prompt_ids)
    if room < 1:
        raise UsageError(f"The {check.kind} check {check.id} is longer than the model's context.")
    sampling = Sampling(
        min(model.limits.output, room), temperature=0.0, stop_ids=tokenizer.stop_ids
    )
    ids: list[int] = []
    brake = LoopBrake(tokenizer)
    ended = False
    async with aclosing(model.engine.generate(prompt_ids, sampling)) as steps:
        async for step in steps:
            for token_id in step.ids:
                brake.add(token_id)
            ids.extend(step.ids)
            ended = step.finish == "stop"
            if brake.loop is not None:
                break
    turn = parse_turn_ids(tokenizer, ids, check.offers_tools)
    return Answer(check, tuple(ids), ended, turn)


def _prompt(tokenizer: Tokenizer, check: Check) -> list[int]:
    """The conversation in the format of the tokenizer's family."""
    if tokenizer.family is Family.CHATGLM3:
        return chatglm3_prompt(tokenizer, check.messages)
    messages = []
    for message in check.messages:
        if message.role == "observation" or message.metadata or message.tools is not None:
            raise UsageError(f"Rounds cannot hold the {check.kind} check {check.id}.")
        messages.append(Message(message.role, message.content))
    return prompt_builder(tokenizer)(messages)
