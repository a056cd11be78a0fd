"""The official Python SDK over a websocket."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from dashscope.aigc.generation import AioGeneration, Generation

from tests.server.support import RunningServer, ask
from tests.server.websocket_client import websocket_url

QUESTION = "a question, 一个问题 😀"
ANSWER = f"\n You said: {QUESTION}"
CALL: dict[str, Any] = {"model": "chatglm3-6b", "temperature": 0, "api_protocol": "websocket"}


pytestmark = pytest.mark.usefixtures("sdk")


@pytest.fixture(autouse=True)
def no_words_on_failures() -> Iterator[None]:
    logging.getLogger("dashscope").setLevel(logging.CRITICAL)
    yield
    logging.getLogger("dashscope").setLevel(logging.NOTSET)


def test_plain(server: RunningServer) -> None:
    for base in (websocket_url(server), f"{websocket_url(server)}/"):
        response = Generation.call(prompt=QUESTION, base_address=base, **CALL)
        assert response.status_code == 200
        assert response.output.text == ANSWER
        assert response.output.finish_reason == "stop"
        assert response.usage.output_tokens > 0


@pytest.mark.parametrize("mode", ["none", "in"])
def test_plain_in_every_mode(mode: str) -> None:
    # These modes read a prompt bit by bit; a string would be sent without end.
    prompt = (text for text in [QUESTION])
    response = Generation.call(prompt=prompt, ws_stream_mode=mode, **CALL)
    assert response.output.text == ANSWER


@pytest.mark.parametrize("mode", ["out", "duplex"])
@pytest.mark.parametrize("flag", [{}, {"incremental_output": True}, {"incremental_output": False}])
def test_streams(mode: str, flag: dict[str, bool]) -> None:
    prompt = (text for text in [QUESTION]) if mode == "duplex" else QUESTION
    responses = list(
        Generation.call(prompt=prompt, stream=True, ws_stream_mode=mode, **flag, **CALL)
    )
    texts = [response.output.text for response in responses]
    assert {response.status_code for response in responses} == {200}
    assert len({response.request_id for response in responses}) == 1
    reasons = [response.output.finish_reason for response in responses]
    assert reasons == ["null"] * (len(reasons) - 1) + ["stop"]
    assert len(texts) > 5
    if flag.get("incremental_output"):
        assert "".join(texts) == ANSWER
    else:
        assert texts[-1] == ANSWER
        assert all(ANSWER.startswith(text) for text in texts)


def test_the_message_form() -> None:
    messages = [{"role": "user", "content": QUESTION}]
    response = Generation.call(messages=messages, result_format="message", **CALL)
    assert response.output.choices[0].message.content == ANSWER


def test_the_same_text_as_over_http_for_the_same_seed(server: RunningServer) -> None:
    call = {**CALL, "temperature": 0.9}
    texts = set()
    for seed in range(6):
        text = Generation.call(prompt="x", seed=seed, **call).output.text
        assert text == server.ask(ask("x", seed=seed, temperature=0.9)).json["output"]["text"]
        texts.add(text)
    assert len(texts) > 1


async def test_async() -> None:
    response = await AioGeneration.call(prompt=QUESTION, **CALL)
    assert response.output.text == ANSWER
    responses = await AioGeneration.call(prompt=QUESTION, stream=True, **CALL)
    assert [each.output.text async for each in responses][-1] == ANSWER
    answers = await asyncio.gather(
        *(AioGeneration.call(prompt=f"no. {number}", **CALL) for number in range(16))
    )
    assert [answer.output.text for answer in answers] == [
        f"\n You said: no. {number}" for number in range(16)
    ]


def test_sixteen_threads_at_once() -> None:
    def last_of(number: int) -> str:
        responses = Generation.call(prompt=f"no. {number}", stream=True, **CALL)
        return str([response.output.text for response in responses][-1])

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(last_of, range(16)))
    assert answers == [f"\n You said: no. {number}" for number in range(16)]


def test_errors() -> None:
    """A failed task has the SDK's own status 44, a refused handshake a number as its code."""
    unknown = Generation.call(prompt="x", **{**CALL, "model": "chatglm9"})
    assert (unknown.status_code, unknown.code) == (44, "ModelNotFound")
    assert unknown.message == "Model can not be found."
    assert len(unknown.request_id) == 32
    refused = Generation.call(prompt="x", top_p=2.0, **CALL)
    assert (refused.status_code, refused.message) == (44, "Range of top_p should be (0.0, 1.0]")
    *running, failed = Generation.call(prompt="fail later", stream=True, **CALL)
    assert {response.status_code for response in running} == {200}
    assert (failed.status_code, failed.code) == (44, "InternalError.Algo")
    wrong_key = Generation.call(prompt="x", api_key="wrong", **CALL)
    assert (wrong_key.status_code, wrong_key.code) == (401, 401)
