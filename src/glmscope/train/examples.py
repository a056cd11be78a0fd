"""The tuning examples as token ids: drawn by several processes, kept in a file for the next run."""

from __future__ import annotations

import hashlib
import itertools
import multiprocessing
import os
import random
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import overload

import numpy as np
from numpy.typing import NDArray

from glmscope.family import Family
from glmscope.text.tokenizer import Tokenizer
from glmscope.train.encoding import Example
from glmscope.train.material import (
    SHARD_DIALOGUES,
    Shard,
    repetitions,
    shard_dialogues,
    shards,
    tuning_example,
)
from glmscope.train.settings import Settings

_ARRAYS = ("ids", "learned", "ends", "renamable")
"""What a file of examples holds, in the order that `Examples` takes."""


class Examples(Sequence[Example]):
    """Examples end to end in arrays: five bytes a token.

    `ids` int32 [T], `learned` bool [T], `ends` int64 [N], the place after each one, and
    `renamable` bool [N].
    """

    def __init__(
        self,
        ids: NDArray[np.int32],
        learned: NDArray[np.bool_],
        ends: NDArray[np.int64],
        renamable: NDArray[np.bool_],
    ) -> None:
        self.ids, self.learned, self.ends, self.renamable = ids, learned, ends, renamable

    @classmethod
    def collect(cls, examples: Iterable[Example]) -> Examples:
        """All of `examples`, in their order."""
        kept = list(examples)
        tokens = itertools.chain.from_iterable(example.ids for example in kept)
        learned = itertools.chain.from_iterable(example.learned for example in kept)
        ends = np.cumsum([len(example) for example in kept], dtype=np.int64)
        renamable = np.array([example.renamable for example in kept], np.bool_)
        return cls(np.fromiter(tokens, np.int32), np.fromiter(learned, np.bool_), ends, renamable)

    @classmethod
    def join(cls, parts: Sequence[Examples]) -> Examples:
        """The examples of all parts."""
        starts = np.cumsum([0, *(len(part.ids) for part in parts)])
        return cls(
            np.concatenate([part.ids for part in parts]),
            np.concatenate([part.learned for part in parts]),
            np.concatenate([part.ends + at for part, at in zip(parts, starts, strict=False)]),
            np.concatenate([part.renamable for part in parts]),
        )

    def __len__(self) -> int:
        return len(self.ends)

    @overload
    def __getitem__(self, place: int) -> Example: ...

    @overload
    def __getitem__(self, place: slice) -> Sequence[Example]: ...

    def __getitem__(self, place: int | slice) -> Example | Sequence[Example]:
        if isinstance(place, slice):
            return [self[one] for one in range(*place.indices(len(self)))]
        if not -len(self) <= place < len(self):
            raise IndexError(f"there are {len(self)} examples")
        end = place % len(self)
        inside = slice(int(self.ends[end - 1]) if end else 0, int(self.ends[end]))
        renamable = bool(self.renamable[end])
        return Example(self.ids[inside], self.learned[inside], renamable)  # type: ignore[arg-type]


def tuning_examples(settings: Settings, vocabulary: Path, kept: Path) -> Examples:
    """What tuning learns from: read from `kept`, or drawn and left there.

    A file that was drawn for other settings, or with another vocabulary, is drawn anew.
    """
    key = _key(settings, vocabulary)
    if kept.exists():
        with np.load(kept) as file:
            if str(file["key"]) == key:
                return Examples(*(file[name] for name in _ARRAYS))
    examples = Examples.join(list(_drawn(settings, vocabulary)))
    partial_file = kept.with_suffix(".partial.npz")
    arrays = {name: getattr(examples, name) for name in _ARRAYS}
    np.savez(partial_file, key=key, **arrays)
    partial_file.replace(kept)
    return examples


def _drawn(settings: Settings, vocabulary: Path) -> Iterator[Examples]:
    parts = shards(settings)
    draw = partial(_shard_examples, settings, vocabulary)
    if sum(part.count for part in parts) <= SHARD_DIALOGUES:
        yield from map(draw, parts)
    else:
        # A fresh process shares nothing with PyTorch's threads.
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(os.cpu_count(), mp_context=context) as pool:
            yield from pool.map(draw, parts)
    yield Examples.collect(repetitions(settings, _tokenizer(vocabulary)))


def _shard_examples(settings: Settings, vocabulary: Path, shard: Shard) -> Examples:
    words = _tokenizer(vocabulary)
    rng = random.Random(f"{shard.seed(settings)} rounds")  # noqa: S311 - no secret is drawn
    return Examples.collect(
        tuning_example(dialogue, words, settings.rounds_share, rng)
        for dialogue in shard_dialogues(settings, shard)
    )


def _tokenizer(vocabulary: Path) -> Tokenizer:
    return Tokenizer.from_file(vocabulary, Family.CHATGLM3)


def _key(settings: Settings, vocabulary: Path) -> str:
    digest = hashlib.sha256(vocabulary.read_bytes())
    drawn_from = (settings.seed, settings.mix, settings.repetitions, settings.rounds_share)
    digest.update(repr(drawn_from).encode())
    for path in sorted(settings.data.iterdir()):
        digest.update(path.name.encode() + path.read_bytes())
    for path in sorted(settings.corpus.glob("*.gz")):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()
