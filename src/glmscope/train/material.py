"""What the stages read: the vocabulary's text, pretraining documents, tuning dialogues."""

from __future__ import annotations

import importlib
import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import filterfalse
from pathlib import Path
from typing import cast

from glmscope.text.tokenizer import Tokenizer
from glmscope.train.corpus import plain_text, read_corpus
from glmscope.train.dialogue import CorpusGenerator, Dialogue, Generator
from glmscope.train.encoding import Example, chatglm2_example, chatglm3_example
from glmscope.train.held_out import asks_held_out
from glmscope.train.objective import repetition
from glmscope.train.packages import FILE_NAME, read_documents
from glmscope.train.settings import Settings

SHARD_DIALOGUES = 2000

READ_CORPUS = frozenset(("interpreter", "tools"))
"""Generators that take, besides their own material, problems and questions from the corpora."""


@dataclass(frozen=True)
class Shard:
    """A part of one generator's dialogues, drawn with a seed of its own: parts need no order."""

    generator: str
    number: int
    count: int

    def seed(self, settings: Settings) -> str:
        """What its random numbers start from."""
        return f"{settings.seed} {self.generator} {self.number}"


def shards(settings: Settings, share: float = 1.0) -> list[Shard]:
    """All parts of `share` of the dialogues that the settings ask for."""
    parts = []
    for name, asked in settings.mix.items():
        left = max(1, round(asked * share))
        for number in range(-(-left // SHARD_DIALOGUES)):
            parts.append(Shard(name, number, min(SHARD_DIALOGUES, left)))
            left -= SHARD_DIALOGUES
    return parts


def shard_dialogues(settings: Settings, shard: Shard) -> Iterator[Dialogue]:
    """The dialogues of one part; the same settings yield the same ones.

    What the model is judged by is left out, so there may be fewer than were asked for.
    """
    return filterfalse(asks_held_out, _generated(settings, shard))


def _generated(settings: Settings, shard: Shard) -> Iterator[Dialogue]:
    module = importlib.import_module(f"glmscope.train.generators.{shard.generator}")
    rng = random.Random(shard.seed(settings))  # noqa: S311 - no secret is drawn
    if shard.generator in READ_CORPUS:
        return cast(CorpusGenerator, module.dialogues)(
            rng, shard.count, settings.data, settings.corpus
        )
    return cast(Generator, module.dialogues)(rng, shard.count, settings.data)


def tuning_dialogues(settings: Settings, share: float = 1.0) -> Iterator[Dialogue]:
    """Every generator's dialogues, `share` of those that the settings ask for.

    A generator's do not depend on the others.
    """
    for shard in shards(settings, share):
        yield from shard_dialogues(settings, shard)


def documents(settings: Settings, work: Path) -> Iterator[str]:
    """Corpora and packages as many times as the settings say, and a tenth of the dialogues.

    Packages are read where the stage of that name has left their text in `work`.
    """
    for name, times in settings.corpora.items():
        for _ in range(times):
            yield from read_corpus(name, settings.corpus)
    if (work / FILE_NAME).exists():
        yield from read_documents(work / FILE_NAME, settings.packages)
    for dialogue in tuning_dialogues(settings, share=0.1):
        yield plain_text(dialogue)


def repetitions(settings: Settings, tokenizer: Tokenizer) -> Iterator[Example]:
    """The copying exercises, over all pieces that stand for text."""
    rng = random.Random(f"{settings.seed} repetitions")  # noqa: S311
    pieces = range(tokenizer.special.eos + 1, tokenizer.piece_count)
    for _ in range(settings.repetitions):
        yield repetition(pieces, rng)


def tuning_example(
    dialogue: Dialogue, tokenizer: Tokenizer, rounds_share: float, rng: random.Random
) -> Example:
    """A dialogue in roles, or, where they can hold it, for `rounds_share` of them in rounds."""
    if dialogue.fits_rounds and rng.random() < rounds_share:
        return chatglm2_example(tokenizer, dialogue.messages)
    return chatglm3_example(tokenizer, dialogue.messages, dialogue.read, dialogue.renamable)
