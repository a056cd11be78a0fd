"""Tokenizers that tests share: building one takes a moment, so each is built once."""

from __future__ import annotations

import functools

from glmscope.family import Family
from glmscope.text.tokenizer import Tokenizer
from glmscope.text.vocabulary import builtin_vocabulary
from tests.support.paths import TOKENIZER


@functools.cache
def builtin_tokenizer(family: Family) -> Tokenizer:
    """1024 pieces; always there."""
    return Tokenizer(builtin_vocabulary(), family)


@functools.cache
def published_tokenizer(family: Family) -> Tokenizer:
    """The published vocabulary; only for tests marked `needs_tokenizer`."""
    if TOKENIZER is None:
        raise RuntimeError("mark this test with needs_tokenizer")
    return Tokenizer.from_file(TOKENIZER, family)
