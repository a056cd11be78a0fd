"""The models that are served, page by page. DashScope protocol, section 8."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response

from glmscope.chat.service import ChatService, ServedModel
from glmscope.errors import InvalidParameter
from glmscope.server import json_text
from glmscope.server.dashscope.description import OUTPUT
from glmscope.server.description import Schema, answers
from glmscope.server.fields import Interval, out_of_range
from glmscope.server.model import allowed_models, describe, read_model
from glmscope.server.record import RequestRecord

_PAGE_NO = Interval(1, 1_000_000)
_PAGE_SIZE = Interval(1, 100)
_QUERY: list[Schema] = [
    *(
        {
            "name": name,
            "in": "query",
            "schema": {"type": "integer", "minimum": interval.low, "maximum": interval.high},
        }
        for name, interval in (("page_no", _PAGE_NO), ("page_size", _PAGE_SIZE))
    ),
    {"name": "model", "in": "query", "schema": {"type": "string"}},
]


def model_routes(service: ChatService) -> APIRouter:
    """`GET /models` and `GET /models/ID`. Whoever mounts them checks the key.

    A key sees the models that it may use.
    """
    router = APIRouter()

    @router.get("/models", responses=answers(OUTPUT), openapi_extra={"parameters": _QUERY})
    async def models(request: Request) -> Response:
        record = RequestRecord.of(request)
        page_no = _number(request, "page_no", _PAGE_NO, 1)
        page_size = _number(request, "page_size", _PAGE_SIZE, 10)
        wanted = request.query_params.get("model")
        found = [
            model
            for model in allowed_models(service.models, record)
            if wanted is None or model.id == wanted
        ]
        page = found[(page_no - 1) * page_size : page_no * page_size]
        return _answer(
            record,
            {
                "models": [_entry(model) for model in page],
                "page_no": page_no,
                "page_size": page_size,
                "total": len(found),
            },
        )

    @router.get("/models/{model_id:path}", responses=answers(OUTPUT))
    async def model(model_id: str, request: Request) -> Response:
        record = RequestRecord.of(request)
        return _answer(record, _entry(read_model({"model": model_id}, service.models, record)))

    return router


def _entry(model: ServedModel) -> dict[str, Any]:
    limits = model.limits
    return {
        "model": model.id,
        "name": model.name,
        "description": (
            f"{', '.join(filter(None, (model.name, describe(model))))}: "
            f"{limits.context} tokens in all, {limits.input} in, {limits.output} out"
        ),
        "provider": "glmscope",
    }


def _answer(record: RequestRecord, output: dict[str, Any]) -> Response:
    body = {"request_id": record.request_id, "output": output}
    return Response(json_text.dump(body), media_type="application/json")


def _number(request: Request, name: str, interval: Interval, default: int) -> int:
    """A whole number of the query. Raises InvalidParameter that names it."""
    given = request.query_params.get(name)
    if given is None:
        return default
    # isdecimal alone takes the digits of every script; a number of any length is out of range.
    if not (given.isascii() and given.isdecimal()):
        raise InvalidParameter(f"{name} should be an integer.", param=name)
    if len(given) > len(str(interval.high)) or int(given) not in interval:
        raise out_of_range(name, interval)
    return int(given)
