"""`GET /api/admin/v1/traces/{request_id}`: Prompt X-ray."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from glmscope.chat.service import ChatService, ServedModel
from glmscope.chat.trace import ReplyEnd, TokenRole, name_tokens
from glmscope.errors import PathNotFound
from glmscope.server import json_text
from glmscope.server.dashscope.description import ERROR
from glmscope.server.description import refuses
from glmscope.server.record import RequestRecord
from glmscope.server.traces import KeptChoice, KeptReply, KeptTrace, TraceStore
from glmscope.store.keyinfo import Role


def trace_routes(traces: TraceStore, service: ChatService) -> APIRouter:
    """Traces as JSON: all of them for an admin's key, its own for any other.

    Whoever mounts it checks the key, of whichever role.
    """
    router = APIRouter(prefix="/api/admin/v1", responses=refuses(ERROR))

    @router.get("/traces/{request_id:path}")
    async def read(request: Request, request_id: str) -> Response:
        key = RequestRecord.of(request).key
        if key is None or key.terms.role is Role.ADMIN:
            trace = traces.find(request_id)
        else:
            trace = traces.find_own(request_id, key.id)
        if trace is None:
            raise PathNotFound(
                "No trace is kept under this request id: traces last for a limited time and end "
                "with the server's process, and a key sees those of its own requests."
            )
        fields = trace_fields(trace, service.models[trace.model])
        # In a thread, because thousands of tokens take a moment to write out.
        return Response(
            await run_in_threadpool(json_text.dump, fields), media_type="application/json"
        )

    return router


def trace_fields(trace: KeptTrace, model: ServedModel) -> dict[str, Any]:
    """A trace in JSON's types. Where ids are not kept, `tokens` is null and `count` still there."""
    return {
        "request_id": trace.request_id,
        "model": trace.model,
        "wire": trace.wire,
        "key_id": trace.key_id,
        "status": trace.status,
        "error": trace.error,
        "disconnected": trace.disconnected,
        "ended_at": trace.ended_at.isoformat(timespec="milliseconds"),
        "seconds": {
            "total": _rounded(trace.seconds),
            "queue": _rounded(trace.queue_seconds),
            "first_token": _rounded(trace.first_token_seconds),
            "between_tokens": _rounded(trace.between_tokens_seconds),
        },
        "usage": trace.usage and asdict(trace.usage),
        "replies": [_reply(reply, model) for reply in trace.replies],
    }


def _reply(reply: KeptReply, model: ServedModel) -> dict[str, Any]:
    return {
        "trimmed": {"turns": reply.dropped_turns, "tokens": reply.dropped_tokens},
        "sampling": {
            **asdict(reply.sampling),
            "stop_ids": [
                {"id": stop_id, "piece": model.tokenizer.piece(stop_id)}
                for stop_id in sorted(reply.sampling.stop_ids)
            ],
        },
        "prompt": {
            "count": reply.prompt_count,
            "tokens": _tokens(model, reply.prompt_ids, "text"),
        },
        "choices": [_choice(choice, model) for choice in reply.choices],
        "steps": [{**asdict(step), "seconds": _rounded(step.seconds)} for step in reply.steps],
    }


def _choice(choice: KeptChoice, model: ServedModel) -> dict[str, Any]:
    return {
        "count": choice.count,
        "tokens": _tokens(model, choice.ids, "assistant"),
        "end": choice.end and _end(choice.end, model),
        "readings": [asdict(reading) for reading in choice.readings],
        "discarded": list(choice.discarded),
    }


def _end(end: ReplyEnd, model: ServedModel) -> dict[str, Any]:
    fields: dict[str, Any] = {"kind": end.kind, "what": end.what}
    if end.kind == "token" and isinstance(end.what, int):
        fields["piece"] = model.tokenizer.piece(end.what)
    return fields


def _tokens(
    model: ServedModel, ids: Iterable[int] | None, role: TokenRole
) -> list[dict[str, Any]] | None:
    return None if ids is None else [asdict(t) for t in name_tokens(model.tokenizer, ids, role)]


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 6)
