"""Engines and requests for the tests of this room."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence

from glmscope.chat.events import Finished, ReplyEvent, TextPiece
from glmscope.chat.request import ChatRequest, Message, Role
from glmscope.chat.service import ChatService, Limits, ServedModel
from glmscope.engine.engine import Engine, EngineLoad, Sampling, Step
from glmscope.engine.script import Script
from glmscope.engine.scripted import ScriptedEngine
from glmscope.family import Family
from glmscope.text.tokenizer import Tokenizer
from tests.support.tokenizers import builtin_tokenizer

CHATGLM3 = builtin_tokenizer(Family.CHATGLM3)
CHATGLM2 = builtin_tokenizer(Family.CHATGLM2)
PUBLISHED_LIMITS = Limits(context=7500, input=6000, output=1500)


class ListedEngine:
    """Returns listed steps, or raises what is listed among them; remembers what it was asked."""

    name = "listed"
    abilities: frozenset[str] = frozenset()

    def __init__(self, steps: Sequence[Step | Exception] = (), max_positions: int = 8192) -> None:
        self.max_positions = max_positions
        self.steps = steps
        self.asked: list[tuple[list[int], Sampling]] = []
        self.taken = 0
        self.running = 0
        self.closed = 0

    async def generate(
        self, prompt_ids: Sequence[int], sampling: Sampling
    ) -> AsyncGenerator[Step, None]:
        self.asked.append((list(prompt_ids), sampling))
        self.running += 1
        try:
            for step in self.steps:
                await asyncio.sleep(0)
                if isinstance(step, Exception):
                    raise step
                self.taken += 1
                yield step
        finally:
            self.running -= 1

    def load(self) -> EngineLoad:
        return EngineLoad(self.running, 0, 0.0)

    async def close(self) -> None:
        self.closed += 1


def one_by_one(ids: Sequence[int], finish: str = "stop") -> list[Step]:
    return [*(Step((token_id,)) for token_id in ids), Step((), finish)]


def scripted(tokenizer: Tokenizer = CHATGLM3, script: str | None = None) -> ScriptedEngine:
    return ScriptedEngine(
        tokenizer.encode,
        tokenizer.decode,
        Script.builtin() if script is None else Script.from_json(script, "the test's script"),
        tokenizer.special.eos,
        8192,
    )


def serve(
    engine: Engine, tokenizer: Tokenizer = CHATGLM3, limits: Limits = PUBLISHED_LIMITS
) -> ChatService:
    return ChatService([ServedModel("m", tokenizer, engine, limits, "A model")])


def conversation(*messages: tuple[Role, str], **settings) -> ChatRequest:
    settings.setdefault("request_id", "r-1")
    return ChatRequest(
        model="m", messages=tuple(Message(role, text) for role, text in messages), **settings
    )


async def read(service: ChatService, request: ChatRequest) -> list[ReplyEvent]:
    return [event async for event in service.prepare(request)]


def joined(events: Sequence[ReplyEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextPiece))


def last(events: Sequence[ReplyEvent]) -> Finished:
    assert isinstance(events[-1], Finished)
    assert not any(isinstance(event, Finished) for event in events[:-1])
    return events[-1]


async def asked(request, tokenizer=CHATGLM3, limits=PUBLISHED_LIMITS, max_positions=8192):
    """The prompt ids and the sampling that reach the engine."""
    engine = ListedEngine([Step((), "stop")], max_positions)
    await read(serve(engine, tokenizer, limits), request)
    (call,) = engine.asked
    return call
