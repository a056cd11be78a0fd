"""Several choices, log-probabilities and JSON replies on the DashScope wire, plain and streamed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.server.support import STREAM, RunningServer, ask, eventually

SEVERAL = {"n": 3, "seed": 5, "temperature": 1.0, "result_format": "message"}
LIKELY = {"logprobs": True, "top_logprobs": 2, "result_format": "message"}
MODES = [({}, False), ({"incremental_output": True}, True)]


def choices_of(events: list[Any], index: int) -> list[Any]:
    all_choices = [choice for event in events for choice in event["output"]["choices"]]
    return [choice for choice in all_choices if choice["index"] == index]


def bytes_of(choice: Any) -> bytes:
    return b"".join(bytes(token["bytes"]) for token in choice["logprobs"]["content"])


def test_choices_have_an_index_and_usage_counts_them_all(server: RunningServer) -> None:
    answer = server.ask(ask("你好", **SEVERAL)).json
    choices = answer["output"]["choices"]
    assert [list(choice) for choice in choices] == [["finish_reason", "message", "index"]] * 3
    assert [choice["index"] for choice in choices] == [0, 1, 2]
    assert len({choice["message"]["content"] for choice in choices}) > 1
    alone = [
        server.ask(ask("你好", **{**SEVERAL, "n": 1, "seed": 5 + index})).json for index in range(3)
    ]
    assert [one["output"]["choices"][0]["message"] for one in alone] == [
        choice["message"] for choice in choices
    ]
    assert not any("index" in one["output"]["choices"][0] for one in alone)
    counts = [one["usage"]["output_tokens"] for one in alone]
    assert answer["usage"]["output_tokens"] == sum(counts)
    assert answer["usage"]["input_tokens"] == alone[0]["usage"]["input_tokens"]


@pytest.mark.parametrize(("mode", "incremental"), MODES)
def test_streamed_choices_are_the_plain_ones(
    server: RunningServer, mode: dict[str, Any], incremental: bool
) -> None:
    plain = server.ask(ask("你好", **SEVERAL)).json["output"]["choices"]
    events = server.ask(ask("你好", **SEVERAL, **mode), STREAM).events
    assert all(len(event["output"]["choices"]) == 1 for event in events)
    assert len({event["request_id"] for event in events}) == 1
    for expected in plain:
        own = choices_of(events, expected["index"])
        contents = [choice["message"]["content"] for choice in own]
        said = "".join(contents) if incremental else contents[-1]
        assert said == expected["message"]["content"]
        assert [choice["finish_reason"] for choice in own] == ["null"] * (len(own) - 1) + ["stop"]
        counts = [
            event["usage"]["output_tokens"]
            for event in events
            if event["output"]["choices"][0]["index"] == expected["index"]
        ]
        assert counts == sorted(counts)


def test_text_form_has_one_text(server: RunningServer) -> None:
    one = {"seed": 5, "temperature": 1.0}
    several = server.ask(ask("你好", **one, n=4)).json
    single = server.ask(ask("你好", **one)).json
    assert (several["output"], several["usage"]) == (single["output"], single["usage"])


def test_the_bytes_of_tokens_are_the_text(server: RunningServer) -> None:
    answer = server.ask(ask("odd characters", **LIKELY)).json
    (choice,) = answer["output"]["choices"]
    assert list(choice) == ["finish_reason", "message", "logprobs"]
    assert bytes_of(choice).decode() == choice["message"]["content"]
    for token in choice["logprobs"]["content"]:
        assert list(token) == ["token", "bytes", "logprob", "top_logprobs"]
        assert token["logprob"] < 0
        assert [list(each) for each in token["top_logprobs"]] == [["token", "bytes", "logprob"]] * 2


def test_tokens_of_a_stop_are_left_out(server: RunningServer) -> None:
    (choice,) = server.ask(ask("abc STOP def", **LIKELY, stop="STOP")).json["output"]["choices"]
    assert choice["message"]["content"] == "\n You said: abc "
    assert bytes_of(choice).decode() == "\n You said: abc "


@pytest.mark.parametrize(("mode", "incremental"), MODES)
def test_streamed_tokens_are_the_plain_ones(
    server: RunningServer, mode: dict[str, Any], incremental: bool
) -> None:
    asked = {**LIKELY, **SEVERAL, "n": 2}
    plain = server.ask(ask("odd characters", **asked)).json["output"]["choices"]
    events = server.ask(ask("odd characters", **asked, **mode), STREAM).events
    for expected in plain:
        own = choices_of(events, expected["index"])
        for choice in own:
            assert bytes_of(choice).decode() == choice["message"]["content"]
        contents = [choice["logprobs"]["content"] for choice in own]
        said = [token for part in contents for token in part] if incremental else contents[-1]
        assert said == expected["logprobs"]["content"]


def test_a_json_object(server: RunningServer) -> None:
    asked = {"response_format": {"type": "json_object"}}
    answer = server.ask(ask("你好", **asked)).json["output"]
    assert json.loads(answer["text"]) == {"answer": "你好"}
    assert answer["finish_reason"] == "stop"


def test_a_json_schema(server: RunningServer) -> None:
    schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    asked = {"type": "json_schema", "json_schema": {"name": "city", "schema": schema}}
    answer = server.ask(ask("杭州", response_format=asked)).json["output"]
    assert json.loads(answer["text"]) == {"city": "杭州"}


@pytest.mark.parametrize("headers", [{}, STREAM])
@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        (
            {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "x", "schema": {"type": "string", "pattern": "(a+)+"}},
                }
            },
            "pattern of it is not supported",
        ),
        ({"response_format": {"type": "json_object"}, "stop": "}"}, "stop cannot be combined"),
        ({"response_format": {"type": "json_schema"}}, "response_format should be"),
    ],
)
def test_what_cannot_be_followed_is_refused_before_the_stream(
    server: RunningServer, headers: dict[str, str], parameters: dict[str, Any], words: str
) -> None:
    answer = server.ask(ask("x", **parameters), headers)
    assert answer.error == (400, "InvalidParameter")
    assert words in answer.json["message"]


def test_a_client_that_leaves_stops_every_choice(server: RunningServer) -> None:
    with server.connect() as connection:
        connection.send(ask("slow", n=4, result_format="message"), STREAM)
        connection.head()
        next(connection.chunks())
        assert server.running() == 4
    assert eventually(lambda: server.running() == 0)
