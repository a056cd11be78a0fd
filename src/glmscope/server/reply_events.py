"""A reply's events as every wire reads them: in turn, with what they tell noted in the record."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from typing import Protocol

from glmscope.chat.events import Finished, ReplyEvent, Usage
from glmscope.chat.trace import ReplyTrace
from glmscope.server.admission import Turn
from glmscope.server.record import RequestRecord

FINISH_HEADER = "x-glmscope-finish"
"""What the finish reason has no word for; see `Finished.note`."""


class EventSource(Protocol):
    """A `Reply`, or what a wire makes of several."""

    @property
    def input_tokens(self) -> int:
        """See `Usage`."""
        ...

    @property
    def traces(self) -> Sequence[ReplyTrace]:
        """One for each prompt; they, and their number, grow while the events are read."""
        ...

    def __aiter__(self) -> AsyncIterator[ReplyEvent]:
        """To be read once; reading generates."""
        ...

    async def aclose(self) -> None:
        """Stop generating at once."""
        ...


async def read_reply(
    reply: EventSource, turn: Turn, record: RequestRecord
) -> AsyncGenerator[ReplyEvent, None]:
    """Wait for `turn`, then pass on every event of `reply`.

    Usage (of all choices together), finish reason (of the last), timings and traces go into
    `record`: what the reader was given when it went away is counted as well. Raises what reading a
    reply raises.
    """
    record.traces = reply.traces
    async with record.account.reply(reply.input_tokens):
        waiting_since = time.monotonic()
        await turn.begin()
        progress = _Progress(record)
        record.queue_seconds = progress.begun - waiting_since
        event: ReplyEvent | None = None
        async for event in reply:
            progress.add(event)
            if isinstance(event, Finished):
                _note(event, record)
                await record.account.settle()
            yield event
    if not isinstance(event, Finished):
        # A clean end without a reason would look like success to every client.
        raise RuntimeError("the reply ended without a Finished event")
    record.finish_reason = event.reason


def finish_note(event: ReplyEvent) -> str | None:
    """What is to be told besides the finish reason, as a header or a comment says it."""
    told = isinstance(event, Finished) and event.note
    return f"{FINISH_HEADER}: {told}" if told else None


def _note(finished: Finished, record: RequestRecord) -> None:
    """In time for the headers of an answer that is told as a whole."""
    if finished.note is not None:
        record.finish_note = finished.note
        record.headers[FINISH_HEADER] = finished.note


class _Progress:
    """What has arrived of a reply's choices, and when."""

    def __init__(self, record: RequestRecord) -> None:
        self.begun = time.monotonic()
        self._record = record
        self._tokens: dict[int, int] = {}
        """Generated so far, by choice."""
        self._last: dict[int, float] = {}
        """When a choice's latest piece came."""

    def add(self, event: ReplyEvent) -> None:
        before = self._tokens.get(event.index, 0)
        self._tokens[event.index] = event.usage.output_tokens
        self._record.usage = Usage(event.usage.input_tokens, sum(self._tokens.values()))
        if not isinstance(event, Finished):
            self._time(event.index, event.usage.output_tokens - before)

    def _time(self, index: int, tokens: int) -> None:
        now = time.monotonic()
        if self._record.first_token_seconds is None:
            self._record.first_token_seconds = now - self.begun
        # None where a text comes whole after all its tokens, and less where a loop was taken back.
        if index in self._last and tokens > 0:
            self._record.token_gaps.append((now - self._last[index], tokens))
        self._last[index] = now
