"""A conversation's contents as the tokens that usage counts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from glmscope.chat.conversation import read_contents
from glmscope.chat.request import Message
from glmscope.errors import InvalidParameter
from glmscope.text.tokenizer import Tokenizer

MOST_TOKENS = 131_072
"""Some twenty times what the models read; more would only make an answer of many megabytes."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """Ids, and what each adds to a text, in characters (see `Tokenizer.id_text`)."""

    ids: list[int]
    texts: list[str]


def tokenize(tokenizer: Tokenizer, messages: Iterable[Message]) -> Tokens:
    """Each content encoded alone, without roles and template: `len(ids)` is `Usage.input_tokens`.

    Nothing is dropped, however little of it a model would read. Raises InvalidParameter for no
    token at all and for more than `MOST_TOKENS`.
    """
    ids: list[int] = []
    for message in messages:
        ids += read_contents(tokenizer, message)
        if len(ids) > MOST_TOKENS:
            break
    if not 1 <= len(ids) <= MOST_TOKENS:
        raise InvalidParameter(f"Range of input length should be [1, {MOST_TOKENS}]")
    names = {token_id: tokenizer.id_text(token_id) for token_id in set(ids)}
    return Tokens(ids, [names[token_id] for token_id in ids])
