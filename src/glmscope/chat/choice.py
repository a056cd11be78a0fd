"""One of a reply's texts: an engine's steps read as events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import replace
from itertools import zip_longest

import structlog

from glmscope.chat.events import (
    CallPiece,
    Finished,
    FinishNote,
    PieceLogprob,
    ReplyEvent,
    ReplyFinish,
    TextPiece,
    ToolCall,
    Usage,
)
from glmscope.chat.place import place_of
from glmscope.chat.repetition import Loop
from glmscope.chat.reply_text import ReplyText
from glmscope.chat.trace import ChoiceTrace
from glmscope.engine.engine import Step, TokenLogprob
from glmscope.errors import EngineFailure, ServiceError

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


class Choice:
    """The events of one generation, to be read once; see `Reply`, which is made of these.

    `read` begins to read ids as text, noting them in a trace; `generate` begins the try of that
    number, the first one's is 0. A choice that is wanted `whole` says so many times that more was
    generated and gives its text at the end, in one piece: so much of it as is no loop, and with
    `retries` left, that of the next try instead.
    """

    events: AsyncGenerator[ReplyEvent, None]
    trace: ChoiceTrace
    """Grows while the events are read."""

    def __init__(
        self,
        *,
        index: int,
        request_id: str,
        model: str,
        input_tokens: int,
        read: Callable[[ChoiceTrace], ReplyText],
        generate: Callable[[int], AsyncGenerator[Step, None]],
        whole: bool = False,
        retries: int = 0,
    ) -> None:
        self.events = self._read_whole() if whole else self._read()
        self.trace = ChoiceTrace()
        self._index = index
        self._request_id = request_id
        self._model = model
        self._input_tokens = input_tokens
        self._begin = read
        self._text = read(self.trace)
        self._generate = generate
        self._whole = whole
        self._retries = retries
        self._drawn: list[tuple[int, TokenLogprob | None]] = []
        """The ids of this try, of a choice that is wanted whole."""
        self._closed = False
        self._stopping = False
        self._waiting: asyncio.Task[Step | None] | None = None

    async def aclose(self) -> None:
        """Stop the generation at once, from whichever task; harmless when it has ended."""
        if self._waiting is not None:
            # Another task is reading: its wait ends here, and the engine's iterator with it.
            self._closed = True
            self._waiting.cancel()
            await asyncio.wait([self._waiting])
        elif not self._stopping:
            await self.events.aclose()

    async def _read(self) -> AsyncGenerator[ReplyEvent, None]:
        text = self._text
        with self._engine_errors():
            steps = self._generate(len(self.trace.discarded))
        try:
            while text.finish is None:
                with self._engine_errors():
                    step = await self._next_step(steps)
                if self._closed:
                    return
                piece = self._add(step)
                if text.finish is not None:
                    # Before the last piece leaves: the reader may take its time with it.
                    await self._stop(steps)
                if piece:
                    yield TextPiece(piece, self._usage(), self._index, text.take_logprobs())
                for call in text.take_calls():
                    yield CallPiece(call, self._usage(), self._index)
        finally:
            await self._stop(steps)
        if text.loop is not None:
            self._log_loop(text.loop)
        note: FinishNote | None = None if text.loop is None else "loop"
        yield Finished(text.finish, self._usage(), self._index, text.end_token, note)

    async def _read_whole(self) -> AsyncGenerator[ReplyEvent, None]:
        while True:
            pieces: list[TextPiece] = []
            calls: list[ToolCall] = []
            finished: Finished | None = None
            async with aclosing(self._read()) as events:
                async for event in events:
                    if isinstance(event, TextPiece):
                        pieces.append(event)
                        yield TextPiece("", event.usage, self._index)
                    elif isinstance(event, CallPiece):
                        calls.append(event.call)
                    elif isinstance(event, Finished):
                        finished = event
            if finished is None:
                return  # closed
            if self._text.loop is None or not self._retries:
                break
            self._retries -= 1
            self.trace.discard()
            self._drawn.clear()
            self._text = self._begin(self.trace)
        text = "".join(piece.text for piece in pieces)
        logprobs = tuple(each for piece in pieces for each in piece.logprobs)
        if self._text.loop is not None:
            text, logprobs, calls, reason = self._first_round(self._text.loop)
            finished = replace(finished, reason=reason)
        if text:
            yield TextPiece(text, finished.usage, self._index, logprobs)
        for call in calls:
            yield CallPiece(call, finished.usage, self._index)
        yield finished

    def _first_round(
        self, loop: Loop
    ) -> tuple[str, tuple[PieceLogprob, ...], list[ToolCall], ReplyFinish]:
        """What the ids up to the end of a loop's first round are when read by themselves."""
        reading = self._begin(ChoiceTrace())
        text = "".join(reading.add(*each) for each in self._drawn[: loop.first_round_end])
        text += reading.end("length")
        return text, reading.take_logprobs(), list(reading.take_calls()), reading.finish or "length"

    async def _next_step(self, steps: AsyncGenerator[Step, None]) -> Step:
        """The next step, waited for in a task of its own, so that `aclose` can end the wait."""
        self._waiting = asyncio.create_task(_next(steps))
        try:
            step = await self._waiting
        except asyncio.CancelledError:
            if not self._closed:
                raise
            step = Step(())
        finally:
            self._waiting = None
        if step is None:
            raise EngineFailure()
        return step

    async def _stop(self, steps: AsyncGenerator[Step, None]) -> None:
        self._stopping = True
        try:
            with self._engine_errors():
                await steps.aclose()
        finally:
            self._stopping = False

    def _add(self, step: Step) -> str:
        piece = ""
        for token_id, logprob in zip_longest(step.ids, step.logprobs):
            if self._whole:
                self._drawn.append((token_id, logprob))
            piece += self._text.add(token_id, logprob)
            if self._text.finish is not None:
                return piece
        return (
            piece
            if step.finish is None
            else piece + self._text.end(step.finish, step.end_id, step.end_logprob)
        )

    def _usage(self) -> Usage:
        return Usage(self._input_tokens, self._text.output_tokens)

    @contextmanager
    def _engine_errors(self) -> Iterator[None]:
        """Any failure of the engine as a ServiceError, logged once.

        What a foreign exception says is not logged: it may quote ids, and those are text.
        """
        try:
            yield
        except ServiceError as error:
            self._log_failure(error, reason=error.message)
            raise
        except Exception as error:
            failure = EngineFailure()
            self._log_failure(failure, reason=place_of(error))
            raise failure from error

    def _log_failure(self, error: ServiceError, reason: str) -> None:
        _log.error(
            "reply_failed",
            request_id=self._request_id,
            model=self._model,
            code=error.code,
            reason=reason,
            output_tokens=self._text.output_tokens,
        )

    def _log_loop(self, loop: Loop) -> None:
        _log.warning(
            "reply_looped",
            request_id=self._request_id,
            model=self._model,
            cycle=loop.unit,
            repeated_tokens=loop.length - loop.unit,
            output_tokens=self._text.output_tokens,
            tries_left=self._retries,
        )


async def _next(steps: AsyncGenerator[Step, None]) -> Step | None:
    try:
        return await steps.__anext__()
    except StopAsyncIteration:
        return None
