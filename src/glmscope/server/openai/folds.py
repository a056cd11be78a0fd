"""Reply events folded into this wire's answers. DashScope protocol, section 8, "OpenAI plane"."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from glmscope.chat.events import ReplyEvent
from glmscope.errors import GLMScopeError
from glmscope.server import json_text
from glmscope.server.openai.answer import Head, Tally
from glmscope.server.openai.errors import error_object
from glmscope.server.reply_events import finish_note

Json = dict[str, Any]


class WholeChoice(Protocol):
    """Collects one choice of a plain answer."""

    def add(self, event: ReplyEvent) -> None:
        """Take the choice's next event."""
        ...

    def json(self) -> Json:
        """The choice, once it has finished."""
        ...


class StreamedChoice(Protocol):
    """Makes the events of one choice into what chunks hold of it."""

    def add(self, event: ReplyEvent) -> list[Json]:
        """An entry for each chunk that the event makes, if any."""
        ...


class PlainFold:
    """Collects the choices of one reply into one body."""

    media_type = "application/json"

    def __init__(self, head: Head, choices: Sequence[WholeChoice]) -> None:
        self._head = head
        self._tally = Tally()
        self._choices = choices

    def add(self, event: ReplyEvent) -> bytes | None:
        """The answer's body once every choice has finished, None before."""
        self._tally.add(event)
        self._choices[event.index].add(event)
        if self._tally.ended < len(self._choices):
            return None
        choices = [each.json() for each in self._choices]
        return json_text.dump(self._head.answer(choices, usage=self._tally.usage()))


class ChunkFold:
    """Makes each event of one reply into chunks.

    `include_usage` adds one last chunk without choices, and a null in all others.
    """

    media_type = "text/event-stream"
    keep_alive = b": keep-alive\n\n"
    end = b"data: [DONE]\n\n"

    def __init__(
        self,
        head: Head,
        choices: Sequence[StreamedChoice],
        include_usage: bool,
        request_id: str,
    ) -> None:
        self._head = head
        self._tally = Tally()
        self._choices = choices
        self._include_usage = include_usage
        self._request_id = request_id

    def add(self, event: ReplyEvent) -> bytes:
        """The chunks that an event makes; there may be none."""
        self._tally.add(event)
        usage: Json = {"usage": None} if self._include_usage else {}
        chunks = [
            _event(self._head.answer([choice], **usage))
            for choice in self._choices[event.index].add(event)
        ]
        if self._include_usage and self._tally.ended == len(self._choices):
            chunks.append(_event(self._head.answer([], usage=self._tally.usage())))
        if note := finish_note(event):
            chunks.append(b": %b\n\n" % note.encode())  # a comment, which readers pass over
        return b"".join(chunks)

    def fail(self, error: GLMScopeError) -> bytes:
        """The event that ends a stream in the middle; no `[DONE]` follows, for it is not done."""
        return _event(error_object(error, self._request_id))


def _event(data: object) -> bytes:
    """One event: with the space that this wire has after the colon."""
    return b"data: %b\n\n" % json_text.dump(data)
