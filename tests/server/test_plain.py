"""Plain answers, byte for byte."""

from __future__ import annotations

import json
import re

import pytest

from tests.server.support import GENERATION, RunningServer, ask

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def test_text_form(server: RunningServer) -> None:
    answer = server.ask(ask("你好"))
    request_id = answer.headers["x-request-id"]
    assert UUID.fullmatch(request_id)
    usage = answer.json["usage"]
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.body.decode() == (
        '{"output":{"text":"\\n You said: 你好","finish_reason":"stop"},'
        f'"usage":{{"input_tokens":{usage["input_tokens"]},'
        f'"output_tokens":{usage["output_tokens"]}}},"request_id":"{request_id}"}}'
    )


def test_message_form(server: RunningServer) -> None:
    answer = server.ask(ask("你好", result_format="message"))
    usage = answer.json["usage"]
    assert answer.body.decode() == (
        '{"output":{"choices":[{"finish_reason":"stop","message":'
        '{"role":"assistant","content":"\\n You said: 你好","content_type":"text"}}]},'
        f'"usage":{{"input_tokens":{usage["input_tokens"]},'
        f'"output_tokens":{usage["output_tokens"]}}},'
        f'"request_id":"{answer.headers["x-request-id"]}"}}'
    )


@pytest.mark.parametrize(
    "path",
    [
        f"{GENERATION}/",
        GENERATION.replace("/services", "//services"),
        "/" + GENERATION,
        f"{GENERATION}?a=b",
    ],
)
def test_every_way_to_glue_the_path_together(server: RunningServer, path: str) -> None:
    assert server.ask(ask(), path=path).status == 200


def test_escaped_and_raw_bodies_and_any_content_type_are_the_same(server: RunningServer) -> None:
    body = ask("杭州 😀 \u2028")
    escaped = server.ask(json.dumps(body).encode(), {"Content-Type": "application/json"})
    raw = server.ask(
        json.dumps(body, ensure_ascii=False).encode(),
        {"Content-Type": "application/json; charset=utf-8"},
    )
    with_mark = server.ask(b"\xef\xbb\xbf" + json.dumps(body).encode())
    assert escaped.json["output"] == raw.json["output"] == with_mark.json["output"]
    assert raw.json["output"]["text"].endswith("杭州 😀 \u2028")


def test_header_names_in_any_case_and_unknown_headers(server: RunningServer) -> None:
    headers = {
        "Authorization": "",
        "AUTHORIZATION": f"BEARER {server.key}",
        "x-dashscope-workspace": "w",
        "X-DASHSCOPE-DATAINSPECTION": "enable",
        "X-Anything": "1",
    }
    assert server.ask(ask(), headers).status == 200


def test_usage_counts_the_contents_and_not_the_template(server: RunningServer) -> None:
    tokenizer = server.service.models["chatglm3-6b"].tokenizer
    contents = ["You are a helpful assistant.", "介绍下杭州"]
    body = {
        "model": "chatglm3-6b",
        "input": {
            "messages": [
                {"role": "system", "content": contents[0]},
                {"role": "user", "content": contents[1]},
            ]
        },
    }
    usage = server.ask(body).json["usage"]
    assert usage["input_tokens"] == sum(len(tokenizer.encode(text)) for text in contents)


def test_the_limit_ends_a_reply_with_length(server: RunningServer) -> None:
    answer = server.ask(ask("count", max_tokens=5)).json
    assert answer["usage"]["output_tokens"] == 5
    assert answer["output"]["finish_reason"] == "length"
    capped = server.ask(ask("count", max_length=5)).json
    assert capped["output"] == answer["output"]
    assert server.ask(ask("count", max_length=10**30)).status == 200


def test_stops_end_a_reply_and_are_no_part_of_it(server: RunningServer) -> None:
    tokenizer = server.service.models["chatglm3-6b"].tokenizer
    said = tokenizer.encode("\n You said: x")
    colon = next(each for each in said if tokenizer.id_bytes(each) == b":")
    for stop in (":", [":"], ["no", ":"], [[colon]], [colon]):
        output = server.ask(ask("x", stop=stop)).json["output"]
        assert output == {"text": "\n You said", "finish_reason": "stop"}


def test_the_same_seed_gives_the_same_answer(server: RunningServer) -> None:
    def answers(seed: int) -> set[str]:
        body = ask("x", temperature=1.9, top_p=1, seed=seed)
        return {server.ask(body).json["output"]["text"] for _ in range(3)}

    each = [answers(seed) for seed in range(12)]
    assert all(len(same) == 1 for same in each)
    assert len(set.union(*each)) > 1


def test_history_says_what_messages_say(server: RunningServer) -> None:
    def input_tokens(given: dict[str, object]) -> int:
        body = {"model": "chatglm3-6b", "input": given}
        return server.ask(body).json["usage"]["input_tokens"]

    pairs = input_tokens({"prompt": "three", "history": [["one", "two"]]})
    named = input_tokens({"prompt": "three", "history": [{"user": "one", "bot": "two"}]})
    messages = input_tokens(
        {
            "messages": [
                {"role": "user", "content": "one"},
                {"role": "bot", "content": [{"type": "text", "text": "t"}, {"text": "wo"}]},
                {"role": "user", "content": "three"},
            ],
            "prompt": "not this, messages win",
        }
    )
    assert pairs == named == messages
    assert input_tokens({"prompt": "three", "history": []}) < pairs


def test_both_models_answer_in_every_form(server: RunningServer) -> None:
    for given in (
        {"prompt": "x"},
        {"prompt": "x", "history": [["a", "b"]]},
        {"messages": [{"role": "user", "content": "x"}]},
    ):
        for model in ("chatglm3-6b", "chatglm-6b-v2"):
            body = {"model": model, "input": given, "parameters": {"temperature": 0}}
            assert server.ask(body).json["output"]["text"].endswith("said: x")


def test_a_long_message_comes_back_whole(server: RunningServer) -> None:
    prompt = "hello " * 600 + "end."
    output = server.ask(ask(prompt)).json["output"]
    assert output["text"].endswith(prompt) or output["finish_reason"] == "length"


def test_odd_characters_survive(server: RunningServer) -> None:
    text = 'a"b\\c\n\r\t\u2028\u0085\u001f\u007f😀é'
    assert server.ask(ask("odd characters")).json["output"]["text"] == text
