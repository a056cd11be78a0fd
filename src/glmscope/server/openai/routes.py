"""The paths of the OpenAI-compatible wire, below `/compatible-mode/v1` and `/v1`."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool

from glmscope.agent.agent import Agent
from glmscope.chat.service import ChatService
from glmscope.server import json_text
from glmscope.server.admission import Admission
from glmscope.server.description import answers, refuses, takes
from glmscope.server.model import allowed_models, read_model
from glmscope.server.openai.answer import Head
from glmscope.server.openai.chat_choice import StreamedChatChoice, WholeChatChoice
from glmscope.server.openai.chat_request import read_chat
from glmscope.server.openai.completion_reply import CompletionReply
from glmscope.server.openai.completion_request import read_completion
from glmscope.server.openai.description import (
    CHAT_BODY,
    COMPLETION,
    COMPLETION_BODY,
    ERROR,
    MODEL,
    MODELS,
)
from glmscope.server.openai.folds import ChunkFold, PlainFold, StreamedChoice, WholeChoice
from glmscope.server.openai.models import model_object
from glmscope.server.openai.parameters import Streaming
from glmscope.server.openai.text_choice import StreamedTextChoice, WholeTextChoice
from glmscope.server.record import RequestRecord
from glmscope.server.reply_events import EventSource
from glmscope.server.reply_response import EventStreamResponse, PlainResponse

PREFIXES = ("/compatible-mode/v1", "/v1")


def openai_routes(
    service: ChatService, agent: Agent, admission: Admission, keep_alive_seconds: float
) -> APIRouter:
    """Everything that a client finds below its base URL. Whoever mounts it checks the key."""
    router = APIRouter(responses=refuses(ERROR))
    answering = _Answering(admission, keep_alive_seconds)
    router.include_router(_chat_routes(agent, answering))
    router.include_router(_completion_routes(service, answering))
    router.include_router(_model_routes(service))
    return router


@dataclass(frozen=True)
class _Answering:
    """How replies become answers."""

    admission: Admission
    keep_alive_seconds: float

    def answer(
        self,
        reply: EventSource,
        record: RequestRecord,
        head: Head,
        streaming: Streaming,
        whole: Sequence[WholeChoice],
        streamed: Sequence[StreamedChoice],
    ) -> Response:
        """A reply in whole, or as a stream where that was asked for."""
        if not streaming.wanted:
            return PlainResponse(reply, PlainFold(head, whole), self.admission, record)
        chunks = ChunkFold(head, streamed, streaming.include_usage, record.request_id)
        return EventStreamResponse(reply, chunks, self.admission, record, self.keep_alive_seconds)


def _chat_routes(agent: Agent, answering: _Answering) -> APIRouter:
    router = APIRouter()

    @router.post(
        "/chat/completions",
        responses=answers(COMPLETION, streams=True),
        openapi_extra=takes(CHAT_BODY, agent.models),
    )
    async def chat_completions(request: Request) -> Response:
        record = RequestRecord.of(request)
        body = json_text.load_object(await request.body())
        model = read_model(body, agent.models, record)
        call = read_chat(body, model, record)
        # In a thread, because a long conversation takes a moment to encode.
        reply = await run_in_threadpool(agent.prepare, call.chat, call.plugins, record.key_names)
        kind = "chat.completion.chunk" if call.streaming.wanted else "chat.completion"
        form = call.chat.logprobs is not None, call.old_calls, call.plugins is not None
        return answering.answer(
            reply,
            record,
            Head.of(model, "chatcmpl", record.request_id, kind),
            call.streaming,
            [WholeChatChoice(index, *form) for index in range(call.chat.n)],
            [StreamedChatChoice(index, *form) for index in range(call.chat.n)],
        )

    return router


def _completion_routes(service: ChatService, answering: _Answering) -> APIRouter:
    router = APIRouter()

    @router.post(
        "/completions",
        responses=answers(COMPLETION, streams=True),
        openapi_extra=takes(COMPLETION_BODY, service.models),
    )
    async def completions(request: Request) -> Response:
        record = RequestRecord.of(request)
        body = json_text.load_object(await request.body())
        model = read_model(body, service.models, record)
        call = read_completion(body, model, record)
        reply = await run_in_threadpool(CompletionReply, service, call.completions, call.echo)
        return answering.answer(
            reply,
            record,
            Head.of(model, "cmpl", record.request_id, "text_completion"),
            call.streaming,
            [WholeTextChoice(index, call.logprobs) for index in range(call.n)],
            [StreamedTextChoice(index, call.logprobs) for index in range(call.n)],
        )

    return router


def _model_routes(service: ChatService) -> APIRouter:
    router = APIRouter()
    created = int(time.time())

    @router.get("/models", responses=answers(MODELS))
    async def models(request: Request) -> Response:
        allowed = allowed_models(service.models, RequestRecord.of(request))
        data = [model_object(each, created) for each in allowed]
        return _json({"object": "list", "data": data})

    @router.get("/models/{model_id:path}", responses=answers(MODEL))
    async def model(model_id: str, request: Request) -> Response:
        found = read_model({"model": model_id}, service.models, RequestRecord.of(request))
        return _json(model_object(found, created))

    return router


def _json(value: object) -> Response:
    return Response(json_text.dump(value), media_type="application/json")
