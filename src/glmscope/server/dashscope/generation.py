"""From a generation request's body to its reply, the same over HTTP and in a websocket."""

from __future__ import annotations

from fastapi.concurrency import run_in_threadpool

from glmscope.chat.reply import Reply
from glmscope.chat.service import ChatService
from glmscope.server.dashscope.request import GenerationRequest, read_generation
from glmscope.server.fields import Fields
from glmscope.server.model import read_model
from glmscope.server.record import RequestRecord


async def prepare_generation(
    body: Fields, service: ChatService, record: RequestRecord
) -> tuple[GenerationRequest, Reply]:
    """Refuse all that can be refused, in the protocol's order (section 7); generate nothing yet.

    Raises EmptyModel, ModelNotFound, EmptyInput and InvalidParameter.
    """
    model = read_model(body, service.models, record)
    record.model = model.id
    call = read_generation(body, model, record.request_id)
    # In a thread, because a long conversation takes a moment to encode.
    return call, await run_in_threadpool(service.prepare, call.chat)
