"""The models that are served, and the way from a request to its reply."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType

import structlog

from glmscope.chat.abilities import check_abilities, check_tools
from glmscope.chat.call_gate import CallGate
from glmscope.chat.choice import Choice
from glmscope.chat.conversation import (
    check_conversation,
    offering,
    prompt_builder,
    read_contents,
)
from glmscope.chat.events import PieceLogprob
from glmscope.chat.limits import Counted, Limits, Trimmed, check_input, trim
from glmscope.chat.reply import Reply
from glmscope.chat.reply_text import ReplyText
from glmscope.chat.request import ChatRequest, CompletionRequest, ReplyRequest
from glmscope.chat.sampling import sampling_of
from glmscope.chat.shown_tokens import name_token
from glmscope.chat.tools import ToolOffer
from glmscope.chat.trace import ChoiceTrace, ReplyTrace
from glmscope.engine.engine import Engine, Sampling, Step
from glmscope.errors import InvalidParameter, ModelNotFound, UsageError
from glmscope.text.tokenizer import Tokenizer

__all__ = ["ChatService", "Limits", "ServedModel"]

MOST_LOOP_RETRIES = 3

# What chat and stream_chat of both families use (model specification, section 9).
DEFAULT_TEMPERATURE = 0.8
DEFAULT_TOP_P = 0.8

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


@dataclass(frozen=True)
class ServedModel:
    """A network with its tokenizer under the id that requests name.

    The tokenizer's family decides the prompt format. Several ids may share one engine.
    """

    id: str
    tokenizer: Tokenizer
    engine: Engine
    limits: Limits
    name: str
    """For people, e.g. `ChatGLM3-6B`."""
    description: str = ""
    """What people have to know besides the name."""
    stand_in: str | None = None
    """The id of the model that answers, where it does so in the place of the one called `id`."""
    calls_tools: bool = True
    """Whether it was trained to, as far as its family is: ChatGLM2 was not."""


class ChatService:
    """Turns requests into replies; knows the models, not the wires."""

    models: Mapping[str, ServedModel]

    def __init__(self, models: Iterable[ServedModel], *, loop_retries: int = 0) -> None:
        """`loop_retries`: how often an answer that is wanted whole is tried again, with other
        sampling, when it was caught in a loop; 0 to `MOST_LOOP_RETRIES`.

        Raises UsageError for more, and for two models under one id.
        """
        if not 0 <= loop_retries <= MOST_LOOP_RETRIES:
            raise UsageError(f"Answers can be tried again 0 to {MOST_LOOP_RETRIES} times.")
        self._loop_retries = loop_retries
        served: dict[str, ServedModel] = {}
        for model in models:
            if model.id in served:
                raise UsageError(f'Two models are to be served under the id "{model.id}".')
            served[model.id] = model
        self.models = MappingProxyType(served)

    def prepare(self, request: ChatRequest) -> Reply:
        """Everything that can be refused is refused here; generation starts when the reply is read.

        Input that is too long loses its oldest whole turns (see `trim`); the counts are logged.

        Raises ModelNotFound, and InvalidParameter for a conversation that the model's format
        cannot express or that is too long in its last turn.
        """
        model = self._model(request.model)
        check_abilities(model.engine, request)
        check_tools(model.engine, model.tokenizer.family, request, trained=model.calls_tools)
        check_conversation(model.tokenizer.family, request.messages)
        trimmed = trim(
            [
                Counted(message, len(read_contents(model.tokenizer, message)))
                for message in offering(request.messages, request.tools)
            ],
            model.limits,
            model.engine.max_positions,
            prompt_builder(model.tokenizer, content_only=request.json_schema is not None),
        )
        if trimmed.dropped_turns:
            _log.info(
                "history_trimmed",
                request_id=request.request_id,
                model=model.id,
                dropped_turns=trimmed.dropped_turns,
                dropped_tokens=trimmed.dropped_tokens,
                input_tokens=trimmed.input_tokens,
            )
        return self._reply(request, model, trimmed, tools=request.tools)

    def prepare_completion(self, request: CompletionRequest) -> Reply:
        """A reply that goes on with a text: `[gMASK] sop` and the text are the whole prompt.

        It ends at `</s>`, at a stop string or at the limit; roles mean nothing to it. Nothing is
        trimmed. Raises as `prepare` does, and InvalidParameter for ids that the model has not.
        """
        model = self._model(request.model)
        check_abilities(model.engine, request)
        ids = _text_ids(model.tokenizer, request.prompt)
        prompt_ids = [*model.tokenizer.prefix_ids, *ids]
        check_input(len(ids), len(prompt_ids), model.limits, model.engine.max_positions)
        trimmed = Trimmed((), prompt_ids, len(ids), 0, 0)
        return self._reply(request, model, trimmed, continues=True)

    async def score(self, model_id: str, text: str | tuple[int, ...]) -> list[PieceLogprob]:
        """How likely a text is: an entry for each of its tokens, the first one after `[gMASK] sop`.

        These two are certain, for every text begins with them; where they are given as ids, they
        have entries that say so.

        Raises ModelNotFound, and InvalidParameter for a text that is too long or where the
        engine cannot score.
        """
        model = self._model(model_id)
        if "score" not in model.engine.abilities:
            raise InvalidParameter("This model cannot tell how likely a given text is.")
        tokenizer = model.tokenizer
        ids = _text_ids(tokenizer, text)
        prompt_ids = [*tokenizer.prefix_ids, *ids]
        check_input(len(ids), len(prompt_ids), model.limits, model.engine.max_positions)
        scores = (await model.engine.score(prompt_ids))[-len(ids) :]
        own = [tokenizer.id_bytes(token_id) for token_id in ids]
        if tokenizer.surfaces.dummy_prefix:
            own[0] = own[0].removeprefix(b" ")
        given_prefix = [] if isinstance(text, str) else prompt_ids[: len(text) - len(ids)]
        return [
            *(PieceLogprob(tokenizer.piece(each), b"", 0.0) for each in given_prefix),
            *(name_token(tokenizer, *each) for each in zip(scores, own, strict=True)),
        ]

    def text_of(self, model_id: str, prompt: str | tuple[int, ...]) -> str:
        """A prompt of a completion as text. Raises ModelNotFound, InvalidParameter."""
        if isinstance(prompt, str):
            return prompt
        tokenizer = self._model(model_id).tokenizer
        return tokenizer.decode(_text_ids(tokenizer, prompt))

    def _reply(
        self,
        request: ReplyRequest,
        model: ServedModel,
        trimmed: Trimmed,
        *,
        continues: bool = False,
        tools: ToolOffer | None = None,
    ) -> Reply:
        prompt_ids = trimmed.prompt_ids
        sampling = _sampling(request, model, len(prompt_ids), trimmed.input_tokens)
        if tools is not None and "calls" in model.engine.abilities:
            sampling = replace(sampling, calls=tools.rule())

        def read(trace: ChoiceTrace) -> ReplyText:
            return ReplyText(
                model.tokenizer,
                request.stop,
                request.stop_sequences,
                continues=continues,
                logprobs=request.logprobs is not None,
                gate=_gate(model, tools),
                trace=trace,
            )

        def generate(index: int, attempt: int) -> AsyncGenerator[Step, None]:
            return model.engine.generate(prompt_ids, sampling_of(sampling, index, attempt))

        choices = [
            Choice(
                index=index,
                request_id=request.request_id,
                model=model.id,
                input_tokens=trimmed.input_tokens,
                read=read,
                generate=partial(generate, index),
                whole=request.whole,
                retries=self._loop_retries if request.whole else 0,
            )
            for index in range(request.n)
        ]
        trace = ReplyTrace(
            prompt_ids=prompt_ids,
            input_tokens=trimmed.input_tokens,
            dropped_turns=trimmed.dropped_turns,
            dropped_tokens=trimmed.dropped_tokens,
            sampling=sampling,
            choices=tuple(choice.trace for choice in choices),
        )
        return Reply(request_id=request.request_id, trace=trace, choices=choices)

    def _model(self, model_id: str) -> ServedModel:
        model = self.models.get(model_id)
        if model is None:
            raise ModelNotFound()
        return model

    async def close(self) -> None:
        """Close every engine once; running replies end with ModelUnavailable."""
        engines = {id(model.engine): model.engine for model in self.models.values()}
        await asyncio.gather(*(engine.close() for engine in engines.values()))


def _text_ids(tokenizer: Tokenizer, text: str | tuple[int, ...]) -> list[int]:
    """Ids of a text without `[gMASK] sop`, with which ids that a client sends may begin."""
    if isinstance(text, str):
        return tokenizer.encode(text)
    unknown = next((each for each in text if not 0 <= each < tokenizer.vocab_size), None)
    if unknown is not None:
        raise InvalidParameter(
            f"prompt holds the id {unknown}; this model has 0 to {tokenizer.vocab_size - 1}.",
            param="prompt",
        )
    prefix = len(tokenizer.prefix_ids)
    return list(text[prefix:] if list(text[:prefix]) == tokenizer.prefix_ids else text)


def _gate(model: ServedModel, tools: ToolOffer | None) -> CallGate | None:
    """What takes calls out of a text, where there can be any."""
    if tools is None or tools.as_text:
        return None
    return CallGate(
        model.tokenizer, tools.callable, several=tools.several, takes_code=tools.takes_code
    )


def _sampling(
    request: ReplyRequest, model: ServedModel, prompt_length: int, input_tokens: int
) -> Sampling:
    """The request's sampling, completed with defaults and bounded by what is left.

    The context is shared in tokens as usage counts them, the network's positions in real ids.
    """
    asked = model.limits.output if request.max_tokens is None else request.max_tokens
    return Sampling(
        max_new_tokens=min(
            asked,
            model.limits.output,
            model.limits.context - input_tokens,
            model.engine.max_positions - prompt_length,
        ),
        temperature=DEFAULT_TEMPERATURE if request.temperature is None else request.temperature,
        top_p=DEFAULT_TOP_P if request.top_p is None else request.top_p,
        top_k=request.top_k,
        repetition_penalty=request.repetition_penalty,
        presence_penalty=request.presence_penalty,
        seed=request.seed,
        stop_ids=model.tokenizer.stop_ids,
        logprobs=request.logprobs,
        json_schema=request.json_schema,
        cache_scope=request.cache_scope,
    )
