"""GLM's blank-infilling objective on one position axis, causal, as ChatGLM2 and later read.

A document becomes one of three exercises: short spans blanked out ([MASK]), whole sentences blanked
out ([sMASK]), or its long tail ([gMASK]). Each blank is then written between `sop` and `eop`.
Source: ChatGLM specification, section 10 (Du et al., ACL 2022; Zeng et al., ICLR 2023). Two things
differ from the papers: the text left in place is learned as well where it is unbroken ([gMASK]),
since causal attention makes every token of it a prediction; and positions run on.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from glmscope.text.tokenizer import SpecialIds
from glmscope.train.encoding import Example

SHORT_SPAN_MEAN = 3
BLANKED_SHARE = 0.15
FEW_PIECES = (4, 8, 12, 30, 100)
"""How many different pieces a run of few has."""
SHORTEST_TO_BLANK = 16
"""Documents of fewer tokens are only ever continued."""


@dataclass(frozen=True, slots=True)
class Shares:
    """How often a document is turned into each exercise; what remains is [gMASK]."""

    short_spans: float = 0.2
    sentences: float = 0.1


def exercise(
    ids: Sequence[int],
    sentence_ends: Sequence[int],
    special: SpecialIds,
    shares: Shares,
    rng: random.Random,
) -> Example:
    """One document as one exercise.

    `sentence_ends` are the places just after each sentence of `ids`, the last one its length.
    """
    drawn = rng.random()
    if len(ids) >= SHORTEST_TO_BLANK:
        if drawn < shares.short_spans:
            return _blanked(ids, _short_spans(len(ids), rng), special.mask, special, rng)
        if drawn < shares.short_spans + shares.sentences and len(sentence_ends) > 1:
            spans = _sentence_spans(sentence_ends, rng)
            return _blanked(ids, spans, special.smask, special, rng)
    return _continued(ids, special, rng)


def repetition(pieces: range, rng: random.Random) -> Example:
    """A run of random pieces, then the same run again, one to three times.

    Only copying solves it. Tool calls, sums and follow-ups live on copying, and a small model
    finds out how to do it far sooner here than from dialogues alone. Half of the runs are made of
    few different pieces, as numbers and codes are: what came before one of them does not yet tell
    what follows, only a longer stretch does.
    """
    length = rng.randint(3, 13) if rng.random() < 0.75 else rng.randint(14, 59)
    few = rng.random() < 0.5
    run = rng.choices(rng.sample(pieces, rng.choice(FEW_PIECES)) if few else pieces, k=length)
    times = rng.randint(1, 3)
    first = [False] * (length + 1)  # the first piece of the first repeat cannot be foretold
    return Example(run * (times + 1), [*first, *[True] * (times * length - 1)])


def _continued(ids: Sequence[int], special: SpecialIds, rng: random.Random) -> Example:
    """A head of 0 to 50 %, [gMASK], `sop`, the tail and its end.

    Half of the documents have no head: that is how a chat model's prompts begin.
    """
    head = rng.randint(0, len(ids) // 2) if rng.random() < 0.5 else 0
    written = [*ids[head:], special.eos]
    return Example(
        [*ids[:head], special.gmask, special.sop, *written],
        [*[True] * head, False, False, *[True] * len(written)],
    )


def _short_spans(length: int, rng: random.Random) -> list[tuple[int, int]]:
    """Disjoint spans of geometric length, about 15 % of the tokens, in order."""
    spans: list[tuple[int, int]] = []
    wanted = max(1, round(BLANKED_SHARE * length))
    for _ in range(8 * wanted):
        size = min(1 + int(rng.expovariate(1 / (SHORT_SPAN_MEAN - 0.5))), wanted)
        start = rng.randrange(length - size + 1)
        # A token of text stays between two blanks, so that their masks can be told apart.
        if all(start > end or start + size < begin for begin, end in spans):
            spans.append((start, start + size))
            wanted -= size
        if wanted <= 0:
            break
    return sorted(spans)


def _sentence_spans(ends: Sequence[int], rng: random.Random) -> list[tuple[int, int]]:
    """Whole sentences, about 15 % of them but at least one and never all."""
    sentences = list(zip([0, *ends[:-1]], ends, strict=True))
    count = max(1, min(len(sentences) - 1, round(BLANKED_SHARE * len(sentences))))
    return sorted(rng.sample(sentences, count))


def _blanked(
    ids: Sequence[int],
    spans: Sequence[tuple[int, int]],
    mask: int,
    special: SpecialIds,
    rng: random.Random,
) -> Example:
    """The text with a mask for each span, then the spans in random order: `sop` … `eop`."""
    text: list[int] = []
    copied = 0
    for start, end in spans:
        text += [*ids[copied:start], mask]
        copied = end
    text += ids[copied:]
    learned = [False] * len(text)
    for start, end in rng.sample(spans, len(spans)):
        text += [special.sop, *ids[start:end], special.eop]
        learned += [False] + [True] * (end - start + 1)
    return Example(text, learned)
