"""A model in this process, for the terminal: an event loop that runs while a reply does."""

from __future__ import annotations

import asyncio
import signal
import uuid
from collections.abc import Generator, Sequence

from glmscope.agent.code_runner import CodeRunner
from glmscope.agent.loop import AgentReply
from glmscope.agent.loop_limits import LoopLimits
from glmscope.agent.tool_source import ToolSource
from glmscope.chat.events import PluginCall, PluginResult, ReplyEvent, TextPiece
from glmscope.chat.reply import Reply
from glmscope.chat.request import ChatRequest, Message
from glmscope.chat.service import ChatService, ServedModel
from glmscope.cli.conversation import Shown
from glmscope.cli.local_plugins import LocalPlugins


class LocalModel:
    """A served model without a server; to be closed, and its engine with it."""

    def __init__(
        self,
        model: ServedModel,
        tools: ToolSource | None = None,
        runner: CodeRunner | None = None,
        limits: LoopLimits | None = None,
    ) -> None:
        """`tools` and `runner`: what the model may call, within `limits`.

        Raises UsageError for tools that fail.
        """
        self._service = ChatService([model])
        self._id = model.id
        self._loop = asyncio.new_event_loop()
        self._plugins = LocalPlugins(self._service, self._loop, tools, runner, limits)
        self._step: asyncio.Task[ReplyEvent] | None = None
        self._stopping = False

    def close(self) -> None:
        """Let go of the engine's memory."""
        self._plugins.close()
        self._loop.run_until_complete(self._service.close())
        self._loop.close()

    def forget(self) -> None:
        """The next code finds an empty sandbox."""
        self._plugins.forget()

    def reply(self, messages: Sequence[Message]) -> Generator[Shown, None, None]:
        """The next assistant turn, in pieces. Ctrl-C stops it and raises KeyboardInterrupt.

        To be read from the main thread, which is where signals arrive.
        """
        reply = self._plugins.prepare(
            ChatRequest(
                request_id=str(uuid.uuid4()),
                model=self._id,
                messages=tuple(messages),
                cache_scope="",
            )
        )
        self._stopping = False
        # For the whole reply, and not by way of the loop: a signal between two steps must neither
        # break the loop's own code nor wait in its pipe for the next reply.
        before = signal.signal(signal.SIGINT, self._stop)
        try:
            yield from self._pieces(reply)
        finally:
            self._loop.run_until_complete(reply.aclose())
            signal.signal(signal.SIGINT, before)

    def _pieces(self, reply: Reply | AgentReply) -> Generator[Shown, None, None]:
        events = aiter(reply)

        async def next_event() -> ReplyEvent:
            return await anext(events)

        while True:
            self._step = self._loop.create_task(next_event())
            if self._stopping:
                self._step.cancel()
            try:
                event = self._loop.run_until_complete(self._step)
            except asyncio.CancelledError:
                raise KeyboardInterrupt from None
            finally:
                self._step = None
            if isinstance(event, TextPiece):
                yield event.text
            elif isinstance(event, (PluginCall, PluginResult)):
                yield event
            else:
                return

    def _stop(self, *_signal: object) -> None:
        self._stopping = True
        if self._step is not None:
            self._loop.call_soon_threadsafe(self._step.cancel)
