"""The official Python SDK beside generation: counting, models, and the clients of 2.0."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from dashscope import AsyncClient, Client, Generation, Models, Tokenization
from dashscope.v2 import errors
from dashscope.v2.transport import http

from glmscope.server.settings import ServerSettings
from tests.server.support import STREAM, RunningServer, ask, eventually, serving

MODEL = "chatglm3-6b"
QUESTION = "a question, 一个问题 😀"
ANSWER = f"\n You said: {QUESTION}"
MESSAGES: Any = [{"role": "user", "content": QUESTION}]
GREEDY: Any = {"model": MODEL, "messages": MESSAGES, "temperature": 0}

pytestmark = pytest.mark.usefixtures("sdk")


@pytest.fixture
def client(server: RunningServer) -> Iterator[Client]:
    with Client(api_key=server.key, base_url=f"{server.url}/api/v1") as client:
        yield client


@pytest.fixture
async def async_client(server: RunningServer) -> AsyncIterator[AsyncClient]:
    async with AsyncClient(api_key=server.key, base_url=f"{server.url}/api/v1") as client:
        yield client


@pytest.mark.parametrize(
    "given",
    [
        {"prompt": QUESTION},
        {"messages": MESSAGES},
        {"messages": MESSAGES, "prompt": "and then?"},
        {"prompt": QUESTION, "history": [{"user": "one", "bot": "two"}]},
    ],
)
def test_tokenization_counts_as_generation_does(given: dict[str, Any]) -> None:
    counted = Tokenization.call(model=MODEL, **given)
    assert counted.status_code == 200
    assert counted.usage["input_tokens"] == len(counted.output["token_ids"])
    assert counted.usage["input_tokens"] == len(counted.output["tokens"])
    generated = Generation.call(model=MODEL, max_tokens=1, **given)
    assert generated.usage.input_tokens == counted.usage["input_tokens"]


def test_tokenization_errors() -> None:
    unknown = Tokenization.call(model="chatglm9", prompt="x")
    assert (unknown.status_code, unknown.code) == (404, "ModelNotFound")


def test_models() -> None:
    found = Models.get(MODEL)
    assert (found.status_code, found.output["model"]) == (200, MODEL)
    assert Models.get("chatglm9").status_code == 404
    first = Models.list(page=1, page_size=1).output
    second = Models.list(page=2, page_size=1).output
    assert [each["models"][0]["model"] for each in (first, second)] == [MODEL, "chatglm-6b-v2"]
    assert (first["total"], first["page_size"], second["page_no"]) == (2, 1, 2)


def test_the_client_lists_models_and_counts(client: Client) -> None:
    listed = client.models.list(page_size=1)
    assert (listed.total_count, [each.model for each in listed.models]) == (2, [MODEL])
    assert client.models.get(MODEL).provider == "glmscope"
    with pytest.raises(errors.DashScopeError):
        client.models.get("chatglm9")
    counted = client.tokenization.count(model=MODEL, messages=MESSAGES)
    answered = client.chat.completions.create(**GREEDY)
    assert counted.input_tokens == answered.usage.input_tokens
    assert counted.token_ids
    assert len(counted.token_ids) == counted.input_tokens


def test_the_client_answers_plain_and_streamed(client: Client) -> None:
    create = client.chat.completions.create
    assert create(**GREEDY).choices[0].message.content == ANSWER
    chunks = list(create(stream=True, **GREEDY))
    assert "".join(chunk.choices[0].delta.content for chunk in chunks) == ANSWER
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert chunks[-1].usage.output_tokens > 0


async def test_so_does_the_async_client(async_client: AsyncClient) -> None:
    create = async_client.chat.completions.create
    assert (await create(**GREEDY)).choices[0].message.content == ANSWER
    chunks = [chunk async for chunk in await create(stream=True, **GREEDY)]
    assert "".join(chunk.choices[0].delta.content for chunk in chunks) == ANSWER
    answers = await asyncio.gather(*(create(**GREEDY) for _ in range(8)))
    assert {answer.choices[0].message.content for answer in answers} == {ANSWER}


WRONG: list[tuple[dict[str, Any], type[errors.APIStatusError], str]] = [
    ({"model": "chatglm9"}, errors.NotFoundError, "ModelNotFound"),
    ({"top_p": 2.0}, errors.BadRequestError, "InvalidParameter"),
    ({"messages": [{"role": "user", "content": ""}]}, errors.BadRequestError, "InvalidParameter"),
]


@pytest.mark.parametrize(("wrong", "kind", "code"), WRONG)
@pytest.mark.parametrize("stream", [False, True])
async def test_refusals_are_exceptions_by_code(
    client: Client,
    async_client: AsyncClient,
    wrong: dict[str, Any],
    kind: type[errors.APIStatusError],
    code: str,
    stream: bool,
) -> None:
    with pytest.raises(kind) as caught:
        client.chat.completions.create(stream=stream, **{**GREEDY, **wrong})
    with pytest.raises(kind) as async_caught:
        await async_client.chat.completions.create(stream=stream, **{**GREEDY, **wrong})
    for failure in (caught.value, async_caught.value):
        assert failure.code == code
        assert failure.request_id


def test_a_wrong_key_and_a_failed_engine(server: RunningServer, client: Client) -> None:
    with client.with_options(api_key="wrong") as wrong, pytest.raises(errors.AuthenticationError):
        wrong.chat.completions.create(**GREEDY)
    failing = {**GREEDY, "messages": [{"role": "user", "content": "fail later"}]}
    with pytest.raises(errors.InternalServerError):
        client.with_options(max_retries=0).chat.completions.create(**failing)
    deltas = []
    with pytest.raises(errors.DashScopeError) as caught:
        for chunk in client.chat.completions.create(stream=True, **failing):
            deltas.append(chunk.choices[0].delta.content)
    assert "some words before the failure".startswith("".join(deltas).strip())
    assert len(deltas) > 2
    assert caught.value.code == "InternalError.Algo"


def test_a_full_server_is_asked_again_when_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """The client sleeps as long as Retry-After says; here it sleeps by making room."""
    settings = ServerSettings(max_running=1, max_waiting=0, retry_after_seconds=3)
    with serving(settings=settings) as own, own.connect() as busy:
        busy.send(ask("endless silence"), STREAM)
        assert eventually(lambda: own.running() == 1)
        pauses: list[float] = []

        def pause(seconds: float) -> None:
            pauses.append(seconds)
            if len(pauses) == 2:
                busy.close()
                assert eventually(lambda: own.running() == 0)

        monkeypatch.setattr(http, "_sleep", pause)
        with Client(api_key="x", base_url=f"{own.url}/api/v1") as client:
            answer = client.chat.completions.create(**GREEDY)
            assert answer.choices[0].message.content == ANSWER
        assert pauses == [3.0, 3.0]


def test_a_full_server_is_a_rate_limit_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = ServerSettings(max_running=1, max_waiting=0)
    with serving(settings=settings) as own, own.connect() as busy:
        busy.send(ask("endless silence"), STREAM)
        assert eventually(lambda: own.running() == 1)
        monkeypatch.setattr(http, "_sleep", lambda _seconds: None)
        with (
            Client(api_key="x", base_url=f"{own.url}/api/v1") as client,
            pytest.raises(errors.RateLimitError),
        ):
            client.chat.completions.create(**GREEDY)
