"""Paths, verbs, sizes, order of checks, and what failures look like."""

from __future__ import annotations

import socket

import pytest
from structlog.testing import capture_logs

import glmscope
from glmscope.chat.service import ChatService
from glmscope.server.settings import ServerSettings
from glmscope.store.keytext import make_key
from tests.server.support import (
    GENERATION,
    STREAM,
    Answer,
    RunningServer,
    ask,
    eventually,
    service_with,
    serving,
)
from tests.server.test_plain import UUID

SMALL = ServerSettings(max_body_bytes=1000)


def check_error(answer: Answer, status: int, code: str) -> None:
    assert answer.error == (status, code)
    assert answer.headers["content-type"] == "application/json"
    assert list(answer.json) == ["code", "message", "request_id"]
    assert UUID.fullmatch(answer.json["request_id"])
    assert answer.headers["x-request-id"] == answer.json["request_id"]
    assert "Traceback" not in answer.json["message"]
    assert ".py" not in answer.json["message"]


@pytest.mark.parametrize(
    "path", ["/", "/api/v1", "/api/v1/tasks/1", "/anthropic/v1/x", "/%ff", "/../etc/passwd"]
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_unknown_paths(server: RunningServer, path: str, method: str) -> None:
    with server.connect() as connection:
        connection.send(b"", path=path, method=method)
        check_error(connection.answer(), 404, "NotFound")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "BREW"])
def test_wrong_verbs(server: RunningServer, method: str) -> None:
    with server.connect() as connection:
        connection.send(b"", method=method)
        answer = connection.answer()
        check_error(answer, 405, "MethodNotAllowed")
        assert answer.headers["allow"] == "POST"


def test_health(server: RunningServer) -> None:
    with server.connect() as connection:
        connection.send(b"", {"Authorization": ""}, "/healthz", "GET")
        answer = connection.answer()
    assert answer.status == 200
    assert answer.json == {
        "status": "ok",
        "version": glmscope.__version__,
        "models": ["chatglm3-6b", "chatglm-6b-v2"],
    }


def test_bodies_that_are_no_request(server: RunningServer) -> None:
    for body in (b"", b"{", b"[]", b"1", b"\xff", b'{"model": NaN}'):
        check_error(server.ask(body), 400, "BadRequest.IllegalInput")
    assert server.ask(ask()).status == 200


def test_a_body_that_is_too_large(server: RunningServer) -> None:
    with serving(settings=SMALL) as small, small.connect() as connection:
        fits = ask("x" * 800)
        assert connection.ask(fits).status == 200
        check_error(connection.ask(ask("x" * 2000)), 413, "BadRequest.TooLarge")
        # What is left of the body was thrown away, and the connection still works.
        assert connection.ask(fits).status == 200


def test_a_body_that_never_said_how_large_it_is() -> None:
    with serving(settings=SMALL) as server, server.connect() as connection:
        chunked = {"Transfer-Encoding": "chunked", "Content-Length": ""}
        connection.send(b"258\r\n" + b" " * 600 + b"\r\n" + b"0\r\n\r\n", chunked)
        check_error(connection.answer(), 400, "BadRequest.IllegalInput")
        connection.send(b"258\r\n" + b" " * 600 + b"\r\n", chunked)
        connection.socket.sendall(b"258\r\n" + b" " * 600 + b"\r\n")
        check_error(connection.answer(), 413, "BadRequest.TooLarge")
        connection.socket.sendall(b"0\r\n\r\n")
        assert connection.ask(ask()).status == 200


def test_a_body_that_is_too_large_is_not_even_asked_for(server: RunningServer) -> None:
    with server.connect() as connection:
        expecting = {"Expect": "100-continue", "Content-Length": str(2**32)}
        connection.send(b"", expecting)
        check_error(connection.answer(), 413, "BadRequest.TooLarge")


