"""What all objects of this wire have in common. DashScope protocol, section 8, "OpenAI plane"."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from glmscope import __version__
from glmscope.chat.events import Finished, ReplyEvent
from glmscope.chat.service import ServedModel


@dataclass(frozen=True, slots=True)
class Head:
    """What every object of one answer begins with, in a stream the same in each of them."""

    id: str
    kind: str
    """What the wire calls `object`."""
    model: str
    system_fingerprint: str
    """Changes with whatever may change what a seed gives."""
    created: int = field(default_factory=lambda: int(time.time()))

    @classmethod
    def of(cls, model: ServedModel, prefix: str, request_id: str, kind: str) -> Head:
        """The head of an answer by `model`; its id says which request it belongs to."""
        fingerprint = f"glmscope-{__version__}-{model.engine.name}"
        return cls(f"{prefix}-{request_id}", kind, model.id, fingerprint)

    def answer(self, choices: list[dict[str, Any]], **more: object) -> dict[str, Any]:
        """One whole object."""
        return {
            "id": self.id,
            "object": self.kind,
            "created": self.created,
            "model": self.model,
            "system_fingerprint": self.system_fingerprint,
            "choices": choices,
            **more,
        }


class Tally:
    """Counts the tokens of several choices, and the choices that have ended."""

    def __init__(self) -> None:
        self.ended = 0
        self._input_tokens: dict[int, int] = {}
        self._output_tokens: dict[int, int] = {}

    def add(self, event: ReplyEvent) -> None:
        """Look at the next event."""
        self._input_tokens[event.index] = event.usage.input_tokens
        self._output_tokens[event.index] = event.usage.output_tokens
        self.ended += isinstance(event, Finished)

    def usage(self) -> dict[str, int]:
        """Tokens in the wire's JSON."""
        prompt = max(self._input_tokens.values(), default=0)
        completion = sum(self._output_tokens.values())
        return {
            "prompt_tokens": prompt,
            "completion_tokens": completion,
            "total_tokens": prompt + completion,
        }
