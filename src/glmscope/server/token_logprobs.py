"""Tokens and how likely they were, in JSON. DashScope protocol, section 4; OpenAI's are alike."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from glmscope.chat.events import PieceLogprob


def logprobs_content(tokens: Iterable[PieceLogprob]) -> list[dict[str, Any]]:
    """What stands under `content`: an entry a token, its alternatives best first."""
    return [
        {
            **_token(token.token, token.bytes, token.logprob),
            "top_logprobs": [_token(*alternative) for alternative in token.top],
        }
        for token in tokens
    ]


def _token(token: str, own: bytes, logprob: float) -> dict[str, Any]:
    return {"token": token, "bytes": list(own), "logprob": logprob}
