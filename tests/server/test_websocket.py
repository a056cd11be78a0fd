"""Tasks on a websocket, frame by frame. DashScope protocol, section 6."""

from __future__ import annotations

import socket
import time
from typing import Any

import pytest

from glmscope.server.settings import ServerSettings
from glmscope.store.keys import KeyStore
from tests.server.support import RunningServer, ask, eventually, serving
from tests.server.websocket_client import ANSWER, PATH, TASK, run_task, websocket

HOLD_BACK = ServerSettings().websocket_hold_back_seconds


@pytest.mark.parametrize("streaming", ["none", "in"])
def test_a_plain_task_is_three_frames(server: RunningServer, streaming: str) -> None:
    with websocket(server) as client:
        task_id = "0f9d4b9e-6a53-4a0e-8c1e-0d7f4a8f7a55"
        client.send(run_task(streaming=streaming, task_id=task_id))
        started, result, finished = client.until_over().frames
    for frame, event in (
        (started, "task-started"),
        (result, "result-generated"),
        (finished, "task-finished"),
    ):
        assert frame["header"] == {"task_id": task_id, "event": event, "attributes": {}}
    assert started["payload"] == finished["payload"] == {}
    assert result["payload"]["output"] == {"text": ANSWER, "finish_reason": "stop"}
    assert list(result["payload"]) == ["output", "usage"]
    assert list(result["payload"]["usage"]) == ["input_tokens", "output_tokens"]


@pytest.mark.parametrize("streaming", ["out", "duplex"])
@pytest.mark.parametrize("incremental", [False, True])
def test_a_streamed_task(server: RunningServer, streaming: str, incremental: bool) -> None:
    with websocket(server) as client:
        task = client.run(streaming=streaming, incremental_output=incremental)
    assert task.events == [
        "task-started",
        *["result-generated"] * (len(task.frames) - 2),
        "task-finished",
    ]
    assert len(task.results) > 5
    reasons = [result["output"]["finish_reason"] for result in task.results]
    assert reasons == ["null"] * (len(reasons) - 1) + ["stop"]
    counts = [result["usage"]["output_tokens"] for result in task.results]
    assert counts == sorted(counts)
    if incremental:
        assert "".join(task.texts) == ANSWER
    else:
        assert task.texts[-1] == ANSWER
        assert all(ANSWER.startswith(text) for text in task.texts)


def test_the_message_form(server: RunningServer) -> None:
    with websocket(server) as client:
        task = client.run(result_format="message")
    messages = [result["output"]["choices"][0]["message"] for result in task.results]
    assert {message["role"] for message in messages} == {"assistant"}
    assert messages[-1]["content"] == ANSWER


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_the_same_text_as_over_http_for_the_same_seed(server: RunningServer, seed: int) -> None:
    sampling = {"temperature": 0.9, "seed": seed}
    over_http = server.ask(ask(**sampling)).json["output"]["text"]
    with websocket(server) as client:
        assert client.run(streaming="none", **sampling).texts == [over_http]
        assert client.run(**sampling).texts[-1] == over_http
        assert "".join(client.run(incremental_output=True, **sampling).texts) == over_http


def test_odd_characters_survive(server: RunningServer) -> None:
    with websocket(server) as client:
        assert client.run("odd characters").texts[-1] == ('a"b\\c\n\r\t\u2028\u0085\u001f\u007f😀é')


@pytest.mark.parametrize("streaming", ["none", "out"])
def test_results_are_held_back(server: RunningServer, streaming: str) -> None:
    """The Java SDK listens only a moment after it has sent."""
    with websocket(server) as client:
        sent = time.monotonic()
        client.send(run_task(streaming=streaming))
        assert client.receive()["header"]["event"] == "task-started"
        assert client.receive()["header"]["event"] == "result-generated"
        assert time.monotonic() - sent >= HOLD_BACK
        client.until_over()


@pytest.mark.parametrize(
    "frame",
    [run_task(payload={}), "no JSON", run_task(task_id="two words"), run_task("say nothing")],
)
def test_so_is_an_end_without_a_result(server: RunningServer, frame: object) -> None:
    with websocket(server) as client:
        sent = time.monotonic()
        client.send(frame)
        client.until_over()
        assert time.monotonic() - sent >= HOLD_BACK


def test_how_long_is_the_operators_choice() -> None:
    settings = ServerSettings(websocket_hold_back_seconds=0.4)
    with serving(settings=settings) as own, websocket(own) as client:
        sent = time.monotonic()
        assert client.run().events[-1] == "task-finished"
        assert time.monotonic() - sent >= 0.4


def test_thirty_tasks_on_one_connection(server: RunningServer) -> None:
    with websocket(server) as client:
        for number in range(30):
            streaming = "out" if number % 2 else "none"
            assert client.run(f"no. {number}", streaming).texts[-1] == f"\n You said: no. {number}"


