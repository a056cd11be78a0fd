"""A dialogue that a model is tuned on: what every generator yields and every stage reads."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from glmscope.text.prompt import PromptMessage

_RENAMABLE = frozenset(
    (
        *("recall_scenes", "recall_single", "recall_facts", "recall_stories", "recall_pairs"),
        *("recall_untold", "recall_corrections"),
        *("tool_call", "tool_answer", "tool_several", "tool_ask"),
    )
)


@dataclass(frozen=True, slots=True)
class Dialogue:
    """Messages in ChatGLM3's roles; the last one is the assistant's. Loss is on its turns only.

    `kind` names the generator's sort of dialogue, for reports and mixing. `read` are the places of
    turns that are the assistant's and not the model's own: it reads them, and learns none of them.
    """

    kind: str
    messages: tuple[PromptMessage, ...]
    read: frozenset[int] = frozenset()

    @property
    def fits_rounds(self) -> bool:
        """Whether ChatGLM2's rounds can hold it: plain questions and answers in turn."""
        spoken = [one for one in self.messages if one.role != "system"]
        offers_tools = any(one.tools is not None or one.metadata for one in self.messages)
        roles = [one.role for one in spoken]
        return not offers_tools and roles == ["user", "assistant"] * (len(spoken) // 2)

    @property
    def renamable(self) -> bool:
        """Whether words stand in it for any word: it tells and asks back, or calls a tool.

        Not where an order is asked for: 第三 says which of all.
        """
        return self.kind in _RENAMABLE


class Generator(Protocol):
    """`dialogues` of a module in `glmscope.train.generators`."""

    def __call__(self, rng: random.Random, count: int, data: Path) -> Iterator[Dialogue]:
        """Yield `count` dialogues from the material under `data`, drawn with `rng`."""
        ...


class CorpusGenerator(Protocol):
    """`dialogues` of a module that also draws from the corpora."""

    def __call__(
        self, rng: random.Random, count: int, data: Path, corpus: Path | None = None
    ) -> Iterator[Dialogue]:
        """The same; without `corpus`, or where it lacks something, from `data` alone."""
        ...
