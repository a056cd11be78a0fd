"""A reply that the loop brake ended, as each wire, the metrics and the trace tell of it."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from glmscope.chat.loop import PROSE_LENGTH
from glmscope.chat.service import ChatService
from glmscope.server.settings import ServerSettings
from tests.server.openai.support import CHAT, COMPLETIONS, chat, completion
from tests.server.support import (
    STREAM,
    WAIT,
    Answer,
    RunningServer,
    ask,
    eventually,
    service_with,
    serving,
)
from tests.server.test_metrics import shown, sums
from tests.server.test_traces import trace_of
from tests.server.websocket_client import run_task, websocket

ROUND = "我是一个人工智能助手。"
RULES = {
    "rules": [
        {"match": "loop", "reply": ROUND, "repeat": 200},
        # Greedy takes the first wording; another try draws.
        {"match": "again", "reply": [[ROUND * 200, *["二三"] * 9]]},
        {"reply": "好"},
    ]
}
NOTE = "x-glmscope-finish: loop"


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    with serving(service_with(RULES), settings=ServerSettings(drain_seconds=0)) as running:
        yield running


def test_a_plain_answer_holds_one_round_and_its_header_says_so(server: RunningServer) -> None:
    answer = server.ask(ask("loop"))
    assert answer.headers["x-glmscope-finish"] == "loop"
    assert answer.json["output"] == {"text": ROUND, "finish_reason": "length"}
    assert answer.json["usage"]["output_tokens"] < 20
    assert "x-glmscope-finish" not in server.ask(ask()).headers


def test_a_stream_says_so_in_a_comment_and_its_count_never_falls(server: RunningServer) -> None:
    answer = server.ask(ask("loop", incremental_output=True), STREAM)
    counts = [event["usage"]["output_tokens"] for event in answer.events]
    assert counts == sorted(counts)
    assert counts[-1] >= PROSE_LENGTH - 1
    assert answer.events[-1]["output"] == {"text": "", "finish_reason": "length"}
    *others, last = answer.body.decode().removesuffix("\n\n").split("\n\n")
    assert last.split("\n")[2:4] == [":HTTP_STATUS/200", f":{NOTE}"]
    assert not any("glmscope" in other for other in others)


@pytest.mark.parametrize(("path", "body"), [(CHAT, chat), (COMPLETIONS, completion)])
def test_openai_plain(server: RunningServer, path: str, body) -> None:
    answer = server.ask(body("loop", max_tokens=1000), path=path)
    (choice,) = answer.json["choices"]
    assert answer.headers["x-glmscope-finish"] == "loop"
    assert choice["finish_reason"] == "length"
    assert (choice.get("text") or choice["message"]["content"]).strip() == ROUND
    assert answer.json["usage"]["completion_tokens"] < 20


def test_openai_stream(server: RunningServer) -> None:
    body = chat("loop", stream=True, stream_options={"include_usage": True})
    answer = server.ask(body, path=CHAT)
    *_, reason, usage, note, done, rest = answer.body.decode().split("\n\n")
    assert (note, done, rest) == (f": {NOTE}", "data: [DONE]", "")
    assert json.loads(reason[6:])["choices"][0]["finish_reason"] == "length"
    assert json.loads(usage[6:])["usage"]["completion_tokens"] < 20


@pytest.mark.parametrize("streaming", ["none", "out"])
def test_a_websocket_says_so_when_the_task_finishes(server: RunningServer, streaming: str) -> None:
    with websocket(server) as client:
        client.send(run_task("loop", streaming))
        frames = [json.loads(client.connection.recv(timeout=WAIT))]
        while frames[-1]["header"]["event"] != "task-finished":
            frames.append(json.loads(client.connection.recv(timeout=WAIT)))
    attributes = [frame["header"]["attributes"] for frame in frames]
    assert attributes == [*[{}] * (len(frames) - 1), {"x-glmscope-finish": "loop"}]
    assert frames[-1]["payload"] == {}
    text = frames[-2]["payload"]["output"]["text"]
    assert (text == ROUND) is (streaming == "none")
    assert text.startswith(ROUND)


def test_metrics_count_loops_and_their_first_rounds() -> None:
    with serving(service_with(RULES), settings=ServerSettings(drain_seconds=0)) as server:
        plain = server.ask(ask("loop"))
        server.ask(ask("loop"), STREAM)
        server.ask(ask())
        assert eventually(lambda: sums(shown(server), "requests_total") >= 3)
        values = shown(server)
    model = "chatglm3-6b"
    assert values["loops_total", model] == 2
    counted = plain.json["usage"]["output_tokens"]
    assert values["output_tokens_total", model] < 3 * counted
    # Times between tokens are of all that were generated.
    assert values["token_seconds_count", model] > PROSE_LENGTH


def retried(answer: Answer) -> bool:
    return bool(answer.json["output"]["text"] == "二三")


def test_an_answer_is_tried_again_where_the_operator_wants_that() -> None:
    service = ChatService(service_with(RULES).models.values(), loop_retries=3)
    with serving(service, settings=ServerSettings(drain_seconds=0)) as server:
        answers = [server.ask(ask("again", seed=seed)) for seed in range(3)]
        assert any(map(retried, answers))
        assert all(retried(each) or "x-glmscope-finish" in each.headers for each in answers)
        answer = next(filter(retried, answers))
        trace = trace_of(server, answer.headers["x-request-id"]).json
        stream = server.ask(ask("again"), STREAM)
    assert answer.json["output"]["finish_reason"] == "stop"
    assert "x-glmscope-finish" not in answer.headers
    assert NOTE in stream.body.decode()
    (choice,) = trace["replies"][0]["choices"]
    assert choice["end"]["kind"] == "token"
    assert len(choice["discarded"]) >= 1
    assert min(choice["discarded"]) >= PROSE_LENGTH
    assert choice["count"] == trace["usage"]["output_tokens"]
