"""One reply: an engine's steps read as events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog

from glmscope.chat.events import Finished, ReplyEvent, TextPiece, Usage
from glmscope.chat.reply_text import ReplyText
from glmscope.chat.trace import ReplyTrace
from glmscope.engine.engine import Step
from glmscope.errors import EngineFailure, ServiceError

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


class Reply:
    """The events of one reply, to be read once: `TextPiece`s as they are made, then `Finished`.

    Reading starts the generation. It stops within one engine step when the reader's task is
    cancelled, or `aclose` is called from any task; a reply that was closed ends without
    `Finished`. A reader that may leave early should close:

        async with contextlib.aclosing(service.prepare(request)) as reply:
            async for event in reply: ...

    A reply caught in a loop (see `LoopBrake`) ends with the reason `length`: it was cut short, not
    brought to an end.

    Reading raises EngineFailure when the engine fails, ModelUnavailable when it was closed.
    """

    request_id: str
    trace: ReplyTrace
    """Grows while the reply is read."""

    def __init__(
        self,
        *,
        request_id: str,
        model: str,
        trace: ReplyTrace,
        text: ReplyText,
        generate: Callable[[], AsyncGenerator[Step, None]],
    ) -> None:
        self.request_id = request_id
        self.trace = trace
        self._model = model
        self._text = text
        self._generate = generate
        self._events = self._read()
        self._taken = False
        self._closed = False
        self._stopping = False
        self._waiting: asyncio.Task[Step | None] | None = None

    @property
    def input_tokens(self) -> int:
        """See `Usage`."""
        return self.trace.input_tokens

    def __aiter__(self) -> AsyncIterator[ReplyEvent]:
        if self._taken:
            raise RuntimeError("a reply can be read only once")
        self._taken = True
        return self._events

    async def aclose(self) -> None:
        """Stop the generation at once; harmless when it has ended, and when called again."""
        if self._waiting is not None:
            # Another task is reading: its wait ends here, and the engine's iterator with it.
            self._closed = True
            self._waiting.cancel()
            await asyncio.wait([self._waiting])
        elif not self._stopping:
            await self._events.aclose()

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
                    yield TextPiece(piece, self._usage())
        finally:
            await self._stop(steps)
        if text.cycle is not None:
            self._log_loop(text.cycle)
        yield Finished(text.finish, self._usage())

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
        for token_id in step.ids:
            piece += self._text.add(token_id)
            if self._text.finish is not None:
                return piece
        return piece if step.finish is None else piece + self._text.end(step.finish, step.end_id)

    def _usage(self) -> Usage:
        return Usage(self.input_tokens, self._text.output_tokens)

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
            self._log_failure(failure, reason=_place(error))
            raise failure from error

    def _log_failure(self, error: ServiceError, reason: str) -> None:
        _log.error(
            "reply_failed",
            request_id=self.request_id,
            model=self._model,
            code=error.code,
            reason=reason,
            output_tokens=self._text.output_tokens,
        )

    def _log_loop(self, cycle: int) -> None:
        _log.warning(
            "reply_looped",
            request_id=self.request_id,
            model=self._model,
            cycle=cycle,
            output_tokens=self._text.output_tokens,
        )


async def _next(steps: AsyncGenerator[Step, None]) -> Step | None:
    try:
        return await steps.__anext__()
    except StopAsyncIteration:
        return None


def _place(error: Exception) -> str:
    """Kind of an exception and the line that raised it."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return type(error).__name__
    file = Path(trace.tb_frame.f_code.co_filename).name
    return f"{type(error).__name__} at {file}:{trace.tb_lineno}"
