"""A chat reply folded into this wire's JSON. DashScope protocol, section 8, "OpenAI plane"."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from glmscope.chat.events import Finished, PieceLogprob, ReplyEvent
from glmscope.errors import GLMScopeError
from glmscope.server import json_text
from glmscope.server.openai.answer import Head, Tally, sse
from glmscope.server.openai.errors import error_object
from glmscope.server.openai.logprobs import chat_logprobs
from glmscope.server.openai.opening import Opening


class ChatPlainFold:
    """Collects the choices of one reply; `n` of them make the answer."""

    media_type = "application/json"

    def __init__(self, head: Head, n: int, with_logprobs: bool) -> None:
        self._head = head
        self._n = n
        self._with_logprobs = with_logprobs
        self._tally = Tally()
        self._choices: defaultdict[int, _Choice] = defaultdict(_Choice)

    def add(self, event: ReplyEvent) -> bytes | None:
        """The answer's body once every choice has finished, None before."""
        self._tally.add(event)
        self._choices[event.index].add(event)
        if self._tally.ended < self._n:
            return None
        choices = [self._choice(index) for index in range(self._n)]
        return json_text.dump(self._head.answer(choices, usage=self._tally.usage()))

    def _choice(self, index: int) -> dict[str, Any]:
        choice = self._choices[index]
        return {
            "index": index,
            "message": {"role": "assistant", "content": "".join(choice.texts), "refusal": None},
            "logprobs": chat_logprobs(choice.tokens) if self._with_logprobs else None,
            "finish_reason": choice.finish_reason,
        }


class _Choice:
    def __init__(self) -> None:
        self.texts: list[str] = []
        self.tokens: list[PieceLogprob] = []
        self.finish_reason: str | None = None
        self._opening = Opening()

    def add(self, event: ReplyEvent) -> None:
        if isinstance(event, Finished):
            self.finish_reason = event.reason
            return
        text, tokens = self._opening.add(event)
        self.texts.append(text)
        self.tokens += tokens


class ChatStreamFold:
    """Makes each event of one reply into chunks.

    A choice begins with a chunk that names the role, and ends with one that has its reason and no
    text. `include_usage` adds one last chunk without choices, and a null in all others.
    """

    media_type = "text/event-stream"
    keep_alive = b": keep-alive\n\n"
    end = b"data: [DONE]\n\n"

    def __init__(
        self, head: Head, n: int, with_logprobs: bool, include_usage: bool, request_id: str
    ) -> None:
        self._head = head
        self._n = n
        self._with_logprobs = with_logprobs
        self._include_usage = include_usage
        self._request_id = request_id
        self._tally = Tally()
        self._openings: dict[int, Opening] = {}

    def add(self, event: ReplyEvent) -> bytes:
        """The chunks that an event makes: none, while a reply has said nothing but white space."""
        self._tally.add(event)
        chunks = b""
        if event.index not in self._openings:
            self._openings[event.index] = Opening()
            chunks += self._chunk(event.index, {"role": "assistant", "content": ""})
        if isinstance(event, Finished):
            chunks += self._chunk(event.index, {}, finish_reason=event.reason)
            if self._include_usage and self._tally.ended == self._n:
                chunks += sse(self._head.answer([], usage=self._tally.usage()))
            return chunks
        text, tokens = self._openings[event.index].add(event)
        return chunks + (self._chunk(event.index, {"content": text}, tokens) if text else b"")

    def fail(self, error: GLMScopeError) -> bytes:
        """The event that ends a stream in the middle; no `[DONE]` follows, for it is not done."""
        return sse(error_object(error, self._request_id))

    def _chunk(
        self,
        index: int,
        delta: dict[str, str],
        tokens: Sequence[PieceLogprob] = (),
        finish_reason: str | None = None,
    ) -> bytes:
        logprobs = chat_logprobs(tokens) if self._with_logprobs and tokens else None
        choice = {
            "index": index,
            "delta": delta,
            "logprobs": logprobs,
            "finish_reason": finish_reason,
        }
        usage = {"usage": None} if self._include_usage else {}
        return sse(self._head.answer([choice], **usage))
