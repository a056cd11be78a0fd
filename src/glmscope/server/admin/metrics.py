"""`GET /api/admin/v1/metrics`: the numbers of `/metrics`, key by key."""

from __future__ import annotations

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST

from glmscope.server.metrics import Metrics


def key_metrics_routes(metrics: Metrics) -> APIRouter:
    """For Prometheus with an admin's key. Whoever mounts it checks that it is one."""
    router = APIRouter(prefix="/api/admin/v1")

    @router.get("/metrics")
    async def read() -> Response:
        return Response(metrics.text(), media_type=CONTENT_TYPE_LATEST)

    return router
