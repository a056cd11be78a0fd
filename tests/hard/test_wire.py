"""Over real sockets: whatever is sent to whichever path, no 5xx, and the next one is answered."""

from __future__ import annotations

import json
import string
from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from glmscope.server.settings import ServerSettings
from glmscope.store.keys import KeyStore
from tests.hard.hostile import CHAT, GOOD, JSON, NASTY, RAW, check, repeated, spoiled
from tests.server.support import (
    GENERATION,
    STREAM,
    RunningServer,
    ask,
    eventually,
    service_with,
    serving,
)

RULES = {"rules": [{"reply": "ok {question}"}]}
LIMIT = 200_000
QUICK = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(scope="module")
def running() -> Iterator[RunningServer]:
    with serving(service_with(RULES), settings=ServerSettings(max_body_bytes=LIMIT)) as server:
        yield server


@pytest.fixture
def server(running: RunningServer) -> Iterator[RunningServer]:
    """Whatever came, the server is well and has let go of everything."""
    yield running
    assert running.ask(ask("still there")).json["output"]["text"] == "ok still there"
    assert eventually(lambda: not running.server.server_state.tasks)
    assert running.running() == 0


def paths(running: RunningServer) -> list[tuple[str, str]]:
    """Every method and path that is served, whoever added it."""
    app = running.server.config.app
    assert isinstance(app, FastAPI)
    return [
        (method.upper(), path.replace("{", "").replace("}", ""))
        for path, methods in app.openapi()["paths"].items()
        for method in methods
    ]


def test_the_bodies_that_are_spoiled_are_right(server: RunningServer) -> None:
    for path, body in GOOD.items():
        assert server.ask(body, path=path).status == 200, path


@pytest.mark.parametrize("name", RAW)
def test_raw_bodies_on_every_path(server: RunningServer, name: str) -> None:
    for method, path in paths(server):
        with server.connect() as connection:
            connection.send(RAW[name], STREAM, path, method)
            answer = connection.answer()
            check(answer, path)
            if path in GOOD:
                assert answer.status in (400, 404, 413), path


@pytest.mark.parametrize("path", GOOD)
def test_of_a_repeated_key_the_last_one_counts(server: RunningServer, path: str) -> None:
    assert server.ask(repeated(path), path=path).status == 200


@pytest.mark.parametrize("value", NASTY, ids=lambda value: ascii(value)[:20])
def test_one_value_in_the_place_of_everything(server: RunningServer, value: object) -> None:
    for path, body in GOOD.items():
        with server.connect() as connection:
            for name in body:
                check(connection.ask({**body, name: value}, path=path), path)
            for outer in ("input", "parameters"):
                for name in body.get(outer, ()):
                    inner = {**body[outer], name: value}
                    check(connection.ask({**body, outer: inner}, path=path), path)


@pytest.mark.parametrize("path", GOOD)
@QUICK
@given(data=st.data())
def test_spoiled_bodies(server: RunningServer, path: str, data: st.DataObject) -> None:
    body = data.draw(spoiled(path))
    stream = data.draw(st.booleans())
    if stream and path == CHAT:
        body["stream"] = True
    check(server.ask(body, STREAM if stream else {}, path), path)


@QUICK
@given(body=JSON)
def test_any_json_on_every_path(server: RunningServer, body: object) -> None:
    for path in GOOD:
        check(server.ask(body, path=path), path)


_NAME = st.text(string.ascii_letters + string.digits + "-_", min_size=1, max_size=20)
_VALUE = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=40)
_HEADERS = st.dictionaries(
    _NAME
    | st.sampled_from(
        [
            "Authorization",
            "Accept",
            "Content-Type",
            "Content-Encoding",
            "Expect",
            "Origin",
            "Range",
            "X-DashScope-SSE",
            "X-DashScope-Async",
            "X-Request-Id",
            "Upgrade",
        ]
    ),
    _VALUE,
    max_size=4,
).filter(
    lambda headers: (
        not {"host", "content-length", "transfer-encoding", "connection"}
        & {name.lower() for name in headers}
    )
)


@QUICK
@given(headers=_HEADERS)
def test_any_headers(server: RunningServer, headers: dict[str, str]) -> None:
    with server.connect() as connection:
        connection.send(ask(), headers)
        status, _ = connection.head()
        # 417 is what HTTP has for an Expect that nobody knows.
        assert status < 500


_PATH = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=30)


@QUICK
@given(data=st.data(), method=st.sampled_from(["GET", "POST", "PUT", "DELETE", "HEAD", "X-OWN"]))
def test_any_path(server: RunningServer, data: st.DataObject, method: str) -> None:
    _, known = data.draw(st.sampled_from(paths(server)))
    path = data.draw(st.sampled_from(["/", known, known + "/", "/api/v1/", "/v1/"])) + data.draw(
        _PATH
    )
    with server.connect() as connection:
        connection.send(json.dumps(ask()).encode(), {}, path, method)
        status, headers = connection.head()
        assert status < 500
        assert "x-request-id" in headers


@pytest.mark.parametrize("path", GOOD)
@pytest.mark.parametrize("announced", [True, False], ids=["announced", "in chunks"])
def test_too_large_a_body_gets_413(server: RunningServer, path: str, announced: bool) -> None:
    with server.connect() as connection:
        if announced:
            answer = connection.ask(b" " * (LIMIT + 1), path=path)
        else:
            head = f"POST {path} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
            connection.socket.sendall(head.encode())
            for _ in range(LIMIT // 50_000 + 1):
                connection.socket.sendall(b"c350\r\n" + b" " * 50_000 + b"\r\n")
            connection.socket.sendall(b"0\r\n\r\n")
            answer = connection.answer()
        assert answer.status == 413
        check(answer, path)
        assert connection.ask(ask("again")).status == 200


def test_a_body_that_is_announced_as_vast_costs_nothing(server: RunningServer) -> None:
    with server.connect() as connection:
        vast = b"Content-Length: 999999999999\r\n\r\n{"
        connection.socket.sendall(f"POST {GENERATION} HTTP/1.1\r\nHost: x\r\n".encode() + vast)
        assert connection.answer().status == 413


@QUICK
@given(
    value=st.binary(max_size=60), scheme=st.sampled_from([b"", b"Bearer ", b"bearer\t", b"Basic "])
)
def test_any_authorization(keyed: RunningServer, value: bytes, scheme: bytes) -> None:
    for byte in b"\r\n\0":
        value = value.replace(bytes([byte]), b"")
    with keyed.connect() as connection:
        head = f"POST {GENERATION} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n".encode()
        connection.socket.sendall(head + b"Authorization: " + scheme + value + b"\r\n\r\n{}")
        answer = connection.answer()
        # Control characters are no header at all.
        assert answer.status in (400, 401)
        check(answer, GENERATION)


@pytest.fixture(scope="module")
def keyed(keys: KeyStore) -> Iterator[RunningServer]:
    with serving(service_with(RULES), keys=keys) as server:
        yield server
