"""Text for pretraining: the open corpora, and the tuning material itself as plain text.

Licences and attributions: docs/nano.md.
"""

from __future__ import annotations

import gzip
import json
import random
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from glmscope.errors import UsageError
from glmscope.text.tokenizer import Tokenizer
from glmscope.train.dialogue import Dialogue
from glmscope.train.encoding import Example
from glmscope.train.objective import Shares, exercise

LONGEST_DOCUMENT = 480
"""Tokens of a document that are read at once; longer ones are read in parts."""

_CALCULATOR_MARK = re.compile(r"<<[^>]*>>")
_SENTENCE_END = re.compile(r"(?<=[。！？!?\n])|(?<=\. )")


def _spoken(row: dict[str, Any]) -> str:
    return "\n".join(message["content"] for message in row["messages"])


def _fact(row: dict[str, Any]) -> str:
    if row["attribute"] == "Information":
        return str(row["value"])
    return f"{row['name']}的{row['attribute']}是{row['value']}。"


def _worked_problem(row: dict[str, Any]) -> str:
    answer = _CALCULATOR_MARK.sub("", row["answer"]).replace("#### ", "The answer is ")
    return f"{row['question']}\n{answer}."


_READERS: dict[str, Callable[[dict[str, Any]], str]] = {
    "kdconv_dialogues": _spoken,
    "kdconv_knowledge": _fact,
    "crosswoz_dialogues": _spoken,
    "gsm8k_train": _worked_problem,
    "smalltalk_zh_en": _spoken,
}


def read_corpus(name: str, folder: Path) -> Iterator[str]:
    """The documents of one corpus. Raises UsageError when it is unknown or not there."""
    if name not in _READERS:
        raise UsageError(f"There is no corpus {name!r}; there are {', '.join(_READERS)}.")
    return map(_READERS[name], read_rows(name, folder))


def read_rows(name: str, folder: Path) -> Iterator[dict[str, Any]]:
    """The rows of a corpus as they are. Raises UsageError when it is not there."""
    path = folder / f"{name}.jsonl.gz"
    try:
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            yield from map(json.loads, lines)
    except OSError as error:
        raise UsageError(f"Cannot read the corpus {path}: {error.strerror or error}.") from error


def plain_text(dialogue: Dialogue) -> str:
    """What is said in a dialogue, a message a paragraph."""
    return "\n".join(message.text for message in dialogue.messages)


def pretraining_examples(
    documents: Iterable[str], tokenizer: Tokenizer, shares: Shares, rng: random.Random
) -> Iterator[Example]:
    """Every document, in parts of at most LONGEST_DOCUMENT tokens, each as one exercise."""
    for document in documents:
        ids, ends = _sentences(document, tokenizer)
        while ids:
            inside = [end for end in ends if end <= LONGEST_DOCUMENT]
            size = inside[-1] if inside else min(LONGEST_DOCUMENT, len(ids))
            yield exercise(ids[:size], inside or [size], tokenizer.special, shares, rng)
            ids = ids[size:]
            ends = [end - size for end in ends if end > size]


def _sentences(document: str, tokenizer: Tokenizer) -> tuple[list[int], list[int]]:
    """Ids, and the places just after each sentence."""
    ids: list[int] = []
    ends: list[int] = []
    for sentence in _SENTENCE_END.split(document):
        if sentence:
            pieces = tokenizer.encode(sentence)
            ids += pieces if not ids else pieces[_dummy_prefix(pieces, tokenizer) :]
            ends.append(len(ids))
    return ids, ends


def _dummy_prefix(pieces: list[int], tokenizer: Tokenizer) -> int:
    """1 when the first piece is nothing but the dummy space, which only a text's start has."""
    return int(tokenizer.piece(pieces[0]) == "▁")