def test_the_order_of_checks(server: RunningServer) -> None:
    """Each request is wrong in everything from one check on; that check is the one that speaks."""
    wrong = {"Authorization": "Bearer wrong", "Content-Length": str(2**40)}
    bad_json, large = b"{", {"Content-Length": str(2**40)}
    steps = [
        (404, "NotFound", "/nowhere", "DELETE", bad_json, wrong),
        (405, "MethodNotAllowed", GENERATION, "DELETE", bad_json, wrong),
        (401, "InvalidApiKey", GENERATION, "POST", bad_json, wrong),
        (413, "BadRequest.TooLarge", GENERATION, "POST", bad_json, large),
        (400, "BadRequest.IllegalInput", GENERATION, "POST", bad_json, {}),
        (400, "BadRequest.EmptyModel", GENERATION, "POST", {"parameters": 1}, {}),
        (404, "ModelNotFound", GENERATION, "POST", {"model": "x", "parameters": 1}, {}),
        (
            400,
            "BadRequest.EmptyInput",
            GENERATION,
            "POST",
            {"model": "chatglm3-6b", "parameters": 1},
            {},
        ),
    ]
    for status, code, path, method, body, headers in steps:
        with server.connect() as connection:
            connection.send(body, headers, path, method)
            check_error(connection.answer(), status, code)
    both = {"model": "chatglm3-6b", "input": {}, "parameters": 1}
    assert server.ask(both).json["message"].startswith('Either "prompt" or "messages"')
    both["input"] = {"prompt": "x"}
    assert server.ask(both).json["message"].startswith("parameters")


def test_headers_that_ask_for_what_is_not_served(server: RunningServer) -> None:
    answer = server.ask(ask(), {"X-DashScope-Async": "Enable"})
    check_error(answer, 403, "AccessDenied")
    assert "asynchronous" in answer.json["message"]
    answer = server.ask(ask(), {"X-DashScope-EncryptionKey": "{}", **STREAM})
    check_error(answer, 400, "InvalidParameter")
    assert server.ask(ask(), {"X-DashScope-Async": "disable"}).status == 200


def test_an_input_that_is_too_long(server: RunningServer) -> None:
    check_error(server.ask(ask("word " * 7000), STREAM), 400, "InvalidParameter")
    check_error(server.ask(ask("")), 400, "InvalidParameter")


class BrokenService(ChatService):
    def prepare(self, request):
        raise ValueError(f"a bug that quotes {request.messages[0].content}")


@pytest.mark.parametrize("headers", [STREAM, {}], ids=["stream", "plain"])
def test_a_bug_is_logged_without_its_words_and_told_without_its_place(
    headers: dict[str, str],
) -> None:
    broken = BrokenService(service_with().models.values())
    with serving(broken) as server, capture_logs() as logs:
        answer = server.ask(ask("private words"), headers)
        check_error(answer, 500, "InternalError")
        assert eventually(lambda: len(logs) == 2)
        assert server.ask(ask(), path="/nowhere").status == 404
    failure, request = logs[:2]
    assert failure["error"] == "ValueError"
    assert any("prepare" in place for place in failure["at"])
    assert "private words" not in str(logs)
    assert failure["request_id"] == request["request_id"] == answer.json["request_id"]
    assert request["status"] == 500


def test_the_access_log_says_what_was_done(server: RunningServer) -> None:
    with capture_logs() as logs:
        answer = server.ask(ask("x", max_tokens=3), STREAM)
        assert eventually(lambda: len(logs) == 1)
    (line,) = logs
    seconds = line.pop("seconds")
    assert 0 < seconds < 10
    assert 0 <= line.pop("queue_seconds") < seconds
    assert 0 <= line.pop("first_token_seconds") < seconds
    assert line.pop("key_id")
    assert line == {
        "event": "request",
        "log_level": "info",
        "method": "POST",
        "path": GENERATION,
        "status": 200,
        "request_id": answer.headers["x-request-id"],
        "wire": "dashscope",
        "model": "chatglm3-6b",
        "stream": True,
        "input_tokens": answer.events[-1]["usage"]["input_tokens"],
        "output_tokens": 3,
        "finish_reason": "length",
    }


def test_a_key_in_a_path_is_not_logged(server: RunningServer) -> None:
    with capture_logs() as logs:
        assert server.ask(ask(), path=f"/api/v1/{make_key()}/x").status == 404
        assert eventually(lambda: len(logs) == 1)
    assert logs[0]["path"] == "(holds a key)"


def test_garbage_does_not_hurt(server: RunningServer) -> None:
    for garbage in (b"\r\n\r\n", b"\x00" * 100, b"GET\r\n\r\n", b"POST / HTTP/9.9\r\n\r\n"):
        with socket.create_connection(server.address, timeout=5) as connection:
            connection.sendall(garbage)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(1000):
                pass
    assert server.ask(ask()).status == 200
