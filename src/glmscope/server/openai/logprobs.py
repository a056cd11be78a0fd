"""Log-probabilities as chat completions show them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from glmscope.chat.events import PieceLogprob


def chat_logprobs(tokens: Iterable[PieceLogprob]) -> dict[str, Any]:
    """The `logprobs` of a choice or of a chunk."""
    return {
        "content": [
            {
                **_token(token.token, token.bytes, token.logprob),
                "top_logprobs": [_token(*alternative) for alternative in token.top],
            }
            for token in tokens
        ],
        "refusal": None,
    }


def _token(token: str, data: bytes, logprob: float) -> dict[str, Any]:
    return {"token": token, "logprob": logprob, "bytes": list(data)}
