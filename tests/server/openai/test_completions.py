"""Completions: texts without roles."""

from __future__ import annotations

import json

import pytest

from tests.server.openai.support import COMPLETIONS, MODEL, chunks, completion
from tests.server.openai.test_errors import error_of
from tests.server.support import RunningServer

ANSWER = " \n You said: hello"
"""What the script says, and the space with which encoding begins every text."""


def test_plain(server: RunningServer) -> None:
    answer = server.ask(completion(), path=COMPLETIONS)
    created, usage = answer.json["created"], answer.json["usage"]
    fingerprint = answer.json["system_fingerprint"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    assert json.dumps(answer.json, ensure_ascii=False) == json.dumps(
        {
            "id": f"cmpl-{answer.headers['x-request-id']}",
            "object": "text_completion",
            "created": created,
            "model": MODEL,
            "system_fingerprint": fingerprint,
            "choices": [{"index": 0, "text": ANSWER, "logprobs": None, "finish_reason": "stop"}],
            "usage": usage,
        }
    )


def test_stream(server: RunningServer) -> None:
    plain = server.ask(completion(), path=COMPLETIONS).json
    body = completion(stream=True, stream_options={"include_usage": True})
    *pieces, end, usage = chunks(server.ask(body, path=COMPLETIONS))
    assert all(each["object"] == "text_completion" for each in (*pieces, end, usage))
    assert "".join(each["choices"][0]["text"] for each in pieces) == ANSWER
    assert len(pieces) > 3
    assert end["choices"] == [{"index": 0, "text": "", "logprobs": None, "finish_reason": "stop"}]
    assert (usage["choices"], usage["usage"]) == ([], plain["usage"])


def test_sixteen_tokens_unless_told_otherwise(server: RunningServer) -> None:
    body = completion("count " * 20)
    del body["max_tokens"]
    answer = server.ask(body, path=COMPLETIONS).json
    assert answer["usage"]["completion_tokens"] == 16
    assert answer["choices"][0]["finish_reason"] == "length"


def test_several_prompts_are_answered_in_their_order(server: RunningServer) -> None:
    prompts = ["one", "two two", "three"]
    alone = [server.ask(completion(each), path=COMPLETIONS).json for each in prompts]
    answer = server.ask(completion(prompts), path=COMPLETIONS).json
    assert [each["index"] for each in answer["choices"]] == [0, 1, 2]
    assert [each["text"] for each in answer["choices"]] == [
        each["choices"][0]["text"] for each in alone
    ]
    for name in ("prompt_tokens", "completion_tokens"):
        assert answer["usage"][name] == sum(each["usage"][name] for each in alone)
    streamed = ["", "", ""]
    for chunk in chunks(server.ask(completion(prompts, stream=True), path=COMPLETIONS)):
        (choice,) = chunk["choices"]
        streamed[choice["index"]] += choice["text"]
    assert streamed == [each["text"] for each in answer["choices"]]


def test_ids_say_what_the_text_says(server: RunningServer) -> None:
    tokenizer = server.service.models[MODEL].tokenizer
    ids = tokenizer.encode("hello")
    for prompt in (ids, [ids], ["hello"], tokenizer.encode_with_prefix("hello")):
        answer = server.ask(completion(prompt, echo=True), path=COMPLETIONS).json
        assert answer["choices"][0]["text"] == f"hello{ANSWER}"
        assert answer["usage"]["prompt_tokens"] == len(ids)


@pytest.mark.parametrize("stream", [False, True])
def test_an_echo_alone(server: RunningServer, stream: bool) -> None:
    body = completion(["one", "two"], echo=True, max_tokens=0, stream=stream)
    answer = server.ask(body, path=COMPLETIONS)
    if stream:
        choices = [chunk["choices"][0] for chunk in chunks(answer)]
        assert [each["text"] for each in choices] == ["one", "", "two", ""]
        assert [each["finish_reason"] for each in choices] == [None, "length"] * 2
    else:
        assert [each["text"] for each in answer.json["choices"]] == ["one", "two"]
        assert {each["finish_reason"] for each in answer.json["choices"]} == {"length"}
        assert answer.json["usage"]["completion_tokens"] == 0


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"prompt": None}, None),
        ({"prompt": []}, "prompt"),
        ({"prompt": {}}, "prompt"),
        ({"prompt": ["a", 1]}, "prompt"),
        ({"prompt": [1.0]}, "prompt"),
        ({"prompt": [True]}, "prompt"),
        ({"prompt": [10**9]}, "prompt"),
        ({"prompt": "\ud800"}, "prompt"),
        ({"prompt": ["a"] * 129}, "prompt"),
        ({"prompt": ""}, None),
        ({"prompt": "word " * 7000}, None),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": 1501}, "max_tokens"),
        ({"logprobs": 6}, "logprobs"),
        ({"logprobs": True}, "logprobs"),
        ({"echo": 1}, "echo"),
        ({"suffix": "x"}, "suffix"),
        ({"best_of": 2}, "best_of"),
        ({"frequency_penalty": 1}, "frequency_penalty"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_wrong_parameter_is_named(
    server: RunningServer, change: dict[str, object], param: str | None
) -> None:
    answer = server.ask(completion() | change, path=COMPLETIONS)
    assert error_of(answer) == (400, "invalid_parameter_error", param)


@pytest.mark.parametrize("stream", [False, True])
def test_a_failure_in_a_later_prompt(server: RunningServer, stream: bool) -> None:
    body = completion(["fine", "fail at once"], stream=stream)
    answer = server.ask(body, path=COMPLETIONS)
    if stream:
        assert '"code":"internal_error"' in answer.body.decode().split("\n\n")[-2]
    else:
        assert error_of(answer) == (500, "internal_error", None)
