"""Whether the server can answer, and how it fares: the paths that need no key."""

from __future__ import annotations

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST

from glmscope import __version__
from glmscope.chat.service import ChatService
from glmscope.errors import ModelUnavailable
from glmscope.server import json_text
from glmscope.server.admission import Admission
from glmscope.server.metrics import Metrics


def health_routes(service: ChatService, admission: Admission, metrics: Metrics) -> APIRouter:
    """`/healthz`: 200 while requests are let in, 503 while the server is stopping; `/metrics`.

    `metrics` are shown to everybody, so they must not tell one key's doings from another's.
    """
    router = APIRouter()

    @router.get("/healthz")
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

    @router.get("/metrics")
    async def shown_metrics() -> Response:
        return Response(metrics.text(), media_type=CONTENT_TYPE_LATEST)

    return router
