"""Replies that are JSON, with the official client's own helpers."""

from __future__ import annotations

import json
from enum import Enum

import openai
import pytest
from openai import OpenAI
from pydantic import BaseModel

from tests.server.openai.support import CHAT, COMPLETIONS, MODEL, PLANE, chat, chunks, completion
from tests.server.openai.test_errors import error_of
from tests.server.support import RunningServer

ANY = {"type": "json_object"}
SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "rainy": {"type": "boolean"}},
    "required": ["city", "rainy"],
    "additionalProperties": False,
}
NAMED = {"type": "json_schema", "json_schema": {"name": "weather", "schema": SCHEMA}}


class Kind(str, Enum):
    LAKE = "lake"
    HILL = "hill"


class Sight(BaseModel):
    name: str
    kind: Kind


class City(BaseModel):
    city: str
    sights: list[Sight]


def test_any_object(server: RunningServer) -> None:
    choice = server.ask(chat("x", response_format=ANY), path=CHAT).json["choices"][0]
    assert isinstance(json.loads(choice["message"]["content"]), dict)


def test_a_schema_plain_and_streamed(server: RunningServer) -> None:
    choice = server.ask(chat("x", response_format=NAMED), path=CHAT).json["choices"][0]
    content = json.loads(choice["message"]["content"])
    assert content.keys() == {"city", "rainy"}
    assert isinstance(content["rainy"], bool)
    parts = chunks(server.ask(chat("x", response_format=NAMED, stream=True), path=CHAT))
    text = "".join(part["choices"][0]["delta"].get("content", "") for part in parts)
    assert text == choice["message"]["content"]


def test_a_completion_may_be_json_as_well(server: RunningServer) -> None:
    body = completion("x", response_format=NAMED)
    choice = server.ask(body, path=COMPLETIONS).json["choices"][0]
    assert json.loads(choice["text"]).keys() == {"city", "rainy"}


@pytest.mark.parametrize("stream", [False, True])
def test_a_schema_that_cannot_be_followed(server: RunningServer, stream: bool) -> None:
    schema = {"type": "object", "patternProperties": {"a": {}}}
    form = {"type": "json_schema", "json_schema": {"name": "n", "schema": schema}}
    answer = server.ask(chat("x", response_format=form, stream=stream), path=CHAT)
    assert error_of(answer) == (400, "invalid_parameter_error", "response_format")


def test_models_of_pydantic(server: RunningServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    messages = [{"role": "user", "content": "介绍下杭州"}]
    with OpenAI(base_url=f"{server.url}{PLANE}", api_key=server.key, max_retries=0) as client:
        answer = client.chat.completions.parse(model=MODEL, messages=messages, response_format=City)
        assert isinstance(answer.choices[0].message.parsed, City)
        with pytest.raises(openai.LengthFinishReasonError):
            client.chat.completions.parse(
                model=MODEL, messages=messages, response_format=City, max_tokens=2
            )
