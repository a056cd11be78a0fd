"""The official Python SDK against a running server."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from dashscope import Client, Conversation
from dashscope.aigc.generation import AioGeneration, Generation
from dashscope.api_entities.http_request import close_shared_sync_session
from dashscope.v2.errors import BadRequestError, NotFoundError

from tests.server.support import RunningServer, eventually, serving
from tests.support.paths import REPOSITORY

MODEL = "chatglm3-6b"
GREEDY = {"model": MODEL, "temperature": 0}
FLAGS = [{}, {"incremental_output": True}, {"incremental_output": False}]
FORMS = ["text", "message"]
QUESTION = "a question, 一个问题 😀"
ANSWER = f"\n You said: {QUESTION}"

pytestmark = pytest.mark.usefixtures("sdk")


def text_of(response: Any, form: str) -> str:
    if form == "text":
        assert response.output.choices is None
        return str(response.output.text)
    assert response.output.text is None
    message = response.output.choices[0].message
    assert message.role == "assistant"
    return str(message.content)


def reason_of(response: Any, form: str) -> str:
    output = response.output
    return str(output.finish_reason if form == "text" else output.choices[0].finish_reason)


def check_plain(response: Any, form: str) -> None:
    assert response.status_code == 200
    assert response.code == response.message == ""
    assert text_of(response, form) == ANSWER
    assert reason_of(response, form) == "stop"
    assert response.usage.output_tokens > 0
    assert len(response.request_id) == 36


def check_stream(responses: list[Any], form: str, flag: dict[str, bool]) -> None:
    texts = [text_of(response, form) for response in responses]
    assert {response.status_code for response in responses} == {200}
    assert len({response.request_id for response in responses}) == 1
    assert [reason_of(response, form) for response in responses[:-1]] == ["null"] * (
        len(responses) - 1
    )
    assert reason_of(responses[-1], form) == "stop"
    assert len(responses) > 5
    if flag.get("incremental_output"):
        assert "".join(texts) == ANSWER
    else:
        assert texts[-1] == ANSWER
        assert all(ANSWER.startswith(text) for text in texts)


@pytest.mark.parametrize("form", FORMS)
def test_plain(form: str) -> None:
    check_plain(Generation.call(prompt=QUESTION, result_format=form, **GREEDY), form)


LIKELY_PAIR = {
    "prompt": QUESTION,
    "n": 2,
    "seed": 4,
    "logprobs": True,
    "top_logprobs": 2,
    "result_format": "message",
}


def test_two_choices_with_log_probabilities() -> None:
    response = Generation.call(model=MODEL, **LIKELY_PAIR)
    assert [choice.index for choice in response.output.choices] == [0, 1]
    for choice in response.output.choices:
        said = b"".join(bytes(token["bytes"]) for token in choice.logprobs["content"])
        assert said.decode() == choice.message.content


def test_the_sdk_puts_two_streamed_choices_together() -> None:
    """Asked for whole texts it asks for pieces; the last response holds both choices."""
    plain = Generation.call(model=MODEL, **LIKELY_PAIR).output.choices
    *_, last = Generation.call(model=MODEL, stream=True, incremental_output=False, **LIKELY_PAIR)
    for merged, whole in zip(last.output.choices, plain, strict=True):
        assert merged["message"]["content"] == whole.message.content
        assert merged["logprobs"] == whole.logprobs
        assert merged["finish_reason"] == "stop"


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("flag", FLAGS, ids=str)
def test_stream(form: str, flag: dict[str, bool]) -> None:
    messages = [{"role": "user", "content": QUESTION}]
    responses = Generation.call(
        messages=messages, result_format=form, stream=True, **flag, **GREEDY
    )
    check_stream(list(responses), form, flag)


@pytest.mark.parametrize("form", FORMS)
async def test_async_plain(closing: None, form: str) -> None:
    response = await AioGeneration.call(prompt=QUESTION, result_format=form, **GREEDY)
    check_plain(response, form)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("flag", FLAGS, ids=str)
async def test_async_stream(closing: None, form: str, flag: dict[str, bool]) -> None:
    responses = await AioGeneration.call(
        prompt=QUESTION, result_format=form, stream=True, **flag, **GREEDY
    )
    check_stream([response async for response in responses], form, flag)


def check_errors(wrong_key: Any, unknown_model: Any, failed: list[Any]) -> None:
    assert (wrong_key.status_code, wrong_key.code) == (401, "InvalidApiKey")
    assert wrong_key.message == "Invalid API-key provided."
    assert (unknown_model.status_code, unknown_model.code) == (404, "ModelNotFound")
    assert wrong_key.output is None
    assert {response.status_code for response in failed[:-1]} == {200}
    assert len(failed) > 2
    assert (failed[-1].status_code, failed[-1].code) == (500, "InternalError.Algo")
    assert failed[-1].message
    assert failed[-1].request_id == failed[0].request_id


def test_errors() -> None:
    check_errors(
        Generation.call(prompt="x", api_key="wrong", **GREEDY),
        Generation.call(model="chatglm9", prompt="x"),
        list(Generation.call(prompt="fail later", stream=True, **GREEDY)),
    )
    (early,) = Generation.call(prompt="fail at once", stream=True, **GREEDY)
    assert (early.status_code, early.code) == (500, "InternalError.Algo")
    (refused,) = Generation.call(prompt="x", stream=True, model=MODEL, top_p=2.0)
    assert (refused.status_code, refused.message) == (400, "Range of top_p should be (0.0, 1.0]")


async def test_async_errors(closing: None) -> None:
    failing = await AioGeneration.call(prompt="fail later", stream=True, **GREEDY)
    check_errors(
        await AioGeneration.call(prompt="x", api_key="wrong", **GREEDY),
        await AioGeneration.call(model="chatglm9", prompt="x"),
        [response async for response in failing],
    )


def test_history_and_base_address(server: RunningServer) -> None:
    history = [{"user": "one", "bot": "two"}]
    base = f"{server.url}/api/v1/"
    with_history = Generation.call(prompt="x", history=history, base_address=base, **GREEDY)
    without = Generation.call(prompt="x", base_address=base, **GREEDY)
    assert with_history.output.text == without.output.text
    assert with_history.usage.input_tokens > without.usage.input_tokens


def test_conversation_remembers() -> None:
    conversation = Conversation()
    answers = [
        conversation.call(MODEL, prompt=prompt, auto_history=True, temperature=0)
        for prompt in ("one", "two", "three")
    ]
    assert [answer.output.text for answer in answers] == [
        f"\n You said: {prompt}" for prompt in ("one", "two", "three")
    ]
    tokens = [answer.usage.input_tokens for answer in answers]
    assert tokens[0] < tokens[1] < tokens[2]


def test_the_client_of_2_0(server: RunningServer) -> None:
    client = Client(api_key=server.key, base_url=f"{server.url}/api/v1")
    question: dict[str, Any] = {"messages": [{"role": "user", "content": QUESTION}]}
    create = client.chat.completions.create
    answer = create(**question, **GREEDY)
    assert answer.choices[0].message.content == ANSWER
    deltas = [chunk.choices[0].delta.content for chunk in create(stream=True, **question, **GREEDY)]
    assert len(deltas) > 5
    assert "".join(deltas) == ANSWER
    for error, wrong in (
        (NotFoundError, {"model": "chatglm9"}),
        (BadRequestError, {"model": MODEL, "top_p": 2.0}),
    ):
        with pytest.raises(error):
            create(**question, **wrong)
    client.close()


def test_the_page_example(server: RunningServer, tmp_path: Path) -> None:
    environment = {
        **{name: value for name, value in os.environ.items() if "proxy" not in name.lower()},
        "DASHSCOPE_API_KEY": str(server.key),
        "DASHSCOPE_HTTP_BASE_URL": f"{server.url}/api/v1",
        "HOME": str(tmp_path),
        "PYTHONUTF8": "1",
    }
    result = subprocess.run(
        [sys.executable, "examples/call_with_messages.py"],
        cwd=REPOSITORY,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
    )
    assert result.returncode == 0, result.stderr
    printed = json.loads(result.stdout)
    output, usage = printed["output"], printed["usage"]
    (choice,) = output["choices"]
    assert list(printed) == ["status_code", "request_id", "code", "message", "output", "usage"]
    assert list(output) == ["text", "finish_reason", "choices"]
    assert list(choice) == ["finish_reason", "message"]
    assert list(choice["message"]) == ["role", "content", "content_type"]
    assert list(usage) == ["input_tokens", "output_tokens"]
    assert printed["status_code"] == 200
    assert printed["code"] == printed["message"] == ""
    assert output["text"] is output["finish_reason"] is None
    assert choice["finish_reason"] == "stop"
    assert choice["message"]["content"].endswith("介绍下杭州")
    assert choice["message"]["content_type"] == "text"


@pytest.mark.parametrize("incremental", [True, False])
def test_sixteen_streams_at_once(incremental: bool) -> None:
    def last_of(number: int) -> str:
        prompt = f"question number {number}, {'很长 ' * number}!"
        responses = Generation.call(
            prompt=prompt,
            stream=True,
            result_format="message",
            incremental_output=incremental,
            **GREEDY,
        )
        texts = [text_of(response, "message") for response in responses]
        text = "".join(texts) if incremental else texts[-1]
        return text.removeprefix("\n You said: ").removeprefix(prompt)

    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(last_of, range(16))) == [""] * 16


async def test_sixteen_async_calls_at_once(closing: None) -> None:
    async def answer(number: int) -> str:
        if number % 2:
            return text_of(await AioGeneration.call(prompt=f"no. {number}", **GREEDY), "text")
        stream = await AioGeneration.call(prompt=f"no. {number}", stream=True, **GREEDY)
        return [text_of(response, "text") async for response in stream][-1]

    answers = await asyncio.gather(*(answer(number) for number in range(16)))
    assert answers == [f"\n You said: no. {number}" for number in range(16)]


def test_a_dropped_generator_frees_its_place() -> None:
    with serving() as own:
        responses = Generation.call(
            prompt="slow", stream=True, base_address=f"{own.url}/api/v1", **GREEDY
        )
        assert next(responses).status_code == 200
        assert own.running() == 1
        responses.close()
        del responses
        close_shared_sync_session()
        assert eventually(lambda: own.running() == 0)
