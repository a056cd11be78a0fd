"""What a request is answered with: one text or several, read as one stream of events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from types import AsyncGeneratorType
from typing import cast

from glmscope.chat.choice import Choice
from glmscope.chat.events import ReplyEvent
from glmscope.chat.trace import ReplyTrace


class Reply:
    """The events of one reply, to be read once: `TextPiece`s as they are made, then `Finished`.

    A reply of several choices gives the events of all of them as they come, each with its `index`;
    it ends after the last `Finished`, and when one choice fails, all end with that failure.

    Reading starts the generation. It stops within one engine step when the reader's task is
    cancelled, or `aclose` is called from any task; a reply that was closed ends without
    `Finished`. A reader that may leave early should close:

        async with contextlib.aclosing(service.prepare(request)) as reply:
            async for event in reply: ...

    A choice caught in a loop (see `LoopBrake`) ends with the note `loop` and the reason `length`:
    it was cut short, not brought to an end. Its usage counts the loop's first round and no more;
    where the reply is wanted whole, its text holds no more either.

    Reading raises EngineFailure when the engine fails, ModelUnavailable when it was closed.
    """

    request_id: str
    trace: ReplyTrace
    """Grows while the reply is read."""

    def __init__(self, *, request_id: str, trace: ReplyTrace, choices: Sequence[Choice]) -> None:
        self.request_id = request_id
        self.trace = trace
        self._choices = choices
        events = choices[0].events if len(choices) == 1 else _merge(choices)
        self._events = cast("AsyncGeneratorType[ReplyEvent, None]", events)
        self._taken = False

    @property
    def traces(self) -> tuple[ReplyTrace, ...]:
        """`trace`, as who reads several replies as one has several."""
        return (self.trace,)

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
        for choice in self._choices:
            await choice.aclose()
        if not self._events.ag_running:  # else its reader finds that all choices have ended
            await self._events.aclose()


async def _merge(choices: Sequence[Choice]) -> AsyncGenerator[ReplyEvent, None]:
    """The events of all choices as they come; of those that come together, the lower index first.

    A choice is asked for its next event when the one before has been taken.
    """
    waiting = {asyncio.create_task(_next(choice)): choice for choice in choices}
    try:
        while waiting:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for task, choice in list(waiting.items()):
                if not task.done():
                    continue
                del waiting[task]
                event = task.result()
                if event is not None:
                    yield event
                    waiting[asyncio.create_task(_next(choice))] = choice
    finally:
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        for choice in choices:
            await choice.aclose()


async def _next(choice: Choice) -> ReplyEvent | None:
    return await anext(choice.events, None)
