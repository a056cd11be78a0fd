"""Streams, byte for byte."""

from __future__ import annotations

import itertools
import re
import time

import pytest

from glmscope.server.settings import ServerSettings
from tests.server.support import STREAM, RunningServer, ask, eventually, serving

LONG = "the answer to this is a sentence with, well, a few words; 还有一些汉字和 😀。"


def test_the_bytes_of_a_whole_stream(server: RunningServer) -> None:
    answer = server.ask(ask("x"), STREAM)
    request_id = answer.headers["x-request-id"]
    counts = [event["usage"]["output_tokens"] for event in answer.events]
    texts = [event["output"]["text"] for event in answer.events]
    said = "\\n You said: x"
    expected = ""
    for number, (count, text) in enumerate(zip(counts, texts, strict=True), start=1):
        reason = "stop" if number == len(counts) else "null"
        written = text.replace("\n", "\\n")
        assert said.startswith(written)
        expected += (
            f"id:{number}\nevent:result\n:HTTP_STATUS/200\n"
            f'data:{{"output":{{"text":"{written}","finish_reason":"{reason}"}},'
            f'"usage":{{"input_tokens":{answer.events[0]["usage"]["input_tokens"]},'
            f'"output_tokens":{count}}},"request_id":"{request_id}"}}\n\n'
        )
    assert texts[-1] == "\n You said: x"
    assert len(counts) > 3
    assert answer.body.decode() == expected


def test_the_bytes_of_one_message_event(server: RunningServer) -> None:
    answer = server.ask(ask("x", result_format="message"), STREAM)
    first = answer.body.split(b"\n\n")[0].decode()
    usage = answer.events[0]["usage"]
    content = answer.events[0]["output"]["choices"][0]["message"]["content"].replace("\n", "\\n")
    assert first == (
        "id:1\nevent:result\n:HTTP_STATUS/200\n"
        'data:{"output":{"choices":[{"finish_reason":"null","message":'
        f'{{"role":"assistant","content":"{content}","content_type":"text"}}}}]}},'
        f'"usage":{{"input_tokens":{usage["input_tokens"]},"output_tokens":{usage["output_tokens"]}}},'
        f'"request_id":"{answer.headers["x-request-id"]}"}}'
    )


def test_headers_of_a_stream(server: RunningServer) -> None:
    answer = server.ask(ask(), {**STREAM, "Accept-Encoding": "gzip, deflate"})
    assert answer.headers["content-type"].split(";")[0] == "text/event-stream"
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["x-accel-buffering"] == "no"
    assert answer.headers["transfer-encoding"] == "chunked"
    assert "content-encoding" not in answer.headers
    assert "content-length" not in answer.headers


@pytest.mark.parametrize(
    ("headers", "streams"),
    [
        ({"x-dashscope-sse": "ENABLE", "Accept": "*/*"}, True),
        ({"Accept": "text/event-stream"}, True),
        ({"Accept": "Text/Event-Stream; q=1, */*"}, True),
        ({"X-DashScope-SSE": "disable"}, False),
        ({}, False),
    ],
)
def test_headers_alone_decide(
    server: RunningServer, headers: dict[str, str], streams: bool
) -> None:
    for parameter in (True, False, "nonsense"):
        answer = server.ask(ask(stream=parameter), headers)
        assert answer.headers["content-type"].startswith("text/event-stream") is streams


@pytest.mark.parametrize("form", ["text", "message"])
def test_all_three_ways_say_the_same(server: RunningServer, form: str) -> None:
    def text_of(output: dict[str, object]) -> str:
        if form == "text":
            return str(output["text"])
        (choice,) = output["choices"]
        message = choice["message"]
        assert message["role"] == "assistant"
        assert message["content_type"] == "text"
        return str(message["content"])

    body = ask(LONG, result_format=form)
    plain = text_of(server.ask(body).json["output"])
    whole = [text_of(event["output"]) for event in server.ask(body, STREAM).events]
    body = ask(LONG, result_format=form, incremental_output=True)
    pieces = [text_of(event["output"]) for event in server.ask(body, STREAM).events]

    assert plain.endswith(LONG)
    assert whole[-1] == whole[-2] == plain
    assert all(later.startswith(earlier) for earlier, later in itertools.pairwise(whole))
    assert "".join(pieces) == plain
    assert pieces[-1] == ""
    assert all(pieces[:-1])
    assert "\ufffd" not in plain


