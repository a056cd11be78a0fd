"""A model that says what a test has prepared, and answers without a model at all."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Sequence
from typing import Any

from glmscope.chat.limits import Limits
from glmscope.chat.service import ServedModel
from glmscope.engine.engine import EngineLoad, Sampling, Step, TokenLogprob
from glmscope.evaluate.ask import Answer
from glmscope.evaluate.checks import Check
from glmscope.family import Family
from glmscope.text.prompt import TOOLS_HEADER, PromptMessage, chatglm3_prompt
from glmscope.text.reply import parse_turn_ids
from glmscope.text.tokenizer import Tokenizer
from tests.support.tokenizers import builtin_tokenizer

TOKENIZER = builtin_tokenizer(Family.CHATGLM3)
WEATHER = {
    "name": "get_weather",
    "description": "Weather of a city",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
}


def check(kind: str, expect: dict[str, Any], question: str = "?", tools: Any = None) -> Check:
    opening = () if tools is None else (PromptMessage("system", TOOLS_HEADER, tools=tools),)
    return Check(kind, f"{kind}-{question}", (*opening, PromptMessage("user", question)), expect)


def generated(text: str, metadata: str = "") -> list[int]:
    """Ids of a turn as a model generates it: the metadata line, then the content."""
    return TOKENIZER.encode(f"{metadata}\n") + TOKENIZER.encode(text)


def answered(check: Check, text: str, metadata: str = "", ended: bool = True) -> Answer:
    ids = generated(text, metadata)
    turn = parse_turn_ids(TOKENIZER, ids, check.offers_tools)
    return Answer(check, tuple(ids), ended, turn)


class PreparedEngine:
    """Says for each prompt the ids that were prepared for it, then a stop id."""

    name = "prepared"
    max_positions = 2048
    abilities = frozenset({"score"})

    def __init__(
        self, replies: Iterable[tuple[Check, Sequence[int]]] = (), logprob: float = 0.0
    ) -> None:
        self._replies: dict[tuple[int, ...], Sequence[int]] = {}
        for check, ids in replies:
            self.prepare(chatglm3_prompt(TOKENIZER, check.messages), ids)
        self._logprob = logprob
        self.asked: list[Sampling] = []
        self.scored: list[Sequence[int]] = []
        self.closed = False

    def prepare(self, prompt: Sequence[int], ids: Sequence[int]) -> None:
        self._replies[tuple(prompt)] = ids

    async def generate(
        self, prompt_ids: Sequence[int], sampling: Sampling
    ) -> AsyncGenerator[Step, None]:
        self.asked.append(sampling)
        for count, token_id in enumerate(self._replies[tuple(prompt_ids)], 1):
            yield Step((token_id,), "length" if count == sampling.max_new_tokens else None)
            if count == sampling.max_new_tokens:
                return
        yield Step((), "stop", end_id=max(sampling.stop_ids))

    async def score(self, ids: Sequence[int]) -> list[TokenLogprob]:
        self.scored.append(ids)
        return [TokenLogprob(token_id, self._logprob) for token_id in ids[1:]]

    def load(self) -> EngineLoad:
        return EngineLoad(0, 0, 0.0)

    async def close(self) -> None:
        self.closed = True


def served(
    engine: PreparedEngine, output: int = 1500, tokenizer: Tokenizer = TOKENIZER
) -> ServedModel:
    return ServedModel("nano", tokenizer, engine, Limits(2048, 2048, output), "a prepared model")
