"""Errors of this wire, in its shape."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from glmscope import errors
from glmscope.errors import OperatorError, RequestError, ServiceError
from glmscope.server.openai.errors import error_object
from tests.server.openai.support import CHAT, PLANE, chat
from tests.server.support import Answer, RunningServer


def error_of(answer: Answer) -> tuple[int, str, str | None]:
    """Status, code and param of an answer in the wire's shape."""
    body = answer.json
    assert list(body) == ["error", "request_id"]
    assert body["request_id"] == answer.headers["x-request-id"]
    error: dict[str, Any] = body["error"]
    assert list(error) == ["message", "type", "param", "code"]
    assert error["message"]
    assert error["type"]
    return answer.status, error["code"], error["param"]


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"messages": None}, None),
        ({"messages": []}, "messages"),
        ({"messages": "x"}, "messages"),
        ({"messages": [1]}, "messages[0]"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "bot", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "user"}]}, "messages[0].content"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url"}]}]},
            "messages[0].content[0]",
        ),
        ({"messages": [{"role": "assistant", "content": "x"}]}, "messages"),
        ({"temperature": 2}, "temperature"),
        ({"temperature": "1"}, "temperature"),
        ({"top_p": 0}, "top_p"),
        ({"n": 5}, "n"),
        ({"n": 0}, "n"),
        ({"seed": -1}, "seed"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": 1501}, "max_tokens"),
        ({"max_completion_tokens": 1501}, "max_completion_tokens"),
        ({"presence_penalty": 2.1}, "presence_penalty"),
        ({"frequency_penalty": 0.5}, "frequency_penalty"),
        ({"frequency_penalty": 3}, "frequency_penalty"),
        ({"repetition_penalty": 0}, "repetition_penalty"),
        ({"stop": [""]}, "stop[0]"),
        ({"stop": {}}, "stop"),
        ({"stream": "yes"}, "stream"),
        ({"stream_options": {"include_usage": True}}, "stream_options"),
        ({"stream": True, "stream_options": []}, "stream_options"),
        ({"stream": True, "stream_options": {"include_usage": 1}}, "include_usage"),
        ({"tools": [{"type": "function"}]}, "tools[0].name"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"functions": [{}]}, "functions[0].name"),
        ({"enable_search": True}, "enable_search"),
        ({"logit_bias": {"5": 1}}, "logit_bias"),
        ({"web_search_options": {}}, "web_search_options"),
        ({"modalities": ["text", "audio"]}, "modalities"),
        ({"top_logprobs": 2}, "top_logprobs"),
        ({"logprobs": True, "top_logprobs": 6}, "top_logprobs"),
        ({"logprobs": 1}, "logprobs"),
        ({"response_format": {"type": "xml"}}, "response_format"),
        ({"response_format": {"type": "json_schema"}}, "response_format"),
        ({"response_format": {"type": "json_schema", "json_schema": {}}}, "response_format"),
    ],
    ids=str,
)
def test_a_wrong_parameter_is_named(
    server: RunningServer, change: dict[str, object], param: str | None
) -> None:
    answer = server.ask(chat() | change, path=CHAT)
    assert error_of(answer) == (400, "invalid_parameter_error", param)
    assert answer.json["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (None, (400, "invalid_parameter_error", "model")),
        (3, (400, "invalid_parameter_error", "model")),
        ("gpt-4", (404, "model_not_found", "model")),
    ],
)
def test_models(
    server: RunningServer, model: object, expected: tuple[int, str, str | None]
) -> None:
    assert error_of(server.ask(chat(model=model), path=CHAT)) == expected


def test_keys(server: RunningServer) -> None:
    for headers in ({"Authorization": ""}, {"Authorization": "Bearer wrong"}):
        answer = server.ask(chat(), headers, CHAT)
        assert error_of(answer) == (401, "invalid_api_key", None)
        assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("path", ["/v1", "/v1/embeddings", f"{PLANE}/files", "/compatible-mode"])
def test_unknown_paths(server: RunningServer, path: str) -> None:
    for glued in (path, f"/{path}/"):
        assert error_of(server.ask({}, path=glued)) == (404, "unknown_url", None)


def test_other_planes_keep_their_shape(server: RunningServer) -> None:
    for path in ("/v2/chat/completions", "/v1x", "/api/v2/chat/completions"):
        assert server.ask({}, path=path).error == (404, "NotFound")


def test_wrong_verb(server: RunningServer) -> None:
    with server.connect() as connection:
        connection.send(method="GET", path=CHAT)
        answer = connection.answer()
    assert error_of(answer) == (405, "method_not_allowed", None)
    assert answer.headers["allow"] == "POST"


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"model":NaN}', b"\xff", b"[" * 9999])
def test_bodies_that_are_no_json_object(server: RunningServer, body: bytes) -> None:
    assert error_of(server.ask(body, path=CHAT)) == (400, "invalid_request_body", None)


def test_too_large(server: RunningServer) -> None:
    body = chat("x" * 4 * 1024 * 1024)
    assert error_of(server.ask(body, path=CHAT)) == (413, "request_too_large", None)


@pytest.mark.parametrize("stream", [False, True])
def test_a_failure_before_the_first_byte(server: RunningServer, stream: bool) -> None:
    answer = server.ask(chat("fail at once", stream=stream), path=CHAT)
    assert error_of(answer) == (500, "internal_error", None)
    assert answer.json["error"]["type"] == "server_error"


def test_a_failure_in_a_stream_ends_it(server: RunningServer) -> None:
    answer = server.ask(chat("fail later", stream=True), path=CHAT)
    assert answer.status == 200
    *events, last, rest = answer.body.decode().split("\n\n")
    assert len(events) > 2
    assert rest == ""
    error = json.loads(last.removeprefix("data: "))
    assert error["error"]["code"] == "internal_error"
    assert error["request_id"] == answer.headers["x-request-id"]


def test_every_error_that_a_wire_may_show_has_a_code() -> None:
    def kinds(root: type[errors.GLMScopeError]) -> list[type[errors.GLMScopeError]]:
        return [root, *(kind for each in root.__subclasses__() for kind in kinds(each))]

    shown = [kind for kind in kinds(errors.GLMScopeError) if not issubclass(kind, OperatorError)]
    assert {RequestError, ServiceError} < set(shown)
    for kind in shown:
        code = error_object(kind(), "id")["error"]["code"]
        assert re.fullmatch("[a-z]+(_[a-z]+)+", code), kind
