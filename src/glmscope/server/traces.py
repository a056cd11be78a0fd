"""Prompt X-ray: what became of each request, kept for a bounded time and size."""

from __future__ import annotations

import time
from array import array
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone

from glmscope.chat.events import Usage
from glmscope.chat.trace import PartReading, ReplyEnd, ReplyTrace, StepTrace
from glmscope.engine.engine import Sampling
from glmscope.server.record import RequestRecord, Wire

# What a trace takes apart from its ids and texts: measured with tracemalloc, rounded up.
_TRACE_BYTES = 1280
_REPLY_BYTES = 768
_CHOICE_BYTES = 256
_READING_BYTES = 192


@dataclass(frozen=True, slots=True)
class KeptChoice:
    """What was generated for one choice."""

    count: int
    ids: Sequence[int] | None
    """None where ids are not kept."""
    end: ReplyEnd | None
    """None for a choice that broke off; a stop string only where texts are kept."""
    readings: tuple[PartReading, ...] = ()
    discarded: tuple[int, ...] = ()
    """See `ChoiceTrace.discarded`."""


@dataclass(frozen=True, slots=True)
class KeptReply:
    """What was made of one prompt."""

    dropped_turns: int
    dropped_tokens: int
    sampling: Sampling
    prompt_count: int
    prompt_ids: Sequence[int] | None
    choices: tuple[KeptChoice, ...]
    steps: tuple[StepTrace, ...] = ()

    @property
    def size(self) -> int:
        """Bytes that keeping it takes, about."""
        ids = len(self.prompt_ids or ()) + sum(len(choice.ids or ()) for choice in self.choices)
        return (
            _REPLY_BYTES
            + _CHOICE_BYTES * len(self.choices)
            + array("i").itemsize * ids
            + len(self.sampling.json_schema or "")
            + _calls_size(self.sampling)
            + sum(_text_size(choice.end) for choice in self.choices)
            + _READING_BYTES * len(self.steps)
            + _READING_BYTES * sum(len(choice.readings) for choice in self.choices)
        )


@dataclass(frozen=True, slots=True)
class KeptTrace:
    """One request that has ended."""

    request_id: str
    key_id: str | None
    model: str
    wire: Wire | None
    status: int
    error: str | None
    disconnected: bool
    ended_at: datetime
    seconds: float
    queue_seconds: float | None
    first_token_seconds: float | None
    between_tokens_seconds: float | None
    """Mean over the tokens after the first piece."""
    usage: Usage | None
    replies: tuple[KeptReply, ...]
    """One, but where a request holds several prompts (OpenAI's completions), or where the model
    goes on with what plugins answered."""
    size: int
    """Bytes that keeping it takes, about."""


class TraceStore:
    """An observer that remembers the latest requests, within `max_bytes` and `max_seconds`.

    Ids and whatever else says what was talked about are kept only with `texts`; counts, sampling,
    ends and times always. Requests that never got as far as a prompt leave no trace, so that
    nobody without a key can wash the others away. All of it is gone with the process.
    """

    def __init__(
        self,
        *,
        texts: bool,
        max_bytes: int,
        max_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.texts = texts
        self._max_bytes = max_bytes
        self._max_seconds = max_seconds
        self._clock = clock
        self._kept: OrderedDict[tuple[str, str | None], tuple[float, KeptTrace]] = OrderedDict()
        """By request and key, oldest first: a websocket's client chooses the ids of its requests,
        which must not hide those of others."""
        self._bytes = 0

    @property
    def size(self) -> int:
        """Bytes taken by what is kept, about."""
        return self._bytes

    def finished(self, record: RequestRecord, status: int, seconds: float) -> None:
        """Keep one request; see `RequestObserver`."""
        if not record.traces or record.model is None:
            return
        kept = _kept(record, record.model, status, seconds, self.texts)
        place = (kept.request_id, kept.key_id)
        self._forget(place)
        self._kept[place] = (self._clock(), kept)
        self._bytes += kept.size
        while self._bytes > self._max_bytes:
            self._forget(next(iter(self._kept)))
        self._forget_old()

    def find(self, request_id: str) -> KeptTrace | None:
        """The latest request of that id, whoever asked it."""
        self._forget_old()
        for (kept_id, _), (_, trace) in reversed(self._kept.items()):
            if kept_id == request_id:
                return trace
        return None

    def find_own(self, request_id: str, key_id: str) -> KeptTrace | None:
        """The request of that id which this key asked."""
        self._forget_old()
        _, trace = self._kept.get((request_id, key_id), (0.0, None))
        return trace

    def _forget_old(self) -> None:
        oldest = self._clock() - self._max_seconds
        while self._kept:
            place, (since, _) = next(iter(self._kept.items()))
            if since > oldest:
                return
            self._forget(place)

    def _forget(self, place: tuple[str, str | None]) -> None:
        _, trace = self._kept.pop(place, (0.0, None))
        if trace is not None:
            self._bytes -= trace.size


def _kept(record: RequestRecord, model: str, status: int, seconds: float, texts: bool) -> KeptTrace:
    replies = tuple(_kept_reply(trace, texts) for trace in record.traces)
    tokens = sum(tokens for _, tokens in record.token_gaps)
    waited = sum(gap for gap, _ in record.token_gaps)
    return KeptTrace(
        request_id=record.request_id,
        key_id=record.key_id,
        model=model,
        wire=record.wire,
        status=status,
        error=record.error,
        disconnected=record.disconnected,
        ended_at=datetime.now(timezone.utc),
        seconds=seconds,
        queue_seconds=record.queue_seconds,
        first_token_seconds=record.first_token_seconds,
        between_tokens_seconds=waited / tokens if tokens else None,
        usage=record.usage,
        replies=replies,
        size=_TRACE_BYTES + sum(reply.size for reply in replies),
    )


def _kept_reply(trace: ReplyTrace, texts: bool) -> KeptReply:
    return KeptReply(
        dropped_turns=trace.dropped_turns,
        dropped_tokens=trace.dropped_tokens,
        sampling=trace.sampling if texts else _without_schemas(trace.sampling),
        prompt_count=len(trace.prompt_ids),
        prompt_ids=_packed(trace.prompt_ids) if texts else None,
        choices=tuple(
            KeptChoice(
                count=len(choice.ids),
                ids=_packed(choice.ids) if texts else None,
                end=choice.end if texts else _without_text(choice.end),
                readings=tuple(choice.readings),
                discarded=tuple(choice.discarded),
            )
            for choice in trace.choices
        ),
        steps=tuple(trace.steps),
    )


def _without_schemas(sampling: Sampling) -> Sampling:
    calls = sampling.calls and replace(sampling.calls, tools=())
    return replace(sampling, json_schema=None, calls=calls)


def _packed(ids: Sequence[int]) -> Sequence[int]:
    """Four bytes an id instead of some thirty."""
    return array("i", ids)


def _without_text(end: ReplyEnd | None) -> ReplyEnd | None:
    if end is None or end.kind not in ("stop_string", "stop_sequence"):
        return end
    return ReplyEnd(end.kind)


def _calls_size(sampling: Sampling) -> int:
    tools = sampling.calls.tools if sampling.calls else ()
    return sum(len(tool.name) + len(tool.parameters) for tool in tools)


def _text_size(end: ReplyEnd | None) -> int:
    """Characters of a stop string take up to four bytes, ids of a sequence some forty."""
    what = None if end is None else end.what
    if isinstance(what, str):
        return 4 * len(what)
    return 40 * len(what) if isinstance(what, tuple) else 0
