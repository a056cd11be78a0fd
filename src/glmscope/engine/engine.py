"""What an engine is: prompt ids in, generated ids out. It knows nothing of text, roles or users.

The whole contract stands on this page. `openvino.py` runs a real network, `scripted.py` plays
prepared replies; anything that keeps the contract can serve.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

FinishReason = Literal["stop", "length"]


@dataclass(frozen=True, slots=True)
class Sampling:
    """How to draw each next id.

    `temperature` 0 means greedy; `top_k` 0 and `top_p` 1.0 mean off. `seed` None draws one.
    `stop_ids` end the sequence and are not part of what is returned. Ranges are checked by
    whoever makes one of these from a request; an engine may rely on them.
    """

    max_new_tokens: int
    temperature: float = 0.8
    top_p: float = 0.8
    top_k: int = 0
    repetition_penalty: float = 1.0
    presence_penalty: float = 0.0
    seed: int | None = None
    stop_ids: frozenset[int] = field(default_factory=frozenset)


@dataclass(frozen=True, slots=True)
class Step:
    """What a sequence grew by since the last step; the last step alone has a `finish`."""

    ids: tuple[int, ...]
    finish: FinishReason | None = None


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

    def generate(self, prompt_ids: Sequence[int], sampling: Sampling) -> AsyncGenerator[Step, None]:
        """Continue `prompt_ids`; steps arrive as they are made.

        Closing the iterator (`aclose`, or cancelling the task that reads it) stops the
        generation within one step and frees its cache. The same prompt, sampling and seed give
        the same ids again. With exact weights they do so however many other sequences run
        beside it; int8 arithmetic rounds by the shape of the batch, so that there a near tie may
        fall differently in a crowd.

        Raises EngineFailure when the network fails, ModelUnavailable once closed.
        """
        ...

    def load(self) -> EngineLoad:
        """How busy it is at this moment."""
        ...

    async def close(self) -> None:
        """Stop every sequence (their readers get ModelUnavailable) and let go of the memory."""
        ...
