"""A model that answers in another one's place is named on every wire."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from glmscope.chat.service import ChatService
from glmscope.server.exchange_directory import ExchangeDirectory
from glmscope.server.replay import Replay
from tests.server.openai.support import CHAT, COMPLETIONS, PLANE, chat, completion
from tests.server.support import (
    STREAM,
    Answer,
    RunningServer,
    ask,
    eventually,
    service_with,
    serving,
)
from tests.server.websocket_client import run_task, websocket

HEADER = "x-glmscope-model"
SMALL = "chatglm3-nano"


def services() -> ChatService:
    """`chatglm3-6b` is answered by another model; `chatglm3-nano` and `chatglm-6b-v2` are not."""
    first, second = service_with().models.values()
    small = dataclasses.replace(
        first, id=SMALL, name="ChatGLM3-nano", description="a small demonstration model"
    )
    return ChatService([small, dataclasses.replace(small, id=first.id, stand_in=SMALL), second])


@pytest.fixture(scope="module")
def small_server() -> Iterator[RunningServer]:
    with serving(services()) as running:
        yield running


def get(server: RunningServer, path: str) -> Answer:
    with server.connect() as connection:
        connection.send(b"", path=path, method="GET")
        return connection.answer()


@pytest.mark.parametrize(
    ("path", "body", "headers"),
    [
        ("/api/v1/services/aigc/text-generation/generation", ask(), {}),
        ("/api/v1/services/aigc/text-generation/generation", ask(), STREAM),
        ("/api/v1/tokenizer", ask(), {}),
        (CHAT, chat(), {}),
        (CHAT, chat(stream=True), {}),
        (COMPLETIONS, completion(), {}),
        (COMPLETIONS, completion(stream=True), {}),
    ],
)
def test_the_header_of_an_answer(
    small_server: RunningServer, path: str, body: dict[str, Any], headers: dict[str, str]
) -> None:
    answer = small_server.ask(body, headers, path)
    assert (answer.status, answer.headers[HEADER]) == (200, SMALL)
    for model in (SMALL, "chatglm-6b-v2"):
        answer = small_server.ask({**body, "model": model}, headers, path)
        assert answer.status == 200
        assert HEADER not in answer.headers


@pytest.mark.parametrize("headers", [{}, STREAM])
def test_a_recorded_answer_names_it_too(tmp_path: Path, headers: dict[str, str]) -> None:
    models = ("chatglm3-6b", SMALL)
    with serving(services(), recordings=ExchangeDirectory.make(tmp_path)) as running:
        first = [running.ask({**ask(), "model": model}, headers) for model in models]
        assert eventually(lambda: len(list(tmp_path.glob("*.json"))) == len(models))
    replay = Replay(ExchangeDirectory(tmp_path).load(), speed=0)
    with serving(ChatService([]), replay=replay) as running:
        again = [running.ask({**ask(), "model": model}, headers) for model in models]
    assert [answer.headers.get(HEADER) for answer in first] == [SMALL, None]
    assert [answer.headers.get(HEADER) for answer in again] == [SMALL, None]


def test_the_first_frame_of_a_task(small_server: RunningServer) -> None:
    with websocket(small_server) as client:
        for model, told in (("chatglm3-6b", {HEADER: SMALL}), (SMALL, {})):
            frame = run_task()
            frame["payload"]["model"] = model
            client.send(frame)
            started = json.loads(client.connection.recv(timeout=10))
            assert started["header"]["attributes"] == told
            assert started["payload"] == {}
            assert client.until_over().events[-1] == "task-finished"


def test_the_lists_of_models(small_server: RunningServer) -> None:
    native = get(small_server, "/api/v1/models").json["output"]["models"]
    told = {model["model"]: model["description"].partition(":")[0] for model in native}
    openai = get(small_server, f"{PLANE}/models").json["data"]
    assert told == {
        SMALL: "ChatGLM3-nano, a small demonstration model",
        "chatglm3-6b": "ChatGLM3-nano, a small demonstration model in place of chatglm3-6b",
        "chatglm-6b-v2": "ChatGLM2-6B",
    }
    assert {model["id"]: model.get("description") for model in openai} == {
        SMALL: "a small demonstration model",
        "chatglm3-6b": "a small demonstration model in place of chatglm3-6b",
        "chatglm-6b-v2": None,
    }
