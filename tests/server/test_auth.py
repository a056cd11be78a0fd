"""Who may ask."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from fastapi.routing import APIRoute, APIWebSocketRoute
from starlette.routing import BaseRoute
from structlog.testing import capture_logs

from glmscope.server.accounts import Accounts
from glmscope.server.settings import ServerSettings
from glmscope.store.database import open_database
from glmscope.store.keyinfo import KeyTerms
from glmscope.store.keys import KeyStore
from glmscope.store.usage import UsageStore
from tests.server.support import GENERATION, STREAM, RunningServer, ask, eventually, serving
from tests.server.websocket_client import PATH as WS_PATH

UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}
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


OPEN = {"/healthz", "/metrics"}


@pytest.mark.parametrize("authorization", ["", "Bearer wrong", "Bearer glms-"])
def test_no_route_answers_without_a_key_but_health_and_metrics(
    tmp_path: Path, authorization: str
) -> None:
    settings = ServerSettings(openapi=True, trace=True)
    with open_database(tmp_path / "glmscope.db") as database:
        accounts = Accounts(UsageStore(database))
        with serving(keys=KeyStore(database), settings=settings, accounts=accounts) as server:
            walked = {
                (path, answered(server, path, method, authorization))
                for path, methods in walk(server.server.config.app.routes)
                for method in methods or (None,)
            }
            asked = {"/", "/docs", "/redoc", "/api/v1", "/api/admin/v1", "/v1", "/static/x"}
            with server.connect() as connection:
                for path in asked:
                    connection.send(b"", {"Authorization": authorization}, path, "GET")
                    assert connection.answer().status in (401, 404)
    paths = {path for path, _ in walked}
    expected = {GENERATION, "/api-ws/v1/inference", "/v1/chat/completions", "/api/admin/v1/usage"}
    assert expected | OPEN <= paths
    assert {path for path, status in walked if status == 200} == OPEN
    assert {status for path, status in walked if path not in OPEN} == {401}


def walk(routes: Sequence[BaseRoute], prefix: str = "") -> Iterator[tuple[str, set[str]]]:
    """Path and methods of every route; a websocket's path has none."""
    for route in routes:
        inner = getattr(route, "original_router", None)
        if inner is not None:  # newer FastAPI; others copy the routes of a router
            yield from walk(inner.routes, prefix + route.include_context.prefix)
        else:
            assert isinstance(route, APIRoute | APIWebSocketRoute), "of a kind not known here"
            yield prefix + route.path, getattr(route, "methods", set())


def answered(server: RunningServer, path: str, method: str | None, authorization: str) -> int:
    headers = {"Authorization": authorization}
    if method is None:
        headers |= UPGRADE | {"Content-Length": ""}
    with server.connect() as connection:
        connection.send(b"", headers, re.sub(r"\{.*?\}", "x", path), method or "GET")
        return connection.answer().status


def test_a_key_of_the_hosted_service_is_refused_with_advice_and_never_kept(tmp_path: Path) -> None:
    cloud_key = "sk-" + "0123456789abcdef" * 2
    path = tmp_path / "glmscope.db"
    with capture_logs() as logs, open_database(path) as database:
        accounts = Accounts(UsageStore(database))
        with serving(keys=KeyStore(database), accounts=accounts) as server:
            bearer = {"Authorization": f"Bearer {cloud_key}"}
            answer = server.ask(ask(), bearer)
            assert answer.error == (401, "InvalidApiKey")
            assert "key of the hosted service" in answer.json["message"]
            told = [answer.body, server.ask(ask(), bearer, "/v1/chat/completions").body]
            assert server.ask(ask(), bearer, f"/nowhere?api_key={cloud_key}").status == 404
            with server.connect() as connection:
                connection.send(b"", {**UPGRADE, **bearer, "Content-Length": ""}, WS_PATH, "GET")
                assert connection.answer().status == 401
            assert eventually(lambda: len(logs) >= 4)
        kept = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    secrets = (cloud_key, cloud_key.removeprefix("sk-"))
    for secret in secrets:
        assert secret not in json.dumps(logs)
        assert secret.encode() not in kept + b"".join(told)
    digest = hashlib.sha256(cloud_key.encode()).digest()
    assert digest not in kept


def test_an_expired_or_replaced_key_is_refused(tmp_path: Path) -> None:
    with open_database(tmp_path / "glmscope.db") as database:
        keys = KeyStore(database)
        with serving(keys=keys) as server:
            first = keys.create("rotated")
            second = keys.rotate(first.id)
            assert server.ask(ask(), {"Authorization": f"Bearer {second.key}"}).status == 200
            third = keys.rotate(first.id, timedelta(hours=1))
            for key, status in ((first, 401), (second, 200), (third, 200)):
                assert server.ask(ask(), {"Authorization": f"Bearer {key.key}"}).status == status
            yesterday = datetime.now(timezone.utc) - timedelta(days=1)
            keys.change(first.id, "expired", KeyTerms(expires_at=yesterday))
            for key in (second, third):
                assert server.ask(ask(), {"Authorization": f"Bearer {key.key}"}).status == 401


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
