"""Follow-ups that need an earlier turn: the answer is copied from the dialogue.

Source: the patterns of `recall_zh.toml` and `recall_en.toml` with values that are put together,
talks that were written whole, and for steps and for answers said again the everyday entries.
One dialogue asks several times.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

from glmscope.text.prompt import PromptMessage
from glmscope.train.dialogue import Dialogue
from glmscope.train.generators.chat_entries import LANGUAGES, Language, read_entries
from glmscope.train.generators.chat_patterns import read_patterns
from glmscope.train.generators.chat_recall import Turn
from glmscope.train.generators.recall_again import TalkedTalks
from glmscope.train.generators.recall_anecdotes import AnecdoteTalks
from glmscope.train.generators.recall_orders import OrderTalks
from glmscope.train.generators.recall_pairs import PairTalks
from glmscope.train.generators.recall_scenes import SceneTalks
from glmscope.train.generators.recall_talks import Asking, ToldTalks

_CHINESE_SHARE = 0.65
_WEIGHTS = {
    "scenes": 50,
    "single": 60,
    "anecdotes": 400,
    "facts": 25,
    "stories": 12,
    "pairs": 25,
    "untold": 3,
    "corrections": 5,
    "lists": 9,
    "told_steps": 4,
    "given_steps": 7,
    "again": 7,
    "shorter": 4,
    "sums": 3,
}
KINDS = tuple(_WEIGHTS)


def dialogues(rng: random.Random, count: int, data: Path) -> Iterator[Dialogue]:
    """Yield `count` dialogues, every kind among them, from the material under `data`."""
    patterns = read_patterns(data)
    talks = {language: _Talks(language, rng, data) for language in LANGUAGES}
    for _ in range(count):
        language = LANGUAGES[rng.random() >= _CHINESE_SHARE]
        (kind,) = rng.choices(KINDS, list(_WEIGHTS.values()))
        turns, others = talks[language].turns(kind)
        messages = [
            *patterns.opening(rng),
            *(
                message
                for question, answer in turns
                for message in (PromptMessage("user", question), PromptMessage("assistant", answer))
            ),
        ]
        read = {
            place
            for place, message in enumerate(messages)
            if message.role == "assistant" and message.content in others
        }
        yield Dialogue(f"recall_{kind}", tuple(messages), frozenset(read))


class _Talks:
    """The makers of one language."""

    def __init__(self, language: Language, rng: random.Random, data: Path) -> None:
        entries = [
            entry
            for entry in read_entries(data)
            if entry.language == language and entry.kind in ("chat", "how_to")
        ]
        asking = self._asking = Asking(language, data, rng)
        told = ToldTalks(asking)
        orders = OrderTalks(asking, [entry for entry in entries if entry.steps])
        talked = TalkedTalks(asking, entries)
        self._makers = {
            "scenes": SceneTalks(asking, told).scenes,
            "single": told.single,
            "anecdotes": AnecdoteTalks(asking).anecdotes,
            "facts": told.facts,
            "stories": told.story,
            "pairs": PairTalks(asking, data).pairs,
            "untold": told.untold,
            "corrections": told.corrected,
            "lists": orders.items,
            "told_steps": orders.told_steps,
            "given_steps": orders.given_steps,
            "again": talked.again,
            "shorter": talked.shorter,
            "sums": talked.running_sum,
        }

    def turns(self, kind: str) -> tuple[list[Turn], set[str]]:
        """One talk of `kind`, and which of its answers other assistants have given."""
        self._asking.others.clear()
        return self._makers[kind](), set(self._asking.others)
