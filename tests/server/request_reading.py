"""Requests of the DashScope wire as the server reads them: what the tests of it share."""

from __future__ import annotations

import pytest

from glmscope.chat.request import ChatRequest
from glmscope.errors import InvalidParameter
from glmscope.server.dashscope.request import GenerationRequest, read_generation
from glmscope.server.record import RequestRecord
from tests.server.support import service_with

MODELS = service_with().models
REQUEST_ID = "11111111-1111-4111-8111-111111111111"
RECORD = RequestRecord(REQUEST_ID)


def read(given: object, **parameters: object) -> GenerationRequest:
    body = {"input": given, "parameters": parameters}
    return read_generation(body, MODELS["chatglm3-6b"], RECORD)


def chat(**parameters: object) -> ChatRequest:
    return read({"prompt": "x"}, **parameters).chat


def refusal(given: object = None, **parameters: object) -> str:
    with pytest.raises(InvalidParameter) as caught:
        read({"prompt": "x"} if given is None else given, **parameters)
    return caught.value.message
