"""Counting without generating. DashScope protocol, section 8."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool

from glmscope.chat.service import ChatService
from glmscope.chat.tokenization import tokenize
from glmscope.server import json_text
from glmscope.server.dashscope.conversation import read_contents
from glmscope.server.dashscope.description import RESULT, TOKENIZER_BODY
from glmscope.server.dashscope.request import read_input
from glmscope.server.description import answers, takes
from glmscope.server.model import read_model
from glmscope.server.record import RequestRecord


def tokenizer_routes(service: ChatService) -> APIRouter:
    """`POST /tokenizer`. Whoever mounts it checks the key."""
    router = APIRouter()

    @router.post(
        "/tokenizer", responses=answers(RESULT), openapi_extra=takes(TOKENIZER_BODY, service.models)
    )
    async def tokenizer(request: Request) -> Response:
        record = RequestRecord.of(request)
        body = json_text.load_object(await request.body())
        model = read_model(body, service.models, record)
        contents = read_contents(read_input(body))

        def answer() -> bytes:
            tokens = tokenize(model.tokenizer, contents)
            return json_text.dump(
                {
                    "output": {"token_ids": tokens.ids, "tokens": tokens.texts},
                    "usage": {"input_tokens": len(tokens.ids)},
                    "request_id": record.request_id,
                }
            )

        # In a thread, because a long text takes a moment to encode and to write out.
        return Response(await run_in_threadpool(answer), media_type="application/json")

    return router
