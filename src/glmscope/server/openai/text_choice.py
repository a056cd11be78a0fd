"""A choice of a completion, whole and in chunks."""

from __future__ import annotations

from collections.abc import Sequence

from glmscope.chat.events import Finished, PieceLogprob, ReplyEvent, TextPiece
from glmscope.server.openai.folds import Json
from glmscope.server.openai.text_logprobs import TextLogprobs


class WholeTextChoice:
    """One text. `alternatives`: how many each token is shown with, None for no logprobs at all."""

    def __init__(self, index: int, alternatives: int | None) -> None:
        self._index = index
        self._alternatives = alternatives
        self._texts: list[str] = []
        self._tokens: list[PieceLogprob] = []
        self._finish_reason: str | None = None

    def add(self, event: ReplyEvent) -> None:
        """Take the choice's next event."""
        if isinstance(event, Finished):
            self._finish_reason = event.reason
            self._tokens += _end(event)
        elif isinstance(event, TextPiece):
            self._texts.append(event.text)
            self._tokens += event.logprobs

    def json(self) -> Json:
        """The choice as an answer holds it."""
        logprobs = None
        if self._alternatives is not None:
            logprobs = TextLogprobs(self._alternatives).add(self._tokens)
        return _choice(self._index, "".join(self._texts), logprobs, self._finish_reason)


class StreamedTextChoice:
    """Pieces of the text, at last the reason and no text."""

    def __init__(self, index: int, alternatives: int | None) -> None:
        self._index = index
        self._logprobs = None if alternatives is None else TextLogprobs(alternatives)

    def add(self, event: ReplyEvent) -> list[Json]:
        """The entry of one chunk."""
        if isinstance(event, Finished):
            return [_choice(self._index, "", self._lists(_end(event)), event.reason)]
        if isinstance(event, TextPiece):
            return [_choice(self._index, event.text, self._lists(event.logprobs), None)]
        return []  # a completion calls no tools

    def _lists(self, tokens: Sequence[PieceLogprob]) -> Json | None:
        return None if self._logprobs is None else self._logprobs.add(tokens)


def _end(finished: Finished) -> list[PieceLogprob]:
    """The end token closes the lists, so that every token that was generated has its entry."""
    return [] if finished.end is None else [finished.end]


def _choice(index: int, text: str, logprobs: Json | None, finish_reason: str | None) -> Json:
    return {"index": index, "text": text, "logprobs": logprobs, "finish_reason": finish_reason}
