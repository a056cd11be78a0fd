"""Every fault that a plan may hold, on every wire that it makes sense on."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest
from websockets.exceptions import ConnectionClosedError, ConnectionClosedOK

from glmscope.engine.fault_plan import FaultPlan
from glmscope.server.faults import FaultyService
from glmscope.server.settings import ServerSettings
from glmscope.store.keys import KeyStore
from tests.server.support import (
    STREAM,
    RunningServer,
    ask,
    eventually,
    service_with,
    serving,
)
from tests.server.websocket_client import run_task, websocket

CHAT = "/v1/chat/completions"
PLAN = {
    "seed": 5,
    "rules": [
        {"match": "throttled", "error": {"code": "Throttling.RateQuota", "retry_after": 7}},
        {"match": "refused", "error": {"code": "DataInspectionFailed"}},
        {"match": "unauthorized", "error": {"code": "InvalidApiKey"}},
        {"match": "forbidden", "error": {"code": "Model.AccessDenied"}},
        {"match": "unavailable", "error": {"code": "ModelUnavailable", "retry_after": 2}},
        {"match": "teapot", "error": {"code": "Teapot", "status": 418, "message": "No coffee."}},
        {"match": "fails later", "error_after": 3},
        {
            "match": "moderated",
            "error_after": 3,
            "error": {"code": "DataInspectionFailed", "status": 400, "message": "Not this."},
        },
        {"match": "slow start", "first_token_ms": 400},
        {"match": "slow words", "token_ms": 60},
        {"match": "hangs", "hang_ms": 400},
        {"match": "hangs up", "hang_ms": 3_600_000},
        {"match": "dropped at once", "drop_after": 0},
        {"match": "dropped later", "drop_after": 3},
        {"match": "cut short", "end_after": 2},
        {"match": "garbled", "malformed": True},
        {"match": "second only", "nth": 2, "error": {"code": "Throttling"}},
        {"model": "chatglm-6b-v2", "error": {"code": "ModelUnavailable"}},
        {"key": "unlucky", "error": {"code": "Throttling"}},
        {"match": "perhaps", "probability": 0.5, "error": {"code": "Throttling"}},
    ],
}
QUIET = ServerSettings(keep_alive_seconds=0.1)


def faulty() -> FaultyService:
    plan = FaultPlan.from_json(json.dumps(PLAN), "the test's plan")
    return FaultyService(
        service_with({"rules": [{"reply": "you said {question}"}]}).models.values(), plan
    )


@pytest.fixture(scope="module")
def running() -> Iterator[RunningServer]:
    with serving(faulty(), settings=QUIET) as server:
        yield server


@pytest.fixture
def server(running: RunningServer) -> Iterator[RunningServer]:
    """Whatever was played, the next reply is right and nothing goes on behind it."""
    yield running
    assert running.ask(ask("fine")).json["output"]["text"] == "you said fine"
    assert eventually(lambda: running.running() == 0)
    assert eventually(lambda: not running.server.server_state.tasks)


def chat(prompt: str, **parameters: object) -> dict[str, object]:
    messages = [{"role": "user", "content": prompt}]
    return {"model": "chatglm3-6b", "messages": messages, "temperature": 0, **parameters}


@pytest.mark.parametrize("headers", [STREAM, {}], ids=["stream", "plain"])
@pytest.mark.parametrize(
    ("prompt", "status", "code", "retry_after"),
    [
        ("throttled", 429, "Throttling.RateQuota", "7"),
        ("refused", 400, "DataInspectionFailed", None),
        ("unauthorized", 401, "InvalidApiKey", None),
        ("forbidden", 403, "Model.AccessDenied", None),
        ("unavailable", 503, "ModelUnavailable", "2"),
        ("teapot", 418, "Teapot", None),
    ],
)
def test_refusals(
    server: RunningServer,
    headers: dict[str, str],
    prompt: str,
    status: int,
    code: str,
    retry_after: str | None,
) -> None:
    answer = server.ask(ask(prompt), headers)
    assert answer.error == (status, code)
    assert answer.headers.get("retry-after") == retry_after
    assert answer.headers["x-request-id"] == answer.json["request_id"]


def test_refusals_in_the_shape_of_the_openai_wire(server: RunningServer) -> None:
    answer = server.ask(chat("throttled"), path=CHAT)
    assert answer.status == 429
    assert answer.headers["retry-after"] == "7"
    assert answer.json["error"]["message"]


@pytest.mark.parametrize(
    ("prompt", "status", "code"),
    [("fails later", 500, "InternalError.Algo"), ("moderated", 400, "DataInspectionFailed")],
)
def test_an_error_inside_a_reply(
    server: RunningServer, prompt: str, status: int, code: str
) -> None:
    answer = server.ask(ask(prompt), STREAM)
    assert answer.status == 200
    *events, last = answer.events
    assert events
    assert all("output" in event for event in events)
    assert last["code"] == code
    assert f"event:error\n:HTTP_STATUS/{status}\n".encode() in answer.body
    assert server.ask(ask(prompt)).error == (status, code)


def test_an_error_inside_an_openai_stream(server: RunningServer) -> None:
    answer = server.ask(chat("moderated", stream=True), path=CHAT)
    assert answer.status == 200
    assert b"Not this." in answer.chunks[-1] + answer.chunks[-2]


def test_a_slow_start_is_kept_alive(server: RunningServer) -> None:
    begun = time.monotonic()
    answer = server.ask(ask("slow start"), STREAM)
    assert time.monotonic() - begun >= 0.4
    assert answer.chunks[0].startswith(b":")
    assert answer.events[-1]["output"]["text"] == "you said slow start"


def test_slow_words(server: RunningServer) -> None:
    begun = time.monotonic()
    answer = server.ask(ask("slow words", max_tokens=6), STREAM)
    assert time.monotonic() - begun >= 5 * 0.06
    assert answer.events[-1]["usage"]["output_tokens"] == 6


def test_silence_before_an_answer(server: RunningServer) -> None:
    with server.connect() as connection:
        connection.send(ask("hangs"), STREAM)
        connection.socket.settimeout(0.3)
        with pytest.raises(TimeoutError):
            connection.socket.recv(1)


def test_silence_for_ever_ends_with_the_client(server: RunningServer) -> None:
    for headers in (STREAM, {}):
        with server.connect() as connection:
            connection.send(ask("hangs up"), headers)
            time.sleep(0.1)


@pytest.mark.parametrize("headers", [STREAM, {}], ids=["stream", "plain"])
def test_a_connection_reset_at_once(server: RunningServer, headers: dict[str, str]) -> None:
    with server.connect() as connection:
        connection.send(ask("dropped at once"), headers)
        with pytest.raises(ConnectionResetError):
            connection.socket.recv(1)


def test_a_stream_reset_in_the_middle(server: RunningServer) -> None:
    with server.connect() as connection:
        connection.send(ask("dropped later"), STREAM)
        assert connection.head()[0] == 200
        chunks = connection.chunks()
        assert all(next(chunks).startswith(b"id:") for _ in range(3))
        with pytest.raises(ConnectionResetError):
            next(chunks)


def test_a_stream_that_ends_cleanly_and_too_early(server: RunningServer) -> None:
    with server.connect() as connection:
        answer = connection.ask(ask("cut short"), STREAM)
        assert [event["output"]["finish_reason"] for event in answer.events] == ["null", "null"]
        assert connection.ask(ask("again")).status == 200


@pytest.mark.parametrize("path", ["native", CHAT])
def test_broken_json(server: RunningServer, path: str) -> None:
    native = path == "native"
    plain = server.ask(ask("garbled")) if native else server.ask(chat("garbled"), path=path)
    assert plain.status == 200
    with pytest.raises(json.JSONDecodeError):
        _ = plain.json
    stream = (
        server.ask(ask("garbled"), STREAM)
        if native
        else server.ask(chat("garbled", stream=True), path=path)
    )
    assert len(stream.chunks) > 2
    with pytest.raises(json.JSONDecodeError):
        _ = stream.events


def test_the_nth_request_and_no_other(server: RunningServer) -> None:
    statuses = [server.ask(ask("second only")).status for _ in range(4)]
    assert statuses == [200, 429, 200, 200]


def test_a_model(server: RunningServer) -> None:
    assert server.ask(ask("hello") | {"model": "chatglm-6b-v2"}).status == 503


def test_chance_follows_the_seed() -> None:
    def statuses() -> list[int]:
        with serving(faulty()) as server:
            return [server.ask(ask("perhaps")).status for _ in range(12)]

    first = statuses()
    assert set(first) == {200, 429}
    assert statuses() == first


def test_a_key(keys: KeyStore) -> None:
    with serving(faulty(), keys=keys) as server:
        assert server.ask(ask("hello")).status == 200
        unlucky = {"Authorization": f"Bearer {keys.create('unlucky').key}"}
        assert server.ask(ask("hello"), unlucky).error == (429, "Throttling")
        assert server.ask(ask("hello"), {"Authorization": "Bearer wrong"}).status == 401


def test_refusals_and_errors_in_a_websocket(server: RunningServer) -> None:
    with websocket(server) as client:
        for prompt, code in (
            ("throttled", "Throttling.RateQuota"),
            ("teapot", "Teapot"),
            ("moderated", "DataInspectionFailed"),
        ):
            told = client.run(prompt)
            assert told.events[-1] == "task-failed"
            assert told.error == code
        assert client.run("fine").texts[-1] == "you said fine"
        began = time.monotonic()
        assert client.run("hangs").texts[-1] == "you said hangs"
        assert time.monotonic() - began >= 0.4


def test_a_websocket_reset_in_the_middle(server: RunningServer) -> None:
    with pytest.raises(ConnectionClosedError), websocket(server) as client:
        client.send(run_task("dropped later", "out"))
        events = [client.receive()["header"]["event"] for _ in range(4)]
        assert events == ["task-started", *["result-generated"] * 3]
        client.receive()


def test_a_websocket_closed_too_early(server: RunningServer) -> None:
    with pytest.raises(ConnectionClosedOK), websocket(server) as client:
        client.send(run_task("cut short", "out"))
        for _ in range(4):
            client.receive()


def test_broken_frames(server: RunningServer) -> None:
    with websocket(server) as client:
        client.send(run_task("garbled", "out"))
        with pytest.raises(json.JSONDecodeError):
            client.receive()
