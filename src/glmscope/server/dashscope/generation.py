"""From a generation request's body to its reply, the same over HTTP and in a websocket."""

from __future__ import annotations

from fastapi.concurrency import run_in_threadpool

from glmscope.agent.agent import Agent
from glmscope.server.dashscope.request import GenerationRequest, read_generation
from glmscope.server.fields import Fields
from glmscope.server.model import read_model
from glmscope.server.record import RequestRecord
from glmscope.server.reply_events import EventSource


async def prepare_generation(
    body: Fields, agent: Agent, record: RequestRecord, plugin_header: str | None, *, whole: bool
) -> tuple[GenerationRequest, EventSource]:
    """Refuse all that can be refused, in the protocol's order (section 7); generate nothing yet.

    `whole`: nothing of the reply is sent before its end.

    Raises EmptyModel, ModelNotFound, EmptyInput, InvalidParameter, and what `Agent.prepare` raises.
    """
    model = read_model(body, agent.models, record)
    record.model = model.id
    call = read_generation(body, model, record, plugin_header, whole=whole)
    # In a thread, because a long conversation takes a moment to encode.
    reply = await run_in_threadpool(agent.prepare, call.chat, call.plugins, record.key_names)
    return call, reply
