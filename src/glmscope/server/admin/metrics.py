"""`GET /api/admin/v1/metrics`: the numbers of `/metrics`, key by key."""

from __future__ import annotations

from fastapi import APIRouter, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST

from glmscope.server.dashscope.description import ERROR
from glmscope.server.description import refuses
from glmscope.server.metrics import Metrics


def key_metrics_routes(metrics: Metrics) -> APIRouter:
    """For Prometheus with an admin's key. Whoever mounts it checks that it is one."""
    router = APIRouter(prefix="/api/admin/v1", responses=refuses(ERROR))

    @router.get("/metrics", response_class=PlainTextResponse)
    async def read() -> Response:
        return Response(metrics.text(), media_type=CONTENT_TYPE_LATEST)

    return router