def test_usage_reason_and_id_of_every_event(server: RunningServer) -> None:
    answer = server.ask(ask(LONG, incremental_output=True), STREAM)
    reasons = [event["output"]["finish_reason"] for event in answer.events]
    counts = [event["usage"]["output_tokens"] for event in answer.events]
    plain = server.ask(ask(LONG)).json
    assert set(reasons[:-1]) == {"null"}
    assert reasons[-1] == "stop"
    assert counts == sorted(counts)
    assert counts[-1] == plain["usage"]["output_tokens"]
    assert {event["usage"]["input_tokens"] for event in answer.events} == {
        plain["usage"]["input_tokens"]
    }
    assert {event["request_id"] for event in answer.events} == {answer.headers["x-request-id"]}
    ids = re.findall(r"^id:(\d+)$", answer.body.decode(), re.M)
    assert ids == [str(number + 1) for number in range(len(ids))]


def test_one_data_line_an_event_whatever_the_text_holds(server: RunningServer) -> None:
    answer = server.ask(ask("odd characters"), STREAM)
    lines = answer.body.split(b"\n")
    assert b"\r" not in answer.body
    assert [line[:1] for line in lines if line] == [b"i", b"e", b":", b"d"] * len(answer.events)
    assert answer.events[-1]["output"]["text"] == 'a"b\\c\n\r\t\u2028\u0085\u001f\u007f😀é'


def test_an_empty_answer_is_one_final_event(server: RunningServer) -> None:
    (event,) = server.ask(ask("say nothing"), STREAM).events
    assert event["output"] == {"text": "", "finish_reason": "stop"}
    assert event["usage"]["output_tokens"] == 0


def test_nothing_follows_the_last_event_and_the_connection_goes_on(server: RunningServer) -> None:
    with server.connect() as connection:
        for _ in range(3):
            answer = connection.ask(ask("x"), STREAM)
            assert b"[DONE]" not in answer.body
            assert answer.events[-1]["output"]["finish_reason"] == "stop"


def test_an_event_is_one_chunk_and_the_first_leaves_early(server: RunningServer) -> None:
    with server.connect() as connection:
        connection.send(ask("slow", max_tokens=20), STREAM)
        connection.head()
        arrivals = []
        for chunk in connection.chunks():
            arrivals.append(time.monotonic())
            assert chunk.startswith(b"id:%d\n" % len(arrivals))
            assert chunk.endswith(b"\n\n")
            assert chunk.count(b"\n\n") == 1
    # Twenty tokens, 20 ms each: a batched stream would arrive all at once.
    assert arrivals[-1] - arrivals[0] > 0.2


@pytest.mark.parametrize("incremental", [True, False])
def test_a_failure_before_the_stream_has_its_own_status(
    server: RunningServer, incremental: bool
) -> None:
    answer = server.ask(ask("fail at once", incremental_output=incremental), STREAM)
    assert answer.error == (500, "InternalError.Algo")
    assert answer.headers["content-type"] == "application/json"
    assert server.ask(ask(top_p=2), STREAM).error == (400, "InvalidParameter")


def test_a_failure_inside_the_stream_is_its_last_event(server: RunningServer) -> None:
    with server.connect() as connection:
        answer = connection.ask(ask("fail later"), STREAM)
        *results, failure, rest = answer.body.decode().split("\n\n")
        assert connection.ask(ask()).status == 200
    error = answer.events[-1]
    assert rest == ""
    assert len(results) > 1
    assert '"finish_reason":"stop"' not in answer.body.decode()
    assert failure == (
        f"id:{len(results) + 1}\nevent:error\n:HTTP_STATUS/500\nstatus:500\n"
        f'data:{{"code":"InternalError.Algo","message":"{error["message"]}",'
        f'"request_id":"{answer.headers["x-request-id"]}"}}'
    )


def test_a_plain_failure(server: RunningServer) -> None:
    answer = server.ask(ask("fail later"))
    assert answer.error == (500, "InternalError.Algo")
    assert list(answer.json) == ["code", "message", "request_id"]
    assert answer.json["request_id"] == answer.headers["x-request-id"]


def test_a_comment_breaks_the_silence() -> None:
    with serving(settings=ServerSettings(keep_alive_seconds=0.1)) as server:
        answer = server.ask(ask("short silence"), STREAM)
        comments = [chunk for chunk in answer.chunks if chunk == b":keep-alive\n\n"]
        assert answer.chunks[0] == b":keep-alive\n\n"
        assert len(comments) >= 2
        assert answer.events[-1]["output"]["text"] == "好"
        assert answer.chunks[len(comments)].startswith(b"id:1\n")


def test_a_failure_after_a_comment_is_told_inside() -> None:
    settings = ServerSettings(max_running=1, keep_alive_seconds=0.1)
    with serving(settings=settings) as server, server.connect() as first:
        first.send(ask("short silence"))
        assert eventually(lambda: server.running() == 1)
        answer = server.ask(ask("fail at once"), STREAM)
        assert answer.status == 200
        assert answer.chunks[0] == b":keep-alive\n\n"
        assert answer.chunks[-1].startswith(b"id:1\nevent:error\n")
        assert first.answer().status == 200
