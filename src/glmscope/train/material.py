"""What the stages read: the vocabulary's text, pretraining documents, tuning dialogues."""

from __future__ import annotations

import importlib
import random
from collections.abc import Iterator
from typing import cast

from glmscope.text.tokenizer import Tokenizer
from glmscope.train.corpus import plain_text, read_corpus
from glmscope.train.dialogue import Dialogue, Generator
from glmscope.train.encoding import Example, chatglm2_example, chatglm3_example
from glmscope.train.objective import repetition
from glmscope.train.settings import Settings


def tuning_dialogues(settings: Settings, share: float = 1.0) -> Iterator[Dialogue]:
    """Every generator's dialogues, `share` of those that the settings ask for.

    The same settings yield the same ones; a generator's do not depend on the others.
    """
    for name, count in settings.mix.items():
        module = importlib.import_module(f"glmscope.train.generators.{name}")
        generate = cast(Generator, module.dialogues)
        rng = random.Random(f"{settings.seed} {name}")  # noqa: S311 - no secret is drawn
        yield from generate(rng, max(1, round(count * share)), settings.data)


def documents(settings: Settings) -> Iterator[str]:
    """The corpora, each as many times as the settings say, and a tenth of the dialogues."""
    for name, times in settings.corpora.items():
        for _ in range(times):
            yield from read_corpus(name, settings.corpus)
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
    return chatglm3_example(tokenizer, dialogue.messages)
