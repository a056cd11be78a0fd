"""No body makes the server fail: 200, or a 4xx in this wire's shape."""

from __future__ import annotations

import asyncio
import json

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.server.openai.support import CHAT, COMPLETIONS
from tests.server.test_fuzz import APP, JSON, NUMBER, loop, mostly
from tests.server.test_plain import UUID

__all__ = ["loop"]

MESSAGE = st.fixed_dictionaries(
    {
        "role": mostly(st.sampled_from(["system", "developer", "user", "assistant", "tool"])),
        "content": mostly(st.text(max_size=5) | st.lists(st.fixed_dictionaries({"text": JSON}))),
    },
    optional={"tool_calls": JSON, "name": JSON},
)
PROMPT = st.text(max_size=10) | st.lists(st.integers(-1, 400), max_size=5)
SHARED = {
    "model": mostly(st.sampled_from(["chatglm3-6b", "chatglm-6b-v2"])),
    "stream": mostly(st.booleans()),
    "stream_options": mostly(st.fixed_dictionaries({"include_usage": mostly(st.booleans())})),
    "stop": mostly(st.lists(st.text(max_size=2)) | st.lists(st.lists(st.integers()))),
    **dict.fromkeys(
        ["temperature", "top_p", "top_k", "max_tokens", "seed", "n", "presence_penalty"],
        mostly(NUMBER),
    ),
    **dict.fromkeys(["frequency_penalty", "logprobs", "tools", "response_format", "x"], JSON),
}
CHAT_BODY = st.fixed_dictionaries(
    {"messages": mostly(st.lists(mostly(MESSAGE), max_size=4))},
    optional={**SHARED, "max_completion_tokens": mostly(NUMBER), "top_logprobs": mostly(NUMBER)},
)
COMPLETION_BODY = st.fixed_dictionaries(
    {"prompt": mostly(PROMPT | st.lists(PROMPT, max_size=3))},
    optional={
        **SHARED,
        "echo": mostly(st.booleans()),
        "best_of": mostly(NUMBER),
        "suffix": JSON,
    },
)


async def post(path: str, body: bytes) -> httpx.Response:
    transport = httpx.ASGITransport(APP)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        return await client.post(path, content=body)


def check(response: httpx.Response) -> None:
    assert UUID.fullmatch(response.headers["x-request-id"])
    if response.status_code == 200:
        assert '"finish_reason":"stop"' in response.text or '"length"' in response.text
        assert '"error"' not in response.text
        return
    body = response.json()
    assert 400 <= response.status_code < 500, body
    assert list(body) == ["error", "request_id"]
    assert list(body["error"]) == ["message", "type", "param", "code"]
    assert all(isinstance(body["error"][name], str) for name in ("message", "type", "code"))
    assert body["request_id"] == response.headers["x-request-id"]


@settings(max_examples=150, deadline=None)
@given(body=mostly(CHAT_BODY))
def test_any_chat(loop: asyncio.AbstractEventLoop, body: object) -> None:
    check(loop.run_until_complete(post(CHAT, json.dumps(body).encode())))


@settings(max_examples=150, deadline=None)
@given(body=mostly(COMPLETION_BODY))
def test_any_completion(loop: asyncio.AbstractEventLoop, body: object) -> None:
    check(loop.run_until_complete(post(COMPLETIONS, json.dumps(body).encode())))


@pytest.mark.parametrize("path", [CHAT, COMPLETIONS])
@settings(max_examples=30, deadline=None)
@given(body=st.binary(max_size=40))
def test_any_bytes(loop: asyncio.AbstractEventLoop, path: str, body: bytes) -> None:
    response = loop.run_until_complete(post(path, body))
    check(response)
    assert response.status_code == 400
