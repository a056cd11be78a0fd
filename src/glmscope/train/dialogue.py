"""A dialogue that a model is tuned on: what every generator yields and every stage reads."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from glmscope.text.prompt import PromptMessage


@dataclass(frozen=True, slots=True)
class Dialogue:
    """Messages in ChatGLM3's roles; the last one is the assistant's. Loss is on its turns only.

    `kind` names the generator's sort of dialogue, for reports and mixing.
    """

    kind: str
    messages: tuple[PromptMessage, ...]

    @property
    def has_only_plain_turns(self) -> bool:
        """Whether the round format of ChatGLM2 can hold it: user and assistant, no calls."""
        return all(
            message.role in ("user", "assistant") and not message.metadata
            for message in self.messages
        )


class Generator(Protocol):
    """`dialogues` of a module in `glmscope.train.generators`."""

    def __call__(self, rng: random.Random, count: int, data: Path) -> Iterator[Dialogue]:
        """Yield `count` dialogues from the material under `data`, drawn with `rng`."""
        ...
