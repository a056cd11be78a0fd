"""Whether the server can answer, and how it fares: the paths that need no key."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST

from glmscope import __version__
from glmscope.chat.service import ChatService
from glmscope.errors import ModelUnavailable
from glmscope.server import json_text
from glmscope.server.admission import Admission
from glmscope.server.description import answers, strings
from glmscope.server.metrics import Metrics

_HEALTH = strings("status", "version", models={"type": "array", "items": {"type": "string"}})
_HEALTHY: dict[int | str, dict[str, Any]] = {
    **answers(_HEALTH),
    ModelUnavailable.status: {"description": "Stopping."},
}


def health_routes(service: ChatService, admission: Admission, metrics: Metrics) -> APIRouter:
    """`/healthz`: 200 while requests are let in, 503 while the server is stopping; `/metrics`.

    `metrics` are shown to everybody, so they must not tell one key's doings from another's.
    """
    router = APIRouter()

    @router.get(
        "/healthz",
        responses=_HEALTHY,
    )
    async def healthz() -> Response:
        body = {
            "status": "ok" if admission.is_open else "stopping",
            "version": __version__,
            "models": list(service.models),
        }
        return Response(
            json_text.dump(body),
            status_code=200 if admission.is_open else ModelUnavailable.status,
            media_type="application/json",
        )

    @router.get("/metrics", response_class=PlainTextResponse)
    async def shown_metrics() -> Response:
        return Response(metrics.text(), media_type=CONTENT_TYPE_LATEST)

    return router
