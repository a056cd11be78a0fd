"""One of a reply's texts: an engine's steps read as events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import contextmanager
from itertools import zip_longest

import structlog

from glmscope.chat.events import CallPiece, Finished, ReplyEvent, TextPiece, Usage
from glmscope.chat.place import place_of
from glmscope.chat.reply_text import ReplyText
from glmscope.engine.engine import Step
from glmscope.errors import EngineFailure, ServiceError

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


class Choice:
    """The events of one generation, to be read once; see `Reply`, which is made of these."""

    events: AsyncGenerator[ReplyEvent, None]

    def __init__(
        self,
        *,
        index: int,
        request_id: str,
        model: str,
        input_tokens: int,
        text: ReplyText,
        generate: Callable[[], AsyncGenerator[Step, None]],
    ) -> None:
        self.events = self._read()
        self._index = index
        self._request_id = request_id
        self._model = model
        self._input_tokens = input_tokens
        self._text = text
        self._generate = generate
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
            steps = self._generate()
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
        if text.cycle is not None:
            self._log_loop(text.cycle)
        yield Finished(text.finish, self._usage(), self._index, text.end_token)

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

    def _log_loop(self, cycle: int) -> None:
        _log.warning(
            "reply_looped",
            request_id=self._request_id,
            model=self._model,
            cycle=cycle,
            output_tokens=self._text.output_tokens,
        )


async def _next(steps: AsyncGenerator[Step, None]) -> Step | None:
    try:
        return await steps.__anext__()
    except StopAsyncIteration:
        return None
