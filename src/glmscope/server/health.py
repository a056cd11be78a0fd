"""Whether the server can answer: the one path that needs no key."""

from __future__ import annotations

from fastapi import APIRouter, Response

from glmscope import __version__
from glmscope.chat.service import ChatService
from glmscope.errors import ModelUnavailable
from glmscope.server import json_text
from glmscope.server.admission import Admission


def health_routes(service: ChatService, admission: Admission) -> APIRouter:
    """`/healthz`: 200 while requests are let in, 503 while the server is stopping."""
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

    return router
