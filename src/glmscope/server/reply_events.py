"""A reply's events as every wire reads them: in turn, with what they tell noted in the record."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator

from glmscope.chat.events import Finished, ReplyEvent, TextPiece
from glmscope.chat.reply import Reply
from glmscope.server.admission import Turn
from glmscope.server.record import RequestRecord


async def read_reply(
    reply: Reply, turn: Turn, record: RequestRecord
) -> AsyncGenerator[ReplyEvent, None]:
    """Wait for `turn`, then pass on every event of `reply`.

    Usage, finish reason and timings go into `record`: what the reader was given when it went away
    is counted as well. Raises what reading a reply raises.
    """
    async with record.account.reply(reply.input_tokens):
        waiting_since = time.monotonic()
        await turn.begin()
        clock = _TokenClock(record)
        record.queue_seconds = clock.begun - waiting_since
        event: ReplyEvent | None = None
        async for event in reply:
            record.usage = event.usage
            if isinstance(event, TextPiece):
                clock.piece(event)
            else:
                await record.account.settle()
            yield event
    if not isinstance(event, Finished):
        # A clean end without a reason would look like success to every client.
        raise RuntimeError("the reply ended without a Finished event")
    record.finish_reason = event.reason


class _TokenClock:
    """Times the pieces of a reply's text."""

    def __init__(self, record: RequestRecord) -> None:
        self.begun = time.monotonic()
        self._record = record
        self._last = self.begun
        self._tokens = 0

    def piece(self, piece: TextPiece) -> None:
        now = time.monotonic()
        if self._record.first_token_seconds is None:
            self._record.first_token_seconds = now - self.begun
        else:
            tokens = piece.usage.output_tokens - self._tokens
            self._record.token_gaps.append((now - self._last, tokens))
        self._last = now
        self._tokens = piece.usage.output_tokens
