"""The paths of the DashScope wire, below `/api/v1`."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from glmscope.chat.service import ChatService
from glmscope.errors import AccessDenied, InvalidParameter
from glmscope.server import json_text
from glmscope.server.admission import Admission
from glmscope.server.dashscope.events import EventFold
from glmscope.server.dashscope.generation import prepare_generation
from glmscope.server.dashscope.plain import PlainFold
from glmscope.server.record import RequestRecord
from glmscope.server.reply_response import EventStreamResponse, PlainResponse


def dashscope_routes(
    service: ChatService, admission: Admission, keep_alive_seconds: float
) -> APIRouter:
    """Everything that an SDK finds below its HTTP base URL. Whoever mounts it checks the key."""
    router = APIRouter(prefix="/api/v1")

    @router.post("/services/aigc/text-generation/generation")
    async def generation(request: Request) -> Response:
        _refuse_unsupported_headers(request)
        record = RequestRecord.of(request)
        body = json_text.load_object(await request.body())
        call, reply = await prepare_generation(body, service, record)
        if not _wants_stream(request):
            plain = PlainFold(call.result_format, record.request_id)
            return PlainResponse(reply, plain, admission, record)
        events = EventFold(call.result_format, call.incremental, record.request_id)
        return EventStreamResponse(reply, events, admission, record, keep_alive_seconds)

    return router


def _wants_stream(request: Request) -> bool:
    """Headers alone decide, never the body. DashScope protocol, point 3 of section 0."""
    return (
        request.headers.get("x-dashscope-sse", "").strip().lower() == "enable"
        or "text/event-stream" in request.headers.get("accept", "").lower()
    )


def _refuse_unsupported_headers(request: Request) -> None:
    if request.headers.get("x-dashscope-async", "").strip().lower() == "enable":
        raise AccessDenied("current user api does not support asynchronous calls.")
    if "x-dashscope-encryptionkey" in request.headers:
        raise InvalidParameter("Encrypted requests are not supported; send the input as it is.")
