"""Scripted engines and what they say: what tests of them share."""

from __future__ import annotations

import json

from glmscope.engine.engine import Engine, Sampling, Step
from glmscope.engine.script import Script
from glmscope.engine.scripted import ScriptedEngine
from glmscope.family import Family
from glmscope.text.prompt import PromptMessage, chatglm3_prompt
from glmscope.text.tokenizer import Tokenizer
from tests.support.tokenizers import builtin_tokenizer

CHATGLM3 = builtin_tokenizer(Family.CHATGLM3)
CHATGLM2 = builtin_tokenizer(Family.CHATGLM2)
SIX_WORDINGS = ["一", "二", "三", "四", "五", "六"]


def script(*rules: dict[str, object]) -> Script:
    return Script.from_json(json.dumps({"rules": rules}), "the test's script")


def engine(
    of: Script | None = None, tokenizer: Tokenizer = CHATGLM3, max_positions: int = 8192
) -> ScriptedEngine:
    return ScriptedEngine(
        tokenizer.encode,
        tokenizer.decode,
        of or Script.builtin(),
        tokenizer.special.eos,
        max_positions,
    )


def ask(question: str) -> list[int]:
    return chatglm3_prompt(CHATGLM3, [PromptMessage("user", question)])


def sampling(max_new_tokens: int = 1500, **settings) -> Sampling:
    settings.setdefault("stop_ids", CHATGLM3.stop_ids)
    return Sampling(max_new_tokens, **settings)


async def play(running: Engine, prompt_ids: list[int], how: Sampling) -> list[Step]:
    return [step async for step in running.generate(prompt_ids, how)]


async def say(running: Engine, prompt_ids: list[int], **settings) -> str:
    settings.setdefault("temperature", 0.0)
    steps = await play(running, prompt_ids, sampling(**settings))
    return CHATGLM3.decode([token_id for step in steps for token_id in step.ids])
