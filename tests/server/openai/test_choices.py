"""Several choices of one request."""

from __future__ import annotations

from typing import Any

from tests.server.openai.support import CHAT, COMPLETIONS, chat, chunks, completion
from tests.server.support import RunningServer

SEEDED = {"temperature": 1.9, "top_p": 1, "seed": 3, "n": 4}


def alone(server: RunningServer, seed: int) -> Any:
    return server.ask(chat("x", **SEEDED | {"n": 1, "seed": seed}), path=CHAT).json


def test_each_choice_is_the_reply_to_its_own_seed(server: RunningServer) -> None:
    answer = server.ask(chat("x", **SEEDED), path=CHAT).json
    single = [alone(server, 3 + index) for index in range(4)]
    assert [each["index"] for each in answer["choices"]] == [0, 1, 2, 3]
    assert [each["message"] for each in answer["choices"]] == [
        each["choices"][0]["message"] for each in single
    ]
    assert len({each["message"]["content"] for each in answer["choices"]}) > 1
    usage = answer["usage"]
    assert usage["prompt_tokens"] == single[0]["usage"]["prompt_tokens"]
    assert usage["completion_tokens"] == sum(each["usage"]["completion_tokens"] for each in single)


def test_a_stream_of_choices(server: RunningServer) -> None:
    plain = server.ask(chat("x", **SEEDED), path=CHAT).json
    body = chat("x", **SEEDED, stream=True, stream_options={"include_usage": True})
    *parts, last = chunks(server.ask(body, path=CHAT))
    assert last["usage"] == plain["usage"]
    for index, expected in enumerate(plain["choices"]):
        own = [part["choices"][0] for part in parts if part["choices"][0]["index"] == index]
        assert own[0]["delta"] == {"role": "assistant", "content": ""}
        text = "".join(each["delta"].get("content", "") for each in own)
        assert text == expected["message"]["content"]
        assert [each["finish_reason"] for each in own if each["finish_reason"]] == ["stop"]


def test_choices_of_several_prompts_are_numbered_through(server: RunningServer) -> None:
    prompts = ["one", "two"]
    answer = server.ask(completion(prompts, **SEEDED | {"n": 2}), path=COMPLETIONS).json
    single = [
        server.ask(completion(prompt, **SEEDED | {"n": 1, "seed": seed}), path=COMPLETIONS).json
        for prompt in prompts
        for seed in (3, 4)
    ]
    assert [each["index"] for each in answer["choices"]] == [0, 1, 2, 3]
    assert [each["text"] for each in answer["choices"]] == [
        each["choices"][0]["text"] for each in single
    ]
