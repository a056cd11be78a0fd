"""The prompts of one completion request, answered as one reply."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import replace

from glmscope.chat.events import Finished, PieceLogprob, ReplyEvent, TextPiece, Usage
from glmscope.chat.request import CompletionRequest
from glmscope.chat.service import ChatService
from glmscope.chat.trace import ReplyTrace


class CompletionReply:
    """The events of several replies in the order of their prompts, numbered through.

    One prompt is worked on at a time, so that a request takes no more than its own place in the
    line, however many prompts it has. With `echo` each choice begins with its prompt, scored where
    log-probabilities were asked for; a prompt whose `max_tokens` is 0 is only echoed.
    """

    def __init__(
        self, service: ChatService, completions: Sequence[CompletionRequest], echo: bool
    ) -> None:
        """Raises what `ChatService.prepare_completion` raises."""
        self._service = service
        self._completions = completions
        self._echo = echo
        self._replies = [service.prepare_completion(each) for each in completions]
        self._input_tokens = sum(reply.input_tokens for reply in self._replies)
        self._events = self._read()

    @property
    def input_tokens(self) -> int:
        """Of all prompts together."""
        return self._input_tokens

    @property
    def traces(self) -> tuple[ReplyTrace, ...]:
        """One for each prompt."""
        return tuple(reply.trace for reply in self._replies)

    def __aiter__(self) -> AsyncIterator[ReplyEvent]:
        return self._events

    async def aclose(self) -> None:
        """Stop the generation at once."""
        await self._events.aclose()
        for reply in self._replies:
            await reply.aclose()

    async def _read(self) -> AsyncGenerator[ReplyEvent, None]:
        for number, completion in enumerate(self._completions):
            first = number * completion.n
            if self._echo:
                async for event in self._echoed(completion):
                    yield self._placed(event, first)
            if completion.max_tokens != 0:
                async for event in self._replies[number]:
                    yield self._placed(event, first)

    async def _echoed(self, completion: CompletionRequest) -> AsyncGenerator[ReplyEvent, None]:
        model, prompt = completion.model, completion.prompt
        tokens: tuple[PieceLogprob, ...] = ()
        if completion.logprobs is not None:
            tokens = tuple(await self._service.score(model, prompt))
        text = self._service.text_of(model, prompt)
        usage = Usage(self._input_tokens, 0)
        for index in range(completion.n):
            yield TextPiece(text, usage, index, tokens)
        for index in range(completion.n if completion.max_tokens == 0 else 0):
            yield Finished("length", usage, index)

    def _placed(self, event: ReplyEvent, first: int) -> ReplyEvent:
        usage = Usage(self._input_tokens, event.usage.output_tokens)
        return replace(event, index=first + event.index, usage=usage)
