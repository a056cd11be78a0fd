"""A model in this process, for the terminal: an event loop that runs while a reply does."""

from __future__ import annotations

import asyncio
import signal
import uuid
from collections.abc import Coroutine, Generator, Sequence
from typing import TypeVar

from glmscope.chat.events import ReplyEvent, TextPiece
from glmscope.chat.request import ChatRequest, Message
from glmscope.chat.service import ChatService, ServedModel

T = TypeVar("T")


class LocalModel:
    """A served model without a server; to be closed, and its engine with it."""

    def __init__(self, model: ServedModel) -> None:
        self._service = ChatService([model])
        self._id = model.id
        self._loop = asyncio.new_event_loop()

    def close(self) -> None:
        """Let go of the engine's memory."""
        self._loop.run_until_complete(self._service.close())
        self._loop.close()

    def reply(self, messages: Sequence[Message]) -> Generator[str, None, None]:
        """The next assistant turn, in pieces. Ctrl-C stops it and raises KeyboardInterrupt."""
        request = ChatRequest(str(uuid.uuid4()), self._id, tuple(messages))
        reply = self._service.prepare(request)
        events = aiter(reply)

        async def next_event() -> ReplyEvent:
            return await anext(events)

        try:
            while isinstance(event := self._run(next_event()), TextPiece):
                yield event.text
        finally:
            self._loop.run_until_complete(reply.aclose())

    def _run(self, work: Coroutine[None, None, T]) -> T:
        """Run `work` to its end. Ctrl-C cancels it, so that it can leave everything in order."""
        task = self._loop.create_task(work)
        self._loop.add_signal_handler(signal.SIGINT, task.cancel)
        try:
            return self._loop.run_until_complete(task)
        except asyncio.CancelledError:
            raise KeyboardInterrupt from None
        finally:
            self._loop.remove_signal_handler(signal.SIGINT)
