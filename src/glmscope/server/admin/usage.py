"""`GET /api/admin/v1/usage`: who used what."""

from __future__ import annotations

from datetime import date

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import QueryParams

from glmscope.errors import InvalidParameter
from glmscope.server import json_text
from glmscope.server.dashscope.description import ERROR
from glmscope.server.description import refuses
from glmscope.server.record import RequestRecord
from glmscope.store.usage import GROUPS, UsageStore


def usage_routes(usage: UsageStore) -> APIRouter:
    """The accounts as JSON. Whoever mounts it checks that the key is an admin's."""
    router = APIRouter(prefix="/api/admin/v1", responses=refuses(ERROR))

    @router.get("/usage")
    async def read(request: Request) -> Response:
        query = request.query_params
        totals = await run_in_threadpool(
            usage.totals,
            _groups(query),
            _day(query, "since"),
            _day(query, "until"),
            query.get("key"),
        )
        body = {
            "usage": [total.fields() for total in totals],
            "request_id": RequestRecord.of(request).request_id,
        }
        return Response(json_text.dump(body), media_type="application/json")

    return router


def _groups(query: QueryParams) -> list[str]:
    groups = query.get("by", ",".join(GROUPS)).split(",")
    if not set(groups) <= set(GROUPS):
        raise InvalidParameter(f"by is a list of {', '.join(GROUPS)}, with commas between.")
    return groups


def _day(query: QueryParams, name: str) -> date | None:
    given = query.get(name)
    try:
        return None if given is None else date.fromisoformat(given)
    except ValueError:
        raise InvalidParameter(f"{name} is a day in UTC, like 2026-12-31.") from None