def test_a_second_task_at_the_same_time_is_refused(server: RunningServer) -> None:
    with websocket(server) as client:
        client.send(run_task("slow", task_id="first", max_tokens=20))
        assert client.receive()["header"]["event"] == "task-started"
        sent = time.monotonic()
        client.send(run_task(task_id="second"))
        frames = client.until_over().frames
        assert time.monotonic() - sent >= HOLD_BACK
        failed = frames.pop()["header"]
        assert (failed["task_id"], failed["event"]) == ("second", "task-failed")
        assert failed["error_code"] == "InvalidParameter"
        assert "one at a time" in failed["error_message"]
        rest = client.until_over()
        assert rest.events[-1] == "task-finished"
        assert {frame["header"]["task_id"] for frame in rest.frames} == {"first"}
        assert client.run().texts[-1] == ANSWER


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (run_task(payload={"input": {"prompt": "x"}}), "BadRequest.EmptyModel"),
        (run_task(payload={**ask(), "model": "chatglm9"}), "ModelNotFound"),
        (run_task(payload={"model": "chatglm3-6b"}), "BadRequest.EmptyInput"),
        (run_task(payload={"model": "chatglm3-6b", "input": {}}), "InvalidParameter"),
        (run_task(top_p=2.0), "InvalidParameter"),
        (run_task("x" * 40_000), "InvalidParameter"),
        (run_task(payload="x"), "InvalidParameter"),
        (run_task(streaming="sideways"), "InvalidParameter"),
        (run_task(payload={**ask(), **TASK, "task": "tts"}), "NotFound"),
        (run_task("fail at once"), "InternalError.Algo"),
    ],
)
def test_a_task_that_cannot_be_done(server: RunningServer, frame: Any, code: str) -> None:
    with websocket(server) as client:
        client.send(frame)
        task = client.until_over()
        assert task.error == code
        failed = task.frames[-1]
        assert failed["payload"] == {}
        assert failed["header"]["task_id"] == frame["header"]["task_id"]
        assert failed["header"]["error_message"]
        assert not task.results
        assert client.run().texts[-1] == ANSWER


def test_a_failure_in_the_middle(server: RunningServer) -> None:
    with websocket(server) as client:
        task = client.run("fail later")
        assert task.error == "InternalError.Algo"
        assert "some words before the failure".startswith(task.texts[-1])
        assert task.events[-1] == "task-failed"
        assert client.run("fail later", streaming="none").events == ["task-started", "task-failed"]
        assert client.run().texts[-1] == ANSWER


@pytest.mark.parametrize("prompt", ["endless silence", "slow"])
@pytest.mark.parametrize("politely", [True, False])
def test_a_client_that_leaves_frees_its_place(
    server: RunningServer, prompt: str, politely: bool
) -> None:
    with websocket(server) as client:
        client.send(run_task(prompt))
        assert client.receive()["header"]["event"] == "task-started"
        assert eventually(lambda: server.running() == 1)
        if not politely:
            client.connection.socket.shutdown(socket.SHUT_RDWR)
    assert eventually(lambda: server.running() == 0)


def test_tasks_of_many_websockets_run_side_by_side(server: RunningServer) -> None:
    with websocket(server) as silent, websocket(server) as other:
        silent.send(run_task("endless silence"))
        assert eventually(lambda: server.running() == 1)
        assert other.run().texts[-1] == ANSWER


def test_an_idle_websocket_is_closed() -> None:
    settings = ServerSettings(websocket_idle_seconds=0.1)
    with serving(settings=settings) as own, websocket(own) as client:
        # A task takes longer than that, and is not cut short.
        assert client.run("short silence").texts[-1] == "好"
        with pytest.raises(Exception, match="1000"):
            client.receive()


def test_a_key_is_asked_for_each_task(keys: KeyStore) -> None:
    with serving(keys=keys) as own, websocket(own) as client:
        assert client.run().texts[-1] == ANSWER
        keys.revoke(str(own.key)[-4:])
        assert client.run().error == "InvalidApiKey"


def test_too_much_at_once_is_refused(server: RunningServer) -> None:
    with (
        serving(settings=ServerSettings(max_running=1, max_waiting=0)) as own,
        websocket(own) as first,
        websocket(own) as second,
    ):
        first.send(run_task("endless silence"))
        assert first.receive()["header"]["event"] == "task-started"
        assert second.run().error == "Throttling"
        first.connection.close()
        assert eventually(lambda: second.run().error is None)


def test_both_forms_of_the_path_and_no_compression(server: RunningServer) -> None:
    for path in (PATH, f"{PATH}/"):
        with websocket(server, path, compression="deflate") as client:
            assert client.connection.response
            assert "Sec-WebSocket-Extensions" not in client.connection.response.headers
            assert client.run().texts[-1] == ANSWER


def test_choices_and_their_tokens(server: RunningServer) -> None:
    asked = {"result_format": "message", "n": 2, "logprobs": True, "top_logprobs": 1}
    with websocket(server) as client:
        ((first, second),) = (
            result["output"]["choices"] for result in client.run(streaming="none", **asked).results
        )
        chunks = client.run(incremental_output=True, **asked).results
    assert (first["index"], second["index"]) == (0, 1)
    tokens = first["logprobs"]["content"]
    assert b"".join(bytes(token["bytes"]) for token in tokens).decode() == ANSWER
    for index in (0, 1):
        pieces = [
            choice["message"]["content"]
            for chunk in chunks
            for choice in chunk["output"]["choices"]
            if choice["index"] == index
        ]
        assert "".join(pieces) == ANSWER
