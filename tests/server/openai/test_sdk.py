"""The official openai package, and DashScope's client speaking this wire, against a server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import openai
import pytest
from dashscope import AsyncClient, Client
from dashscope.v2.errors import AuthenticationError, DashScopeError, NotFoundError
from openai import AsyncOpenAI, OpenAI

from tests.server.openai.support import MODEL, PLANE
from tests.server.support import RunningServer

QUESTION = "a question, 一个问题 😀"
ANSWER = f"You said: {QUESTION}"
MESSAGES = [{"role": "user", "content": QUESTION}]
GREEDY = {"model": MODEL, "temperature": 0}


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture(params=[PLANE, "/v1/"])
def client(server: RunningServer, request: pytest.FixtureRequest) -> Iterator[OpenAI]:
    url = f"{server.url}{request.param}"
    with OpenAI(base_url=url, api_key=server.key, max_retries=0) as client:
        yield client


@pytest.fixture
async def async_client(server: RunningServer) -> AsyncIterator[AsyncOpenAI]:
    url = f"{server.url}{PLANE}"
    async with AsyncOpenAI(base_url=url, api_key=server.key, max_retries=0) as client:
        yield client


def test_chat(client: OpenAI) -> None:
    raw = client.chat.completions.with_raw_response.create(messages=MESSAGES, **GREEDY)
    answer = raw.parse()
    (choice,) = answer.choices
    assert (choice.message.role, choice.message.content) == ("assistant", ANSWER)
    assert (choice.index, choice.finish_reason, choice.logprobs) == (0, "stop", None)
    assert answer.usage
    assert answer.usage.completion_tokens > 5
    assert answer.id == f"chatcmpl-{raw.headers['x-request-id']}"
    assert answer.model == MODEL


def test_chat_stream(client: OpenAI) -> None:
    stream = client.chat.completions.create(
        messages=MESSAGES, stream=True, stream_options={"include_usage": True}, **GREEDY
    )
    *parts, usage = list(stream)
    assert "".join(part.choices[0].delta.content or "" for part in parts) == ANSWER
    assert [part.choices[0].finish_reason for part in parts[-2:]] == [None, "stop"]
    assert usage.usage
    assert not usage.choices
    assert usage.usage.completion_tokens > 5


def test_the_stream_helper_collects_the_same_answer(client: OpenAI) -> None:
    with client.chat.completions.stream(messages=MESSAGES, **GREEDY) as stream:
        message = stream.get_final_completion().choices[0].message
    assert message.content == ANSWER


async def test_async_chat(async_client: AsyncOpenAI) -> None:
    answer = await async_client.chat.completions.create(messages=MESSAGES, **GREEDY)
    assert answer.choices[0].message.content == ANSWER
    stream = await async_client.chat.completions.create(messages=MESSAGES, stream=True, **GREEDY)
    pieces = [part.choices[0].delta.content or "" async for part in stream]
    assert "".join(pieces) == ANSWER


def test_completions(client: OpenAI) -> None:
    ask = {"prompt": [QUESTION, "x"], "max_tokens": 100, "echo": True, **GREEDY}
    answer = client.completions.create(**ask)
    texts = [choice.text for choice in answer.choices]
    assert texts == [f"{QUESTION} \n {ANSWER}", "x \n You said: x"]
    streamed = ["", ""]
    for part in client.completions.create(stream=True, **ask):
        streamed[part.choices[0].index] += part.choices[0].text
    assert streamed == texts


def test_models(client: OpenAI) -> None:
    assert [model.id for model in client.models.list()] == [MODEL, "chatglm-6b-v2"]
    assert client.models.retrieve(MODEL).id == MODEL
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("gpt-4")


def test_errors(client: OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as unknown:
        client.chat.completions.create(model="gpt-4", messages=MESSAGES)
    assert (unknown.value.code, unknown.value.param) == ("model_not_found", "model")
    assert unknown.value.request_id
    with pytest.raises(openai.BadRequestError) as wrong:
        client.chat.completions.create(messages=MESSAGES, top_p=2, model=MODEL)
    assert (wrong.value.type, wrong.value.param) == ("invalid_request_error", "top_p")
    with pytest.raises(openai.AuthenticationError):
        client.with_options(api_key="wrong").models.list()
    failing = [{"role": "user", "content": "fail later"}]
    with pytest.raises(openai.InternalServerError):
        client.chat.completions.create(messages=failing, **GREEDY)
    stream = client.chat.completions.create(messages=failing, stream=True, **GREEDY)
    with pytest.raises(openai.APIError, match="internal error") as broken:
        list(stream)
    assert broken.value.code == "internal_error"


def test_dashscope_client(server: RunningServer) -> None:
    url = f"{server.url}{PLANE}"
    with Client(api_key=server.key, base_url=url, protocol="openai", max_retries=0) as client:
        answer = client.chat.completions.create(messages=MESSAGES, **GREEDY)
        assert answer.choices[0].message.content == ANSWER
        assert answer.usage.output_tokens > 5
        parts = list(client.chat.completions.create(messages=MESSAGES, stream=True, **GREEDY))
        pieces = [part.choices[0].delta.content or "" for part in parts if part.choices]
        assert "".join(pieces) == ANSWER
        assert parts[-1].usage.output_tokens == answer.usage.output_tokens
        with pytest.raises(NotFoundError):
            client.chat.completions.create(model="chatglm9", messages=MESSAGES)
        failing = [{"role": "user", "content": "fail later"}]
        with pytest.raises(DashScopeError, match="internal error"):
            list(client.chat.completions.create(messages=failing, stream=True, **GREEDY))
    with (
        Client(api_key="wrong", base_url=url, protocol="openai", max_retries=0) as client,
        pytest.raises(AuthenticationError),
    ):
        client.chat.completions.create(messages=MESSAGES, **GREEDY)


async def test_dashscope_async_client(server: RunningServer) -> None:
    url = f"{server.url}{PLANE}"
    async with AsyncClient(
        api_key=server.key, base_url=url, protocol="openai", max_retries=0
    ) as client:
        answer = await client.chat.completions.create(messages=MESSAGES, **GREEDY)
        assert answer.choices[0].message.content == ANSWER
        stream = await client.chat.completions.create(messages=MESSAGES, stream=True, **GREEDY)
        parts = [part async for part in stream]
        pieces = [part.choices[0].delta.content or "" for part in parts if part.choices]
        assert "".join(pieces) == ANSWER
