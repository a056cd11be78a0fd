"""The OpenAPI page: what can be asked, for tools that make clients and tests."""

from __future__ import annotations

from fastapi import APIRouter, FastAPI, Response

from glmscope.server import json_text


def openapi_routes(app: FastAPI) -> APIRouter:
    """`/openapi.json`. Whoever mounts it checks the key."""
    router = APIRouter()

    @router.get("/openapi.json", include_in_schema=False)
    async def openapi() -> Response:
        return Response(json_text.dump(app.openapi()), media_type="application/json")

    return router
