"""`POST /api/v1/tokenizer` and what it promises about generation."""

from __future__ import annotations

from typing import Any

import pytest

from glmscope.chat.tokenization import MOST_TOKENS
from tests.server.support import RunningServer

TOKENIZER = "/api/v1/tokenizer"
TURNS = [
    {"role": "system", "content": "You are a helpful assistant."},
    {"role": "user", "content": "介绍下杭州 😀"},
    {"role": "assistant", "content": "\n  杭州"},
    {"role": "user", "content": "and then?\n"},
]
INPUTS: list[dict[str, Any]] = [
    {"prompt": "hello"},
    {"prompt": "介绍下杭州 😀"},
    {"prompt": "<|user|>\n[gMASK]sop</s>"},
    {"messages": TURNS},
    {"messages": [{"role": "user", "content": [{"text": "two "}, {"text": "parts"}]}]},
    {"prompt": "and then?", "history": [{"user": "one", "bot": "two"}]},
    {"prompt": "and then?", "history": [["one", "two"], ["three", ""]]},
    {"prompt": "ignored", "messages": [{"role": "user", "content": "counted"}]},
]


def tokenize(server: RunningServer, given: object, model: str = "chatglm3-6b") -> Any:
    answer = server.ask({"model": model, "input": given, "parameters": {}}, path=TOKENIZER)
    assert answer.status == 200
    assert answer.json["request_id"] == answer.headers["x-request-id"]
    return answer.json


@pytest.mark.parametrize("model", ["chatglm3-6b", "chatglm-6b-v2"])
@pytest.mark.parametrize("given", INPUTS, ids=str)
def test_it_counts_as_generation_does(
    server: RunningServer, model: str, given: dict[str, Any]
) -> None:
    told = tokenize(server, given, model)
    reply = server.ask({"model": model, "input": given, "parameters": {"max_tokens": 1}})
    assert told["usage"] == {"input_tokens": reply.json["usage"]["input_tokens"]}
    assert len(told["output"]["token_ids"]) == told["usage"]["input_tokens"]
    assert len(told["output"]["tokens"]) == told["usage"]["input_tokens"]


def test_ids_are_the_contents_alone(server: RunningServer) -> None:
    tokenizer = server.service.models["chatglm3-6b"].tokenizer
    told = tokenize(server, {"messages": TURNS})["output"]["token_ids"]
    assert told == [token for turn in TURNS for token in tokenizer.encode(turn["content"])]


def test_tokens_are_text_or_bytes_by_name(server: RunningServer) -> None:
    output = tokenize(server, {"prompt": "hé 😀\n"})["output"]
    assert output["tokens"][0].startswith(" ")
    assert "".join(output["tokens"][1:]).endswith("<0xF0><0x9F><0x98><0x80>\n")


def test_a_conversation_may_end_anyhow(server: RunningServer) -> None:
    for given in ({"messages": TURNS[:3]}, {"history": [["one", "two"]]}):
        assert tokenize(server, given)["usage"]["input_tokens"] > 1


def test_a_text_too_long_for_the_model_is_counted_whole(server: RunningServer) -> None:
    assert tokenize(server, {"prompt": "1" * 20_000})["usage"]["input_tokens"] > 20_000
    refused = server.ask(
        {"model": "chatglm3-6b", "input": {"prompt": "1" * (MOST_TOKENS + 1)}}, path=TOKENIZER
    )
    assert refused.error == (400, "InvalidParameter")
    assert str(MOST_TOKENS) in refused.json["message"]


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"", (400, "BadRequest.IllegalInput")),
        ({"input": {"prompt": "x"}}, (400, "BadRequest.EmptyModel")),
        ({"model": "chatglm9", "input": {"prompt": "x"}}, (404, "ModelNotFound")),
        ({"model": "chatglm3-6b"}, (400, "BadRequest.EmptyInput")),
        ({"model": "chatglm3-6b", "input": "x"}, (400, "InvalidParameter")),
        ({"model": "chatglm3-6b", "input": {}}, (400, "InvalidParameter")),
        ({"model": "chatglm3-6b", "input": {"prompt": ""}}, (400, "InvalidParameter")),
        ({"model": "chatglm3-6b", "input": {"prompt": 7}}, (400, "InvalidParameter")),
        (
            {"model": "chatglm3-6b", "input": {"messages": [{"role": "x"}]}},
            (400, "InvalidParameter"),
        ),
        ({"model": "chatglm3-6b", "input": {"history": [["x"]]}}, (400, "InvalidParameter")),
    ],
)
def test_refusals(server: RunningServer, body: object, error: tuple[int, str]) -> None:
    assert server.ask(body, path=TOKENIZER).error == error
