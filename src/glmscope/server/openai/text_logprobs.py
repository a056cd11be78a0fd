"""Log-probabilities as completions show them: four lists, an entry a token in each."""

from __future__ import annotations

import codecs
from collections.abc import Iterable
from typing import Any

from glmscope.chat.events import PieceLogprob


class TextLogprobs:
    """Numbers the tokens of one choice by the characters in front of them."""

    def __init__(self, alternatives: int) -> None:
        self._alternatives = alternatives
        self._characters = 0
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def add(self, tokens: Iterable[PieceLogprob]) -> dict[str, Any]:
        """The `logprobs` of the next tokens.

        A token is among its own alternatives, whether or not it is one of the likeliest. Tokens
        of one character begin where it begins.
        """
        logprobs: dict[str, list[Any]] = {
            "tokens": [],
            "token_logprobs": [],
            "top_logprobs": [],
            "text_offset": [],
        }
        for token in tokens:
            logprobs["tokens"].append(token.token)
            logprobs["token_logprobs"].append(token.logprob)
            logprobs["top_logprobs"].append(self._top(token))
            logprobs["text_offset"].append(self._characters)
            self._characters += len(self._decoder.decode(token.bytes))
        return logprobs

    def _top(self, token: PieceLogprob) -> dict[str, float]:
        top: dict[str, float] = {}
        for name, _, logprob in token.top[: self._alternatives]:
            top.setdefault(name, logprob)
        top.setdefault(token.token, token.logprob)
        return top
