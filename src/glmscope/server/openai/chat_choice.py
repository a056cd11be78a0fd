"""A choice of a chat completion, whole and in chunks."""

from __future__ import annotations

from collections.abc import Sequence

from glmscope.chat.events import (
    CallPiece,
    Finished,
    PieceLogprob,
    PluginCall,
    PluginResult,
    ReplyEvent,
    TextPiece,
    ToolCall,
)
from glmscope.server.openai.calls import call_deltas, finish_reason, message_calls
from glmscope.server.openai.folds import Json
from glmscope.server.openai.opening import Opening
from glmscope.server.plugin_messages import PluginMessages
from glmscope.server.token_logprobs import logprobs_content


class WholeChatChoice:
    """One message, and the log-probabilities of its tokens if they were asked for.

    `old_calls`: a call is told as `function_call`. `plugins`: the steps are told as `messages`.
    """

    def __init__(
        self, index: int, with_logprobs: bool, old_calls: bool = False, plugins: bool = False
    ) -> None:
        self._index = index
        self._with_logprobs = with_logprobs
        self._old_calls = old_calls
        self._opening = Opening()
        self._texts: list[str] = []
        self._tokens: list[PieceLogprob] = []
        self._calls: list[ToolCall] = []
        self._finish_reason: str | None = None
        self._messages = PluginMessages() if plugins else None

    def add(self, event: ReplyEvent) -> None:
        """Take the choice's next event."""
        if self._messages is not None:
            self._messages.add(event)
        if isinstance(event, Finished):
            self._finish_reason = finish_reason(event.reason, self._old_calls)
        elif isinstance(event, CallPiece):
            self._calls.append(event.call)
        if not isinstance(event, TextPiece):
            return
        text, tokens = self._opening.add(event)
        self._texts.append(text)
        self._tokens += tokens

    def json(self) -> Json:
        """The choice as an answer holds it; a message of calls alone has null for its content."""
        text = "".join(self._texts)
        calls = message_calls(self._calls, self._old_calls)
        content = None if calls and not text else text
        steps = {} if self._messages is None else {"messages": self._messages.entries}
        return {
            "index": self._index,
            "message": {"role": "assistant", "content": content, "refusal": None, **calls},
            **steps,
            "logprobs": _logprobs(self._tokens) if self._with_logprobs else None,
            "finish_reason": self._finish_reason,
        }


class StreamedChatChoice:
    """Deltas: first the role, then text, at last the reason and no text.

    With `plugins`, each message of the steps comes in a chunk of its own, the last with the reason.
    """

    def __init__(
        self, index: int, with_logprobs: bool, old_calls: bool = False, plugins: bool = False
    ) -> None:
        self._index = index
        self._with_logprobs = with_logprobs
        self._old_calls = old_calls
        self._opening: Opening | None = None
        self._messages = PluginMessages() if plugins else None

    def add(self, event: ReplyEvent) -> list[Json]:
        """An entry for each chunk: none for the white space with which a reply begins."""
        entries = []
        if self._opening is None:
            self._opening = Opening()
            entries.append(self._entry({"role": "assistant", "content": ""}))
        messages = [] if self._messages is None else self._messages.add(event)
        if isinstance(event, Finished):
            reason = finish_reason(event.reason, self._old_calls)
            return [*entries, self._entry({}, finish_reason=reason, messages=messages)]
        if isinstance(event, (PluginCall, PluginResult)):
            return [*entries, self._entry({}, messages=messages)]
        if isinstance(event, CallPiece):
            deltas = call_deltas(event.call, self._old_calls)
            return [*entries, *(self._entry(delta) for delta in deltas)]
        text, tokens = self._opening.add(event)
        if text:
            entries.append(self._entry({"content": text}, tokens))
        return entries

    def _entry(
        self,
        delta: Json,
        tokens: Sequence[PieceLogprob] = (),
        finish_reason: str | None = None,
        messages: Sequence[Json] = (),
    ) -> Json:
        return {
            "index": self._index,
            "delta": delta,
            **({"messages": messages} if messages else {}),
            "logprobs": _logprobs(tokens) if self._with_logprobs and delta else None,
            "finish_reason": finish_reason,
        }


def _logprobs(tokens: Sequence[PieceLogprob]) -> Json:
    return {"content": logprobs_content(tokens), "refusal": None}
