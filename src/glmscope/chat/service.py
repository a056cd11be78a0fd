"""The models that are served, and the way from a request to its reply."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

import structlog

from glmscope.chat.conversation import check_conversation, prompt_builder
from glmscope.chat.limits import Counted, Limits, Trimmed, trim
from glmscope.chat.reply import Reply
from glmscope.chat.reply_text import ReplyText
from glmscope.chat.request import ChatRequest
from glmscope.engine.engine import Engine, Sampling
from glmscope.errors import ModelNotFound, UsageError
from glmscope.text.tokenizer import Tokenizer

__all__ = ["ChatService", "Limits", "ServedModel"]

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


class ChatService:
    """Turns requests into replies; knows the models, not the wires."""

    models: Mapping[str, ServedModel]

    def __init__(self, models: Iterable[ServedModel]) -> None:
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
        model = self.models.get(request.model)
        if model is None:
            raise ModelNotFound()
        check_conversation(model.tokenizer.family, request.messages)
        trimmed = trim(
            [
                Counted(message, len(model.tokenizer.encode(message.content)))
                for message in request.messages
            ],
            model.limits,
            model.engine.max_positions,
            prompt_builder(model.tokenizer),
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
        return Reply(
            request_id=request.request_id,
            model=model.id,
            input_tokens=trimmed.input_tokens,
            text=ReplyText(model.tokenizer, request.stop, request.stop_sequences),
            generate=partial(
                model.engine.generate, trimmed.prompt_ids, _sampling(request, model, trimmed)
            ),
        )

    async def close(self) -> None:
        """Close every engine once; running replies end with ModelUnavailable."""
        engines = {id(model.engine): model.engine for model in self.models.values()}
        await asyncio.gather(*(engine.close() for engine in engines.values()))


def _sampling(request: ChatRequest, model: ServedModel, trimmed: Trimmed) -> Sampling:
    """The request's sampling, completed with defaults and bounded by what is left.

    The context is shared in tokens as usage counts them, the network's positions in real ids.
    """
    asked = model.limits.output if request.max_tokens is None else request.max_tokens
    return Sampling(
        max_new_tokens=min(
            asked,
            model.limits.output,
            model.limits.context - trimmed.input_tokens,
            model.engine.max_positions - len(trimmed.prompt_ids),
        ),
        temperature=DEFAULT_TEMPERATURE if request.temperature is None else request.temperature,
        top_p=DEFAULT_TOP_P if request.top_p is None else request.top_p,
        top_k=request.top_k,
        repetition_penalty=request.repetition_penalty,
        presence_penalty=request.presence_penalty,
        seed=request.seed,
        stop_ids=model.tokenizer.stop_ids,
    )
