"""What an engine is: prompt ids in, generated ids out. It knows nothing of text, roles or users.

The whole contract stands on this page. `openvino.py` runs a real network, `scripted.py` plays
prepared replies; anything that keeps the contract can serve.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

FinishReason = Literal["stop", "length"]
EngineAbility = Literal["logprobs", "json", "calls", "score"]
"""What an engine may be able to do beside continuing a prompt."""

ANY_OBJECT = '{"type":"object"}'
"""The schema that every JSON object follows."""
LOWEST_LOGPROB = -9999.0
"""Stands for log-probabilities that JSON has no number for."""


@dataclass(frozen=True, slots=True)
class CallableTool:
    """A tool by its name, and the JSON text of the schema that its arguments follow."""

    name: str
    parameters: str


@dataclass(frozen=True, slots=True)
class CallRule:
    """Which tools a reply may call, in the family's own syntax.

    With `must_call` a reply is a call, else it may be a text or begin with one; with `several` a
    call may be followed by another. `code` is the name of what takes Python code instead of
    arguments, where there is such a thing. At least one of `tools` and `code` is there.
    """

    tools: tuple[CallableTool, ...]
    must_call: bool = False
    several: bool = True
    code: str | None = None


@dataclass(frozen=True, slots=True)
class Sampling:
    """How to draw each next id.

    `temperature` 0 means greedy; `top_k` 0 and `top_p` 1.0 mean off. `seed` None draws one.
    `stop_ids` end the sequence and are not part of what is returned. Ranges are checked by
    whoever makes one of these from a request; an engine may rely on them.

    `logprobs` k asks for the log-probability of every id with its k likeliest alternatives; None
    asks for nothing. `json_schema` is the JSON text of a schema that the reply must follow;
    `calls` says what the reply may call, and that it calls nothing else. At most one of the two.

    `cache_scope` says whose earlier prompts an engine that keeps what it has read may build on, and
    who may build on this one: those of the same scope and nobody else, but for beginnings that the
    engine was opened to share among all. None: nobody.
    """

    max_new_tokens: int
    temperature: float = 0.8
    top_p: float = 0.8
    top_k: int = 0
    repetition_penalty: float = 1.0
    presence_penalty: float = 0.0
    seed: int | None = None
    stop_ids: frozenset[int] = field(default_factory=frozenset)
    logprobs: int | None = None
    json_schema: str | None = None
    calls: CallRule | None = None
    cache_scope: str | None = None


@dataclass(frozen=True, slots=True)
class TokenLogprob:
    """How likely an id was where it stands: natural logarithms, never below LOWEST_LOGPROB.

    `top` holds ids with their log-probabilities, best first. An engine may know fewer of them than
    were asked for; where any were asked for, the id itself is one of them.
    """

    id: int
    logprob: float
    top: tuple[tuple[int, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """What a sequence grew by since the last step; the last step alone has a `finish`.

    `end_id` is the stop id that brought the finish, where the engine knows; `ids` lacks it.
    `logprobs` holds one entry an id where they were asked for, and nothing otherwise; so does
    `end_logprob` for `end_id`.
    """

    ids: tuple[int, ...]
    finish: FinishReason | None = None
    logprobs: tuple[TokenLogprob, ...] = ()
    end_id: int | None = None
    end_logprob: TokenLogprob | None = None


@dataclass(frozen=True, slots=True)
class EngineLoad:
    """How busy an engine is, for metrics and admission."""

    running: int
    waiting: int
    kv_used: float
    """Share of the KV cache in use, 0 to 1."""


class Engine(Protocol):
    """Runs many sequences side by side. All methods are called from one event loop."""

    name: str
    """What `/healthz` and logs call it, e.g. `openvino-cpu`."""
    max_positions: int
    """Prompt and reply together never hold more ids than this."""
    abilities: frozenset[EngineAbility]
    """What it can do beyond `generate` without logprobs, json_schema and calls."""

    def generate(self, prompt_ids: Sequence[int], sampling: Sampling) -> AsyncGenerator[Step, None]:
        """Continue `prompt_ids`; steps arrive as they are made.

        Closing the iterator (`aclose`, or cancelling the task that reads it) stops the
        generation within one step and frees its cache. The same prompt, sampling and seed give
        the same ids again. With exact weights they do so however many other sequences run
        beside it; int8 arithmetic rounds by the shape of the batch, so that there a near tie may
        fall differently in a crowd.

        Raises EngineFailure when the network fails, ModelUnavailable once closed, and
        InvalidParameter for logprobs, a json_schema or calls that it cannot give or follow.
        """
        ...

    async def score(self, ids: Sequence[int]) -> list[TokenLogprob]:
        """How likely each id of a text is after those before it: one entry an id but the first.

        Raises as `generate` does; InvalidParameter when "score" is not among its abilities.
        """
        ...

    def load(self) -> EngineLoad:
        """How busy it is at this moment."""
        ...

    async def close(self) -> None:
        """Stop every sequence (their readers get ModelUnavailable) and let go of the memory."""
        ...
