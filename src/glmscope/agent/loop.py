"""A reply in several turns: what the model calls is run, and the model goes on with the result."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from dataclasses import replace
from types import AsyncGeneratorType
from typing import cast

from glmscope.agent.loop_limits import LoopLimits
from glmscope.agent.tool import ToolResult
from glmscope.agent.workbench import Workbench, plugin_name
from glmscope.chat.events import (
    CallPiece,
    Finished,
    PluginCall,
    PluginFile,
    PluginResult,
    ReplyEvent,
    TextPiece,
    ToolCall,
    Usage,
)
from glmscope.chat.past_calls import PastCall
from glmscope.chat.reply import Reply
from glmscope.chat.request import ChatRequest, Message
from glmscope.chat.trace import ReplyTrace, StepTrace
from glmscope.errors import InvalidParameter

_Done = tuple[ToolResult, StepTrace]


class AgentReply:
    """Read as a `Reply` is, and closed as one. Usage counts all turns, input and output.

    Texts of all turns are one text; between them come a `PluginCall` for each call that the server
    runs, and its `PluginResult`. A call of a tool that is not the server's ends the reply. So does
    a limit, and the same call for the third time: the text says so, and the reason is `length`.
    """

    request_id: str
    traces: list[ReplyTrace]
    """One for each turn of the model; grows while the reply is read."""

    def __init__(
        self,
        prepare: Callable[[ChatRequest], Reply],
        request: ChatRequest,
        bench: Workbench,
        limits: LoopLimits,
    ) -> None:
        """Raises what `prepare` raises for the first turn."""
        self.request_id = request.request_id
        self._prepare = prepare
        self._request = request
        self._bench = bench
        self._limits = limits
        self._turn = prepare(request)
        self.traces = [self._turn.trace]
        self._spent = Usage(0, 0)
        """By the turns before this one."""
        self._texts: list[str] = []
        """Of this turn."""
        self._has_text = False
        self._call: ToolCall | None = None
        """What this turn asks the server to run."""
        self._end: Finished | None = None
        """Of this turn."""
        self._steps = 0
        self._shown = 0
        """Characters of results so far."""
        self._deadline = 0.0
        self._reason: str | None = None
        """Why it is stopped, where it is."""
        self._closed = False
        self._running: asyncio.Task[_Done] | None = None
        self._events = cast("AsyncGeneratorType[ReplyEvent, None]", self._read())
        self._taken = False

    @property
    def input_tokens(self) -> int:
        """Of the first turn; see `Usage`."""
        return self.traces[0].input_tokens

    def __aiter__(self) -> AsyncIterator[ReplyEvent]:
        if self._taken:
            raise RuntimeError("a reply can be read only once")
        self._taken = True
        return self._events

    async def aclose(self) -> None:
        """Stop the model, or what it has called, at once; harmless when it has ended."""
        self._closed = True
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait([self._running])
        await self._turn.aclose()
        if not self._events.ag_running:
            await self._events.aclose()
        await self._bench.close()

    async def _read(self) -> AsyncGenerator[ReplyEvent, None]:
        self._deadline = time.monotonic() + self._limits.seconds
        try:
            while self._reason is None:
                async for event in self._turn:
                    heard = self._heard(event)
                    if heard is not None:
                        yield heard
                    if self._reason is not None:
                        break
                if self._reason is None and self._end is None:
                    return  # closed
                if self._call is None:
                    break
                async for event in self._step(self._call):
                    yield event
                if self._closed:
                    return
            await self._turn.aclose()
            for event in self._last():
                yield event
        finally:
            await self._turn.aclose()
            await self._bench.close()

    def _heard(self, event: ReplyEvent) -> ReplyEvent | None:
        """Take note of an event of this turn; what the reader gets of it."""
        usage = _sum(self._spent, event.usage)
        if isinstance(event, Finished):
            self._end = event
            self._spent = usage
            return None
        if time.monotonic() > self._deadline:
            self._reason = self._too_long_a_time
            self._spent = usage
        if isinstance(event, CallPiece) and self._bench.own(event.call):
            self._call = event.call
            return None
        if isinstance(event, TextPiece):
            self._texts.append(event.text)
            self._has_text = True
        return replace(event, usage=usage)

    async def _step(self, generated: ToolCall) -> AsyncGenerator[ReplyEvent, None]:
        """Run a call, and prepare the turn that reads the result."""
        past = self._bench.own(generated)
        if past is None:
            raise RuntimeError("a call that is not the server's")
        call = replace(generated, number=self._steps, name=plugin_name(past))
        yield PluginCall(call, self._spent)
        self._reason = self._reason or self._why_not(past)
        done = None if self._reason else await self._run(past)
        if self._closed:
            return
        if done is None:
            self._reason = self._reason or self._too_long_a_time
            self.traces[-1].steps.append(StepTrace(call.name, "refused"))
            return
        result, step = done
        self.traces[-1].steps.append(step)
        self._steps += 1
        self._shown += len(result.text)
        files = tuple(PluginFile(f.name, f.content, f.media_type) for f in result.files)
        yield PluginResult(call, result.text, self._spent, files, result.is_error)
        await self._next_turn(past, result)

    def _why_not(self, call: PastCall) -> str | None:
        """Why a call is not run, if it is not."""
        limits, spent = self._limits, self._spent
        if not self._bench.note(call):
            return "the model made the same call again and again"
        if self._steps >= limits.steps:
            return f"the model wanted another call, and had made all {limits.steps} of a reply"
        if spent.input_tokens + spent.output_tokens >= limits.tokens:
            return f"more than {limits.tokens} tokens were read and written"
        if self._shown >= limits.output:
            return f"the tools answered more than {limits.output} characters"
        return None

    @property
    def _too_long_a_time(self) -> str:
        return f"it took longer than {self._limits.seconds:g} seconds"

    async def _run(self, call: PastCall) -> _Done | None:
        """The result; None where there is no time for it, or the reply was closed meanwhile."""
        self._running = asyncio.create_task(self._bench.run(call))
        try:
            await asyncio.wait([self._running], timeout=self._deadline - time.monotonic())
            return self._running.result() if _has_ended(self._running) else None
        finally:
            self._running.cancel()
            await asyncio.wait([self._running])
            self._running = None

    async def _next_turn(self, call: PastCall, result: ToolResult) -> None:
        """Have the model go on; it is free not to call anything now, whatever was asked first."""
        request = self._request
        text = "".join(self._texts).strip()
        asked = Message("assistant", text, (call,))
        told = Message("tool", result.text, call_id=call.id)
        left = request.max_tokens
        if left is not None:
            left -= self._end.usage.output_tokens if self._end else 0
        self._request = replace(
            request,
            messages=(*request.messages, asked, told),
            tools=request.tools and replace(request.tools, must_call=False, only=None),
            max_tokens=left,
        )
        if left is not None and left < 1:
            self._reason = f"no more than {self._spent.output_tokens} tokens were asked for"
            return
        try:
            # In a thread, because a long conversation takes a moment to encode.
            self._turn = await asyncio.to_thread(self._prepare, self._request)
        except InvalidParameter:
            self._reason = "with the results the conversation is longer than the model reads"
            return
        self.traces.append(self._turn.trace)
        self._texts, self._call, self._end = [], None, None

    def _last(self) -> Iterator[ReplyEvent]:
        """How the reply ends, once nothing more is generated."""
        if self._reason is None and self._end is not None:
            yield replace(self._end, usage=self._spent)
            return
        note = f"(Stopped before the answer was complete: {self._reason}.)"
        yield TextPiece(f"\n\n{note}" if self._has_text else note, self._spent)
        yield Finished("length", self._spent)


def _sum(one: Usage, other: Usage) -> Usage:
    return Usage(one.input_tokens + other.input_tokens, one.output_tokens + other.output_tokens)


def _has_ended(task: asyncio.Task[_Done]) -> bool:
    return task.done() and not task.cancelled()
