"""Who may ask."""

from __future__ import annotations

import json

import pytest
from structlog.testing import capture_logs

from glmscope.store.keys import KeyStore
from tests.server.support import GENERATION, STREAM, RunningServer, ask, eventually, serving

NO_KEY = "No API-key provided."
WRONG_KEY = "Invalid API-key provided."


def refusal(server: RunningServer, authorization: str, headers: dict[str, str] | None = None):
    answer = server.ask(ask(), {"Authorization": authorization, **(headers or {})})
    assert answer.error == (401, "InvalidApiKey")
    assert answer.headers["content-type"] == "application/json"
    assert answer.json["request_id"] == answer.headers["x-request-id"]
    return answer.json["message"]


def test_the_sentence_says_what_is_wrong(server: RunningServer) -> None:
    for nothing in ("", "Bearer", "Bearer  "):
        assert refusal(server, nothing) == NO_KEY
    for wrong in (
        "Bearer wrong",
        f"Bearer {server.key}x",
        f"Basic {server.key}",
        str(server.key),
        f"Bearer {server.key} {server.key}",
        "Bearer \xe9\xff",
        "Bearer " + "x" * 5000,
    ):
        assert refusal(server, wrong) == WRONG_KEY
    assert refusal(server, f"Bearer {server.key}", {"authorization": "Bearer x"}) == WRONG_KEY
    assert refusal(server, "Bearer wrong", STREAM) == WRONG_KEY


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "Bearer "])
def test_the_scheme_in_any_case(server: RunningServer, scheme: str) -> None:
    assert server.ask(ask(), {"Authorization": f"{scheme} {server.key}"}).status == 200


def test_a_revoked_key_is_refused_by_the_next_request(
    server: RunningServer, keys: KeyStore
) -> None:
    key = keys.create("short-lived")
    bearer = {"Authorization": f"Bearer {key.key}"}
    with server.connect() as connection:
        assert connection.ask(ask(), bearer).status == 200
        keys.revoke(key.id)
        assert connection.ask(ask(), bearer).error == (401, "InvalidApiKey")


def test_without_a_store_everyone_may_ask() -> None:
    with serving() as server:
        assert server.ask(ask()).status == 200
        assert server.ask(ask(), {"Authorization": "Bearer whatever"}).status == 200


def test_the_key_comes_before_everything_in_the_body(server: RunningServer) -> None:
    wrong = {"Authorization": "Bearer wrong"}
    for body in (b"", b"not json", b"{}"):
        assert server.ask(body, wrong).error == (401, "InvalidApiKey")
    too_large = {"Content-Length": str(2**40), **wrong}
    with server.connect() as connection:
        connection.send(b"", too_large)
        assert connection.answer().error == (401, "InvalidApiKey")


def test_no_route_answers_without_a_key_but_health(server: RunningServer) -> None:
    paths = {"/", "/docs", "/redoc", "/openapi.json", "/api/v1"}
    paths |= server.server.config.app.openapi()["paths"].keys()
    assert {GENERATION, "/healthz"} <= paths
    opened = set()
    with server.connect() as connection:
        for path in paths:
            for method in ("GET", "POST", "PUT", "DELETE", "PATCH"):
                connection.send(b"", {"Authorization": ""}, path, method)
                answer = connection.answer()
                assert answer.status in (200, 401, 404, 405)
                if answer.status == 200:
                    opened.add(path)
                else:
                    assert answer.headers["content-type"] == "application/json"
    assert opened == {"/healthz", "/metrics"}


def test_no_key_and_no_prompt_is_logged_or_told(server: RunningServer) -> None:
    secret = "glms-presented-but-wrong"
    prompt = "a very private question"
    told = b""
    with capture_logs() as logs:
        told += server.ask(ask(prompt), {"Authorization": f"Bearer {secret}"}).body
        told += server.ask(ask(prompt, top_p=9)).body
        told += server.ask({"model": prompt, "input": {}}).body
        told += server.ask(ask(prompt), path=f"/nowhere?key={secret}").body
        told += server.ask(ask(f"{prompt} fail later"), STREAM).headers["x-request-id"].encode()
        assert server.ask(ask(prompt)).status == 200
        assert eventually(lambda: len([line for line in logs if line["event"] == "request"]) == 6)
    logged = json.dumps(logs)
    for text in (logged, told.decode()):
        assert prompt not in text
        assert secret not in text
        assert str(server.key) not in text
    assert '"key_id": "' in logged
