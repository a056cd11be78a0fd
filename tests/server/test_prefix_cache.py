"""Whose prompts a prompt builds on: the key's, by whichever wire it comes, and nobody else's."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from glmscope.chat.beginning import beginning_ids
from glmscope.chat.conversation import prompt_builder
from glmscope.chat.request import Message
from glmscope.chat.service import ChatService, Limits, ServedModel
from glmscope.cli.vocabulary import vocabulary_of
from glmscope.engine.engine import Sampling, Step
from glmscope.engine.openvino import OpenVINOEngine
from glmscope.engine.pipeline import Pipeline
from glmscope.family import Family
from glmscope.model.convert import convert
from glmscope.store.keys import KeyStore
from tests.server.openai.support import CHAT, COMPLETIONS, chat, completion
from tests.server.support import STREAM, RunningServer, ask, service_with, serving
from tests.server.websocket_client import TASK, run_task, websocket
from tests.support.checkpoints import write_checkpoint
from tests.support.tokenizers import builtin_tokenizer

TOKENIZER = builtin_tokenizer(Family.CHATGLM3)


class RememberingService(ChatService):
    """Knows the scope of everything that an engine was asked."""

    def __init__(self) -> None:
        super().__init__(service_with().models.values())
        self.scopes: list[str | None] = []
        for model in self.models.values():
            self._watch(model)

    def _watch(self, model: ServedModel) -> None:
        generate = model.engine.generate

        def watched(ids: Sequence[int], sampling: Sampling) -> AsyncGenerator[Step, None]:
            self.scopes.append(sampling.cache_scope)
            return generate(ids, sampling)

        model.engine.generate = watched  # type: ignore[method-assign]


def over_websocket(server: RunningServer) -> None:
    with websocket(server) as client:
        assert client.run().error is None


WIRES: dict[str, Callable[[RunningServer], Any]] = {
    "dashscope": lambda server: server.ask(ask()).json["output"],
    "dashscope stream": lambda server: server.ask(ask(), STREAM).events[-1]["output"],
    "dashscope two": lambda server: server.ask(ask(n=2, result_format="message")).json["output"],
    "websocket": over_websocket,
    "chat": lambda server: server.ask(chat(), path=CHAT).json["choices"],
    "chat stream": lambda server: server.ask(chat(stream=True), path=CHAT).body,
    "completion": lambda server: server.ask(completion(), path=COMPLETIONS).json["choices"],
    "completions": lambda server: server.ask(completion(["one", "two"]), path=COMPLETIONS).json[
        "choices"
    ],
}


@pytest.mark.parametrize("wire", WIRES)
def test_every_wire_tells_whose_prompt_it_is(wire: str, keys: KeyStore) -> None:
    service = RememberingService()
    with serving(service, keys) as server:
        for _ in range(2):
            service.scopes.clear()
            WIRES[wire](server)
            (scope,) = set(service.scopes)
            assert scope == keys.verify(str(server.key)).id  # type: ignore[union-attr]
            server.key = keys.create("another").key


def test_without_keys_all_are_one(keys: KeyStore) -> None:
    service = RememberingService()
    with serving(service) as server:
        for wire in WIRES.values():
            wire(server)
    assert set(service.scopes) == {""}


@dataclass
class Counted:
    """A server of a network with a prefix cache, and how often the network has run."""

    server: RunningServer
    steps: list[int]

    def steps_of(self, key: str, body: object, path: str | None = None) -> int:
        self.server.key = key
        before = len(self.steps)
        answer = self.server.ask(body, path=path) if path else self.server.ask(body)
        assert answer.status == 200, answer.body
        return len(self.steps) - before


@pytest.fixture
def counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keys: KeyStore) -> Iterator[Counted]:
    with counting(tmp_path, monkeypatch, keys) as counted:
        yield counted


@pytest.fixture
def sharing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keys: KeyStore) -> Iterator[Counted]:
    """One whose keys share SYSTEM."""
    shared = beginning_ids(TOKENIZER, [Message("system", SYSTEM)])
    with counting(tmp_path, monkeypatch, keys, shared) as counted:
        yield counted


@contextmanager
def counting(
    directory: Path, monkeypatch: pytest.MonkeyPatch, keys: KeyStore, *shared: list[int]
) -> Iterator[Counted]:
    write_checkpoint(directory / "source", padded_vocab_size=1100, seq_length=1024)
    convert(directory / "source", directory / "converted", weights="fp32")
    engine = OpenVINOEngine.open(
        directory / "converted",
        prefix_cache=True,
        vocabulary=vocabulary_of(TOKENIZER),
        shared=shared,
    )
    steps: list[int] = []
    step = Pipeline.step
    monkeypatch.setattr(Pipeline, "step", lambda self: (steps.append(1), step(self)))
    limits = Limits(context=1000, input=900, output=100)
    model = ServedModel("chatglm3-6b", TOKENIZER, engine, limits, "a random network")
    with serving(ChatService([model]), keys) as server:
        yield Counted(server, steps)


@pytest.mark.parametrize("penalty", [1.0, 1.1])
def test_a_key_s_prompt_is_read_once_and_another_s_anew(
    counted: Counted, keys: KeyStore, penalty: float
) -> None:
    """A prompt of more than 512 ids takes three steps, unless it was read before."""
    question = "西湖十景 " * 200
    native = ask(question, max_tokens=1, repetition_penalty=penalty)
    openai = chat(question, max_tokens=1, repetition_penalty=penalty)
    first, second = keys.create("first").key, keys.create("second").key
    assert 512 < len(TOKENIZER.encode(question)) < 760
    assert counted.steps_of(first, native) == 3
    assert counted.steps_of(first, native) == 1
    assert counted.steps_of(first, openai, CHAT) == 1
    assert counted.steps_of(second, openai, CHAT) == 3
    assert counted.steps_of(second, native) == 1


def test_a_prompt_that_was_read_is_scored_all_the_same(counted: Counted, keys: KeyStore) -> None:
    key = keys.create("scores").key
    body = completion("西湖十景 " * 20, max_tokens=1, echo=True, logprobs=1)
    counted.server.key = key
    logprobs = [
        counted.server.ask(body, path=COMPLETIONS).json["choices"][0]["logprobs"] for _ in range(2)
    ]
    assert len(logprobs[0]["tokens"]) > 40
    assert logprobs[0]["tokens"] == logprobs[1]["tokens"]
    assert all(each is not None for each in logprobs[1]["token_logprobs"][1:])


SYSTEM = "西湖十景 " * 180
"""Read in two steps, 256 ids at a time, and a third one with a question."""


def asked(question: str, system: str = SYSTEM) -> dict[str, Any]:
    messages = [{"role": "system", "content": system}, {"role": "user", "content": question}]
    return {"messages": messages}


def asks_dashscope(server: RunningServer, question: str) -> None:
    body = {"model": "chatglm3-6b", "input": asked(question), "parameters": {"max_tokens": 1}}
    assert server.ask(body).status == 200


def asks_websocket(server: RunningServer, question: str) -> None:
    with websocket(server) as client:
        payload = {**ask(max_tokens=1), **TASK, "input": asked(question)}
        client.send(run_task(payload=payload))
        assert client.until_over().error is None


def asks_chat(server: RunningServer, question: str) -> None:
    body = {"model": "chatglm3-6b", "max_tokens": 1, **asked(question)}
    assert server.ask(body, path=CHAT).status == 200


def asks_completion(server: RunningServer, question: str) -> None:
    """As ids, for roles cannot be written into a text."""
    messages = [Message("system", SYSTEM), Message("user", question)]
    body = completion(prompt_builder(TOKENIZER)(messages), max_tokens=1)
    assert server.ask(body, path=COMPLETIONS).status == 200


ASKING = {
    "dashscope": asks_dashscope,
    "websocket": asks_websocket,
    "chat": asks_chat,
    "completion": asks_completion,
}


@pytest.mark.parametrize("wire", ASKING)
def test_a_shared_system_prompt_is_read_once_for_all_keys_and_wires(
    sharing: Counted, keys: KeyStore, wire: str
) -> None:
    """A question of some 300 ids behind it takes two steps, and one of its own key's again."""
    ask_it, short, long = ASKING[wire], "西湖", "西湖 " * 140
    assert 512 < len(TOKENIZER.encode(SYSTEM)) < 600
    assert 280 < len(TOKENIZER.encode(long)) < 300

    def steps_of(key: str, question: str) -> int:
        sharing.server.key = key
        before = len(sharing.steps)
        ask_it(sharing.server, question)
        return len(sharing.steps) - before

    first, second = keys.create("first").key, keys.create("second").key
    assert steps_of(first, short) == 3
    assert steps_of(second, short) == 1
    assert steps_of(first, long) == 2
    assert steps_of(first, long) == 1
    assert steps_of(second, long) == 2
    third = keys.create("third").key
    assert sharing.steps_of(third, chat("x", max_tokens=1), CHAT) == 1
    other = {"model": "chatglm3-6b", "max_tokens": 1, **asked(short, f"a{SYSTEM}")}
    assert [sharing.steps_of(key, other, CHAT) for key in (first, first, third)] == [3, 1, 3]
