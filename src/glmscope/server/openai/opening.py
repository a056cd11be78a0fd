"""How a text begins on this wire."""

from __future__ import annotations

from dataclasses import replace

from glmscope.chat.events import PieceLogprob, TextPiece


class Opening:
    """Takes off the white space with which a chat reply begins.

    ChatGLM3 opens every reply with a newline and a space; clients of this wire show a text as it
    comes, and expect none. Tokens that were nothing else go with it, and the first one that stays
    loses its white space together with its alternatives, so that tokens joined are the text.
    """

    def __init__(self) -> None:
        self._begun = False

    def add(self, piece: TextPiece) -> tuple[str, tuple[PieceLogprob, ...]]:
        """What is left of a piece, which may be nothing, and the tokens that make it."""
        if self._begun:
            return piece.text, piece.logprobs
        text = piece.text.lstrip()
        if not text:
            return "", ()
        self._begun = True
        return text, _without(len(piece.text[: -len(text)].encode()), piece.logprobs)


def _without(opening: int, tokens: tuple[PieceLogprob, ...]) -> tuple[PieceLogprob, ...]:
    """`tokens` without the first `opening` bytes of their text."""
    for index, token in enumerate(tokens):
        if opening < len(token.bytes):
            return (_opened(token) if opening else token, *tokens[index + 1 :])
        opening -= len(token.bytes)
    return ()


def _opened(token: PieceLogprob) -> PieceLogprob:
    name, data = _stripped(token.token, token.bytes)
    top = tuple((*_stripped(name, data), logprob) for name, data, logprob in token.top)
    return replace(token, token=name, bytes=data, top=top)


def _stripped(name: str, data: bytes) -> tuple[str, bytes]:
    space = len(name) - len(name.lstrip())
    return name[space:], data[len(name[:space].encode()) :]
