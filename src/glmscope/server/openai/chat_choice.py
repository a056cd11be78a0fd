"""A choice of a chat completion, whole and in chunks."""

from __future__ import annotations

from collections.abc import Sequence

from glmscope.chat.events import Finished, PieceLogprob, ReplyEvent
from glmscope.server.openai.folds import Json
from glmscope.server.openai.opening import Opening
from glmscope.server.token_logprobs import logprobs_content


class WholeChatChoice:
    """One message, and the log-probabilities of its tokens if they were asked for."""

    def __init__(self, index: int, with_logprobs: bool) -> None:
        self._index = index
        self._with_logprobs = with_logprobs
        self._opening = Opening()
        self._texts: list[str] = []
        self._tokens: list[PieceLogprob] = []
        self._finish_reason: str | None = None

    def add(self, event: ReplyEvent) -> None:
        """Take the choice's next event."""
        if isinstance(event, Finished):
            self._finish_reason = event.reason
            return
        text, tokens = self._opening.add(event)
        self._texts.append(text)
        self._tokens += tokens

    def json(self) -> Json:
        """The choice as an answer holds it."""
        return {
            "index": self._index,
            "message": {"role": "assistant", "content": "".join(self._texts), "refusal": None},
            "logprobs": _logprobs(self._tokens) if self._with_logprobs else None,
            "finish_reason": self._finish_reason,
        }


class StreamedChatChoice:
    """Deltas: first the role, then text, at last the reason and no text."""

    def __init__(self, index: int, with_logprobs: bool) -> None:
        self._index = index
        self._with_logprobs = with_logprobs
        self._opening: Opening | None = None

    def add(self, event: ReplyEvent) -> list[Json]:
        """An entry for each chunk: none for the white space with which a reply begins."""
        entries = []
        if self._opening is None:
            self._opening = Opening()
            entries.append(self._entry({"role": "assistant", "content": ""}))
        if isinstance(event, Finished):
            return [*entries, self._entry({}, finish_reason=event.reason)]
        text, tokens = self._opening.add(event)
        if text:
            entries.append(self._entry({"content": text}, tokens))
        return entries

    def _entry(
        self,
        delta: dict[str, str],
        tokens: Sequence[PieceLogprob] = (),
        finish_reason: str | None = None,
    ) -> Json:
        return {
            "index": self._index,
            "delta": delta,
            "logprobs": _logprobs(tokens) if self._with_logprobs and delta else None,
            "finish_reason": finish_reason,
        }


def _logprobs(tokens: Sequence[PieceLogprob]) -> Json:
    return {"content": logprobs_content(tokens), "refusal": None}
