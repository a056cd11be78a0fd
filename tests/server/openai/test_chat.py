"""Chat completions, byte for byte."""

from __future__ import annotations

import json
import time

import pytest

from glmscope import __version__
from tests.server.openai.support import CHAT, MODEL, chat, chunks
from tests.server.support import RunningServer, ask

FINGERPRINT = f"glmscope-{__version__}-scripted"


def test_plain(server: RunningServer) -> None:
    begun = int(time.time())
    answer = server.ask(chat("你好"), path=CHAT)
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    created, usage = answer.json["created"], answer.json["usage"]
    assert begun <= created <= time.time()
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    assert answer.body.decode() == (
        f'{{"id":"chatcmpl-{answer.headers["x-request-id"]}","object":"chat.completion",'
        f'"created":{created},"model":"{MODEL}","system_fingerprint":"{FINGERPRINT}",'
        '"choices":[{"index":0,"message":{"role":"assistant","content":"You said: 你好",'
        '"refusal":null},"logprobs":null,"finish_reason":"stop"}],'
        f'"usage":{json.dumps(usage, separators=(",", ":"))}}}'
    )


def test_stream(server: RunningServer) -> None:
    plain = server.ask(chat("你好"), path=CHAT)
    answer = server.ask(chat("你好", stream=True), path=CHAT)
    assert answer.headers["content-type"] == "text/event-stream"
    events = chunks(answer)
    head = {
        "id": f"chatcmpl-{answer.headers['x-request-id']}",
        "object": "chat.completion.chunk",
        "created": events[0]["created"],
        "model": MODEL,
        "system_fingerprint": FINGERPRINT,
    }
    assert all(head.items() <= event.items() and "usage" not in event for event in events)
    choices = [event["choices"][0] for event in events]
    assert {len(event["choices"]) for event in events} == {1}
    assert choices[0]["delta"] == {"role": "assistant", "content": ""}
    assert choices[-1]["delta"] == {}
    assert [each["finish_reason"] for each in choices] == [None] * (len(choices) - 1) + ["stop"]
    pieces = [each["delta"]["content"] for each in choices[1:-1]]
    assert all(pieces)
    assert "".join(pieces) == plain.json["choices"][0]["message"]["content"]
    assert len(pieces) > 3


def test_usage_of_a_stream_is_its_last_chunk(server: RunningServer) -> None:
    plain = server.ask(chat("你好"), path=CHAT)
    body = chat("你好", stream=True, stream_options={"include_usage": True})
    *others, last = chunks(server.ask(body, path=CHAT))
    assert last["choices"] == []
    assert last["usage"] == plain.json["usage"]
    assert all(each["choices"] and each["usage"] is None for each in others)


def test_both_prefixes_and_all_slashes(server: RunningServer) -> None:
    for path in ("/v1/chat/completions", f"{CHAT}/", f"/{CHAT}", CHAT.replace("/chat", "//chat")):
        assert server.ask(chat(), path=path).json["object"] == "chat.completion"


def test_the_text_is_that_of_the_native_wire_without_its_opening(server: RunningServer) -> None:
    seeded = {"temperature": 1.9, "top_p": 1, "seed": 7}
    native = server.ask(ask("x", **seeded)).json
    answer = server.ask(chat("x", **seeded), path=CHAT).json
    assert answer["choices"][0]["message"]["content"] == native["output"]["text"].lstrip()
    assert answer["usage"]["prompt_tokens"] == native["usage"]["input_tokens"]
    assert answer["usage"]["completion_tokens"] == native["usage"]["output_tokens"]


@pytest.mark.parametrize(
    "limit", [{"max_tokens": 5}, {"max_tokens": 9, "max_completion_tokens": 5}]
)
def test_the_limit_ends_a_reply_with_length(
    server: RunningServer, limit: dict[str, object]
) -> None:
    answer = server.ask(chat("count", **limit), path=CHAT).json
    assert answer["choices"][0]["finish_reason"] == "length"
    assert answer["usage"]["completion_tokens"] == 5


def test_stops_are_no_part_of_the_reply(server: RunningServer) -> None:
    for stop in (":", ["no", ":"]):
        choice = server.ask(chat("x", stop=stop), path=CHAT).json["choices"][0]
        assert choice["message"]["content"] == "You said"
        assert choice["finish_reason"] == "stop"


def test_roles_and_parts(server: RunningServer) -> None:
    def prompt_tokens(*messages: tuple[str, object]) -> int:
        body = chat() | {"messages": [{"role": role, "content": each} for role, each in messages]}
        return int(server.ask(body, path=CHAT).json["usage"]["prompt_tokens"])

    said = [("user", "one"), ("assistant", "two"), ("user", "three")]
    expected = prompt_tokens(("system", "be brief"), *said)
    parts = [{"type": "text", "text": "be "}, {"type": "text", "text": "brief"}]
    assert prompt_tokens(("developer", parts), *said) == expected
    assert prompt_tokens(*said) < expected


def test_a_reply_of_nothing_is_empty(server: RunningServer) -> None:
    answer = server.ask(chat("say nothing"), path=CHAT).json
    assert answer["choices"][0]["message"]["content"] == ""
    events = chunks(server.ask(chat("say nothing", stream=True), path=CHAT))
    assert [each["choices"][0]["delta"] for each in events] == [
        {"role": "assistant", "content": ""},
        {},
    ]


def test_what_changes_nothing_is_ignored(server: RunningServer) -> None:
    ignored = {
        "user": "u",
        "metadata": {"a": "b"},
        "store": False,
        "service_tier": "auto",
        "frequency_penalty": 0,
        "logit_bias": {},
        "tools": [],
        "tool_choice": "none",
        "parallel_tool_calls": True,
        "enable_search": False,
        "response_format": {"type": "text"},
        "modalities": ["text"],
        "unknown": object.__name__,
    }
    plain = server.ask(chat("x"), path=CHAT).json["choices"]
    assert server.ask(chat("x", **ignored), path=CHAT).json["choices"] == plain
