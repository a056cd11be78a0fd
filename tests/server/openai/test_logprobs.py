"""Log-probabilities in both shapes. Those of the scripted engine are invented, but consistent."""

from __future__ import annotations

from typing import Any

import pytest

from tests.server.openai.support import CHAT, COMPLETIONS, MODEL, chat, chunks, completion
from tests.server.support import RunningServer

TEXT = "杭州 is a city 🌧"


def completed(server: RunningServer, prompt: object, **more: object) -> Any:
    return server.ask(completion(prompt, **more), path=COMPLETIONS).json["choices"][0]


def test_tokens_of_a_chat_join_to_its_text(server: RunningServer) -> None:
    body = chat(TEXT, logprobs=True, top_logprobs=2)
    choice = server.ask(body, path=CHAT).json["choices"][0]
    tokens = choice["logprobs"]["content"]
    text = b"".join(bytes(token["bytes"]) for token in tokens).decode()
    assert text == choice["message"]["content"] == f"You said: {TEXT}"
    for token in tokens:
        assert set(token) == {"token", "logprob", "bytes", "top_logprobs"}
        assert token["logprob"] < 0
        assert token["token"] == token["top_logprobs"][0]["token"]
        assert [set(each) for each in token["top_logprobs"]] == [{"token", "logprob", "bytes"}] * 2
    assert choice["logprobs"]["refusal"] is None


def test_a_streamed_chat_has_the_same_tokens(server: RunningServer) -> None:
    body = chat(TEXT, logprobs=True, top_logprobs=1)
    plain = server.ask(body, path=CHAT).json["choices"][0]["logprobs"]["content"]
    streamed = []
    for chunk in chunks(server.ask({**body, "stream": True}, path=CHAT)):
        (choice,) = chunk["choices"]
        if content := choice["delta"].get("content"):
            own = choice["logprobs"]["content"]
            assert b"".join(bytes(each["bytes"]) for each in own).decode() == content
            streamed += own
        elif choice["finish_reason"]:
            assert choice["logprobs"] is None
    assert streamed == plain


def test_no_alternatives_unless_asked_for(server: RunningServer) -> None:
    choice = server.ask(chat("x", logprobs=True), path=CHAT).json["choices"][0]
    assert {len(each["top_logprobs"]) for each in choice["logprobs"]["content"]} == {0}
    assert server.ask(chat("x", logprobs=False), path=CHAT).json["choices"][0]["logprobs"] is None


def check_lists(choice: Any, tokens: int, alternatives: range) -> None:
    logprobs = choice["logprobs"]
    assert list(logprobs) == ["tokens", "token_logprobs", "top_logprobs", "text_offset"]
    assert {len(each) for each in logprobs.values()} == {tokens}
    for token, logprob, top in zip(
        logprobs["tokens"], logprobs["token_logprobs"], logprobs["top_logprobs"], strict=True
    ):
        assert top[token] == logprob <= 0
        assert len(top) in alternatives


def test_an_echoed_text_is_scored_token_by_token(server: RunningServer) -> None:
    ids = server.service.models[MODEL].tokenizer.encode(TEXT)
    choice = completed(server, TEXT, echo=True, max_tokens=0, logprobs=1)
    assert choice["text"] == TEXT
    check_lists(choice, len(ids), range(1, 2))
    logprobs = choice["logprobs"]
    for name, offset in zip(logprobs["tokens"], logprobs["text_offset"], strict=True):
        if not name.startswith("<0x"):
            assert TEXT[offset:].startswith(name)
    rain = TEXT.index("🌧")
    bytes_of_one = [each for each in logprobs["text_offset"] if each == rain]
    assert len(bytes_of_one) == sum(name.startswith("<0x") for name in logprobs["tokens"]) == 4
    assert completed(server, ids, echo=True, max_tokens=0, logprobs=1) == choice


def test_what_a_harness_sends(server: RunningServer) -> None:
    """One entry for every id sent, and one for the token that follows, whatever it is.

    lm-evaluation-harness leaves out the context and the last entry; what is between is summed.
    """
    tokenizer = server.service.models[MODEL].tokenizer
    prompts = [
        tokenizer.encode("hello there"),
        tokenizer.encode_with_prefix("say nothing"),  # its next token is the end
        tokenizer.encode(TEXT),
    ]
    body = completion(prompts, echo=True, max_tokens=1, logprobs=1, seed=1234)
    choices = server.ask(body, path=COMPLETIONS).json["choices"]
    for prompt, choice in zip(prompts, choices, strict=True):
        check_lists(choice, len(prompt) + 1, range(1, 2))
        alone = completed(server, prompt, echo=True, max_tokens=0, logprobs=1)["logprobs"]
        for name, entries in alone.items():
            assert choice["logprobs"][name][:-1] == entries
    assert choices[1]["logprobs"]["tokens"][:2] == ["[gMASK]", "sop"]
    assert choices[1]["logprobs"]["token_logprobs"][:2] == [0, 0]
    assert choices[1]["logprobs"]["tokens"][-1] == "</s>"
    assert choices[1]["finish_reason"] == "stop"


@pytest.mark.parametrize("asked", [0, 1, 3, 5])
def test_a_token_is_always_among_its_alternatives(server: RunningServer, asked: int) -> None:
    choice = completed(server, "x", logprobs=asked)
    tokens = len(choice["logprobs"]["tokens"])
    check_lists(choice, tokens, range(1, max(asked, 1) + 1))
    assert max(map(len, choice["logprobs"]["top_logprobs"])) == max(asked, 1)


def test_a_streamed_completion_has_the_same_lists(server: RunningServer) -> None:
    ask = {"echo": True, "logprobs": 2}
    plain = completed(server, TEXT, **ask)["logprobs"]
    streamed: dict[str, list[Any]] = {name: [] for name in plain}
    body = completion(TEXT, stream=True, **ask)
    for chunk in chunks(server.ask(body, path=COMPLETIONS)):
        for name, entries in chunk["choices"][0]["logprobs"].items():
            streamed[name] += entries
    assert streamed == plain
