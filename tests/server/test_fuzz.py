"""No body makes the server fail: 200, or a 4xx in the wire's shape."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glmscope.server.app import create_app
from tests.server.support import GENERATION, STREAM, service_with
from tests.server.test_plain import UUID

# Shorter replies than the model could give keep an example short.
RULES = {"rules": [{"reply": "ok {question}"}]}

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(exclude_categories=()), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)


def mostly(good: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    return st.one_of(good, good, good, JSON)


MESSAGE = st.fixed_dictionaries(
    {
        "role": mostly(st.sampled_from(["system", "user", "assistant", "bot", "tool"])),
        "content": mostly(st.text(max_size=5) | st.lists(st.fixed_dictionaries({"text": JSON}))),
    },
    optional={"tool_calls": JSON, "name": JSON},
)
INPUT = st.fixed_dictionaries(
    {},
    optional={
        "prompt": mostly(st.text(max_size=10)),
        "messages": mostly(st.lists(mostly(MESSAGE), max_size=4)),
        "history": mostly(st.lists(mostly(st.lists(st.text(max_size=3), max_size=3)), max_size=3)),
    },
)
NUMBER = st.integers() | st.floats() | st.integers(0, 3) | st.floats(0, 2)
PARAMETERS = st.fixed_dictionaries(
    {},
    optional={
        "result_format": mostly(st.sampled_from(["text", "message"])),
        "incremental_output": mostly(st.booleans()),
        "stop": mostly(st.lists(st.text(max_size=2)) | st.lists(st.lists(st.integers()))),
        **dict.fromkeys(
            ["temperature", "top_p", "top_k", "max_tokens", "max_length", "seed"], mostly(NUMBER)
        ),
        **dict.fromkeys(["repetition_penalty", "presence_penalty", "n"], mostly(NUMBER)),
        **dict.fromkeys(["logprobs", "tools", "tool_choice", "response_format", "x"], JSON),
    },
)
BODY = st.fixed_dictionaries(
    {},
    optional={
        "model": mostly(st.sampled_from(["chatglm3-6b", "chatglm-6b-v2"])),
        "input": mostly(INPUT),
        "parameters": mostly(PARAMETERS),
        "resources": JSON,
    },
)


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    yield loop
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()


APP = create_app(service_with(RULES), keys=None)


async def post(body: bytes, headers: dict[str, str]) -> httpx.Response:
    transport = httpx.ASGITransport(APP)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        return await client.post(GENERATION, content=body, headers=headers)


def check(response: httpx.Response) -> None:
    assert UUID.fullmatch(response.headers["x-request-id"])
    if response.status_code == 200:
        assert '"finish_reason":"stop"' in response.text or '"length"' in response.text
        assert "event:error" not in response.text
    else:
        error = response.json()
        assert 400 <= response.status_code < 500, error
        assert response.headers["content-type"] == "application/json"
        assert list(error) == ["code", "message", "request_id"]
        assert all(isinstance(value, str) and value for value in error.values())
        assert error["request_id"] == response.headers["x-request-id"]


@settings(max_examples=250, deadline=None)
@given(body=mostly(BODY), stream=st.booleans())
def test_any_json(loop: asyncio.AbstractEventLoop, body: object, stream: bool) -> None:
    sent = json.dumps(body).encode()
    check(loop.run_until_complete(post(sent, STREAM if stream else {})))


@settings(max_examples=50, deadline=None)
@given(body=st.binary(max_size=40))
def test_any_bytes(loop: asyncio.AbstractEventLoop, body: bytes) -> None:
    response = loop.run_until_complete(post(body, {}))
    check(response)
    assert response.status_code == 400
