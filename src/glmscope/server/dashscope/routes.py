"""The paths of the DashScope wire, below `/api/v1`."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from glmscope.agent.agent import Agent
from glmscope.chat.service import ChatService
from glmscope.errors import AccessDenied, InvalidParameter
from glmscope.server import json_text
from glmscope.server.admission import Admission
from glmscope.server.dashscope.description import (
    ERROR,
    GENERATION_BODY,
    GENERATION_HEADERS,
    RESULT,
)
from glmscope.server.dashscope.events import EventFold
from glmscope.server.dashscope.generation import prepare_generation
from glmscope.server.dashscope.models import model_routes
from glmscope.server.dashscope.plain import PlainFold
from glmscope.server.dashscope.streaming import wants_stream
from glmscope.server.dashscope.tokenizer import tokenizer_routes
from glmscope.server.description import answers, refuses, takes
from glmscope.server.plugins import PLUGIN_HEADER
from glmscope.server.record import RequestRecord
from glmscope.server.reply_response import EventStreamResponse, PlainResponse


def dashscope_routes(
    service: ChatService, agent: Agent, admission: Admission, keep_alive_seconds: float
) -> APIRouter:
    """Everything that an SDK finds below its HTTP base URL. Whoever mounts it checks the key."""
    router = APIRouter(prefix="/api/v1", responses=refuses(ERROR))

    @router.post(
        "/services/aigc/text-generation/generation",
        responses=answers(RESULT, streams=True),
        openapi_extra=takes(GENERATION_BODY, service.models, *GENERATION_HEADERS),
    )
    async def generation(request: Request) -> Response:
        _refuse_unsupported_headers(request)
        record = RequestRecord.of(request)
        body = json_text.load_object(await request.body())
        header = request.headers.get(PLUGIN_HEADER)
        whole = not wants_stream(request.headers)
        call, reply = await prepare_generation(body, agent, record, header, whole=whole)
        if whole:
            plain = PlainFold(call.shape, record.request_id)
            return PlainResponse(reply, plain, admission, record)
        events = EventFold(call.shape, call.incremental, record.request_id)
        return EventStreamResponse(reply, events, admission, record, keep_alive_seconds)

    router.include_router(tokenizer_routes(service))
    router.include_router(model_routes(service))
    return router


def _refuse_unsupported_headers(request: Request) -> None:
    if request.headers.get("x-dashscope-async", "").strip().lower() == "enable":
        raise AccessDenied("current user api does not support asynchronous calls.")
    if "x-dashscope-encryptionkey" in request.headers:
        raise InvalidParameter("Encrypted requests are not supported; send the input as it is.")
