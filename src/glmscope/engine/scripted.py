"""An engine without weights: it plays prepared replies, and starts at once."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache

from glmscope.engine.engine import EngineAbility, EngineLoad, Sampling, Step, TokenLogprob
from glmscope.engine.invented import invented_logprob, invented_logprobs, invented_score
from glmscope.engine.json_example import json_example
from glmscope.engine.json_schema import read_json_schema
from glmscope.engine.pauses import Pauses
from glmscope.engine.script import Rule, Script
from glmscope.errors import EngineFailure

_DRAWN_SEED_BITS = 64

_ROLES = frozenset({"<|system|>", "<|user|>", "<|assistant|>", "<|observation|>"})
# As ChatGLM3 prints it, with the space in front of the text; ChatGLM2 prints neither.
_PREFIX = "[gMASK]sop "
_ROUND_QUESTION = "]\n\n问："
_ROUND_ANSWER = "\n\n答："


class ScriptedEngine:
    """Answers the last message of a prompt by a `Script`; keeps the contract of `Engine`.

    Sampling acts on the wordings that a reply offers: greedy (`temperature` 0 or `top_k` 1) says
    the first of each, otherwise the seed chooses, together with temperature, top-k and top-p. A
    repetition or presence penalty moves every choice on by one. After the reply comes `end_id`,
    again and again until a stop id or the limit ends the sequence.

    Where a reply has to follow a JSON schema, it is the simplest document that does, with the
    message for its strings (see `json_example`): `{"answer": message}` for any object. Where it has
    to be a call, it calls the first tool with such arguments; where it may be one, the script says
    what it likes.

    Log-probabilities, of replies and of texts to score, are invented (see `invented_logprob`):
    they show a client the shapes, and the same ids always have the same ones.

    Unlike a network's, its text is a function of words: it decodes the prompt to find the message,
    and encodes what the script says.
    """

    name = "scripted"
    abilities: frozenset[EngineAbility] = frozenset({"logprobs", "json", "calls", "score"})

    def __init__(
        self,
        encode: Callable[[str], list[int]],
        decode: Callable[[Sequence[int]], str],
        script: Script,
        end_id: int,
        max_positions: int,
    ) -> None:
        self.max_positions = max_positions
        self._encode = encode
        self._decode = decode
        self._script = script
        self._end_id = end_id
        self._running = 0
        self._pauses = Pauses()
        self._is_role = lru_cache(maxsize=None)(lambda token_id: decode((token_id,)) in _ROLES)

    async def generate(
        self, prompt_ids: Sequence[int], sampling: Sampling
    ) -> AsyncGenerator[Step, None]:
        """Play the reply that the script has for the prompt's last message."""
        room = min(sampling.max_new_tokens, self.max_positions - len(prompt_ids))
        if room < 1:
            raise EngineFailure("The prompt leaves no position for a reply.")
        self._running += 1
        try:
            question = self._last_message(prompt_ids)
            rule = self._script.rule_for(question)
            ids = self._encode(
                _held_text(sampling, question)
                or rule.text(question, self._decode(prompt_ids), _choices(rule, sampling))
            )
            endless = itertools.chain(ids, itertools.repeat(self._end_id))
            before = prompt_ids[-1]
            for step in _steps(endless, rule, room, sampling.stop_ids):
                await self._pauses.pause(rule.delay_ms * len(step.ids) / 1000)
                if sampling.logprobs is not None:
                    logprobs = invented_logprobs(before, step.ids, sampling.logprobs)
                    before = step.ids[-1] if step.ids else before
                    step = replace(step, logprobs=logprobs)
                    if step.end_id is not None:
                        end = invented_logprob(before, step.end_id, sampling.logprobs)
                        step = replace(step, end_logprob=end)
                yield step
        finally:
            self._running -= 1

    async def score(self, ids: Sequence[int]) -> list[TokenLogprob]:
        """See Engine.score; what it says is invented."""
        if not 1 <= len(ids) < self.max_positions:
            raise EngineFailure("The text is empty, or longer than what fits.")
        return invented_score(ids)

    def load(self) -> EngineLoad:
        """Replies being played; nothing ever waits."""
        return EngineLoad(running=self._running, waiting=0, kv_used=0.0)

    async def close(self) -> None:
        """Every running reply ends with ModelUnavailable, and so does every later one."""
        self._pauses.close()

    def _last_message(self, prompt_ids: Sequence[int]) -> str:
        """What the user, or a tool, said last.

        Roles are found by id, so that text which spells a role cannot be taken for one. In the
        ChatGLM2 format, which has no role ids, it is what follows the last `问：` that opens a
        round, the system text included. A prompt without either is all question.
        """
        marks = [index for index, each in enumerate(prompt_ids) if self._is_role(each)]
        if marks:
            start = marks[-2] if len(marks) > 1 else marks[-1]
            header_and_content = self._decode(prompt_ids[start + 1 : max(marks[-1], start + 1)])
            return header_and_content.partition("\n")[2].removeprefix(" ")
        text = self._decode(prompt_ids).removeprefix(_PREFIX)
        question = text.rpartition(_ROUND_QUESTION)[2]
        return question.removesuffix(_ROUND_ANSWER)


def _held_text(sampling: Sampling, question: str) -> str | None:
    """What a reply says that is not the script's to choose."""
    if sampling.json_schema is not None:
        return json_example(read_json_schema(sampling.json_schema), question)
    if sampling.calls is None or not sampling.calls.must_call:
        return None
    tool = sampling.calls.tools[0]
    arguments = json.loads(json_example(read_json_schema(tool.parameters), question))
    return f"{tool.name}\n ```python\ntool_call(**{arguments!r})\n```"


def _choices(rule: Rule, sampling: Sampling) -> list[int]:
    """A number for each part of the reply."""
    if sampling.temperature == 0 or sampling.top_k == 1:
        choices = [0] * len(rule.reply)
    else:
        seed = random.getrandbits(_DRAWN_SEED_BITS) if sampling.seed is None else sampling.seed
        settings = f"{seed} {sampling.temperature} {sampling.top_k} {sampling.top_p}"
        drawn = random.Random(settings)  # noqa: S311 (a choice of words, no secret)
        choices = [drawn.randrange(len(part)) for part in rule.reply]
    penalized = sampling.repetition_penalty != 1.0 or sampling.presence_penalty != 0.0
    return [choice + penalized for choice in choices]


def _steps(ids: Iterator[int], rule: Rule, room: int, stop_ids: frozenset[int]) -> Iterator[Step]:
    """Cut ids into steps, up to a stop id, the limit or the failure that the rule asks for."""
    gathered: list[int] = []
    for generated, token_id in enumerate(ids):
        if generated == rule.error_after:
            if gathered:
                yield Step(tuple(gathered))
            raise EngineFailure()
        if token_id in stop_ids:
            yield Step(tuple(gathered), "stop", end_id=token_id)
            return
        gathered.append(token_id)
        if generated + 1 == room:
            yield Step(tuple(gathered), "length")
            return
        if len(gathered) == rule.ids_per_step:
            yield Step(tuple(gathered))
            gathered = []
