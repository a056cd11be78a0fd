"""The paths of the OpenAI-compatible wire, below `/compatible-mode/v1` and `/v1`."""

from __future__ import annotations

import time

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool

from glmscope.chat.service import ChatService
from glmscope.server import json_text
from glmscope.server.admission import Admission
from glmscope.server.model import allowed_models, read_model
from glmscope.server.openai.answer import Head
from glmscope.server.openai.chat_fold import ChatPlainFold, ChatStreamFold
from glmscope.server.openai.chat_request import read_chat
from glmscope.server.openai.models import model_object
from glmscope.server.record import RequestRecord
from glmscope.server.reply_response import EventStreamResponse, PlainResponse

PREFIXES = ("/compatible-mode/v1", "/v1")


def openai_routes(
    service: ChatService, admission: Admission, keep_alive_seconds: float
) -> APIRouter:
    """Everything that a client finds below its base URL. Whoever mounts it checks the key."""
    router = APIRouter()
    created = int(time.time())

    @router.post("/chat/completions")
    async def chat_completions(request: Request) -> Response:
        record = RequestRecord.of(request)
        body = json_text.load_object(await request.body())
        model = read_model(body, service.models, record)
        call = read_chat(body, model, record.request_id)
        n, with_logprobs = call.chat.n, call.chat.logprobs is not None
        # In a thread, because a long conversation takes a moment to encode.
        reply = await run_in_threadpool(service.prepare, call.chat)
        if not call.streaming.wanted:
            head = Head.of(model, "chatcmpl", record.request_id, "chat.completion")
            return PlainResponse(reply, ChatPlainFold(head, n, with_logprobs), admission, record)
        head = Head.of(model, "chatcmpl", record.request_id, "chat.completion.chunk")
        chunks = ChatStreamFold(
            head, n, with_logprobs, call.streaming.include_usage, record.request_id
        )
        return EventStreamResponse(reply, chunks, admission, record, keep_alive_seconds)

    @router.get("/models")
    async def models(request: Request) -> Response:
        allowed = allowed_models(service.models, RequestRecord.of(request))
        data = [model_object(each, created) for each in allowed]
        return _json({"object": "list", "data": data})

    @router.get("/models/{model_id:path}")
    async def model(model_id: str, request: Request) -> Response:
        found = read_model({"model": model_id}, service.models, RequestRecord.of(request))
        return _json(model_object(found, created))

    return router


def _json(value: object) -> Response:
    return Response(json_text.dump(value), media_type="application/json")
