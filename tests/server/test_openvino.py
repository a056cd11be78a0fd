"""The official SDK against a network: a random one, but every layer of the real path."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from dashscope.aigc.generation import AioGeneration, Generation
from safetensors.numpy import save_file

from glmscope.chat.service import ChatService, Limits, ServedModel
from glmscope.engine.openvino import OpenVINOEngine
from glmscope.engine.vocabulary import Vocabulary
from glmscope.family import Family
from glmscope.model.convert import convert
from tests.server.sdk import sdk_at
from tests.server.support import STREAM, RunningServer, ask, eventually, serving
from tests.support.checkpoints import write_checkpoint
from tests.support.tokenizers import builtin_tokenizer

FLAGS = [{}, {"incremental_output": True}, {"incremental_output": False}]
CALL = {"model": "chatglm3-6b", "result_format": "message", "max_tokens": 24}


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    directory = tmp_path_factory.mktemp("network")
    tokenizer = builtin_tokenizer(Family.CHATGLM3)
    _, tensors = write_checkpoint(
        directory / "source",
        hidden_size=64,
        ffn_hidden_size=96,
        kv_channels=16,
        padded_vocab_size=tokenizer.vocab_size + 5,  # published networks have spare rows, too
        seq_length=1024,
    )
    calm = {name: tensor / np.float16(4) for name, tensor in tensors.items()}
    save_file(calm, directory / "source" / "model.safetensors")
    convert(directory / "source", directory / "converted", weights="fp32")
    pieces = [tokenizer.id_bytes(token_id) for token_id in range(tokenizer.vocab_size)]
    vocabulary = Vocabulary(pieces, tokenizer.special.eos)
    engine = OpenVINOEngine.open(directory / "converted", vocabulary=vocabulary)
    limits = Limits(context=1000, input=800, output=600)
    model = ServedModel("chatglm3-6b", tokenizer, engine, limits, "a random network")
    with serving(ChatService([model])) as running:
        yield running


@pytest.fixture(autouse=True)
def idle_afterwards(network: RunningServer) -> Iterator[None]:
    with sdk_at(network):
        yield
    assert eventually(lambda: network.running() == 0)


def _content(response: Any) -> str:
    assert response.status_code == 200, response
    return str(response.output.choices[0].message.content)


def _whole(responses: list[Any], flag: dict[str, bool]) -> str:
    texts = [_content(response) for response in responses]
    return "".join(texts) if flag.get("incremental_output") else texts[-1]


@pytest.mark.parametrize("flag", FLAGS, ids=str)
def test_streams_are_the_plain_answer(flag: dict[str, bool]) -> None:
    call = {**CALL, "prompt": "你好", "seed": 7}
    plain = Generation.call(**call)
    assert plain.usage.output_tokens <= 24
    streamed = list(Generation.call(stream=True, **flag, **call))
    assert _whole(streamed, flag) == _content(plain)
    assert streamed[-1].usage == plain.usage
    reason = plain.output.choices[0].finish_reason
    assert reason == streamed[-1].output.choices[0].finish_reason
    assert reason in ("stop", "length")


@pytest.mark.parametrize("flag", FLAGS, ids=str)
async def test_async_streams_are_the_plain_answer(closing: None, flag: dict[str, bool]) -> None:
    call = {**CALL, "prompt": "Hello", "temperature": 0}
    plain = await AioGeneration.call(**call)
    responses = await AioGeneration.call(stream=True, **flag, **call)
    assert _whole([response async for response in responses], flag) == _content(plain)


def test_sixteen_at_once_get_what_each_gets_alone() -> None:
    calls = [{**CALL, "prompt": f"question {i}", "seed": i} for i in range(16)]
    alone = [_content(Generation.call(**call)) for call in calls]
    assert len(set(alone)) == 16
    with ThreadPoolExecutor(16) as pool:
        streams = pool.map(lambda call: list(Generation.call(stream=True, **call)), calls)
        assert [_whole(responses, {}) for responses in streams] == alone


def test_clients_that_vanish_stop_their_generation(network: RunningServer) -> None:
    """Streams and plain calls; those who stay are answered as if nothing had happened."""
    expected = network.ask(ask("stay", max_tokens=40)).json["output"]
    leaving = [network.connect() for _ in range(8)]
    for index, connection in enumerate(leaving):
        connection.send(ask(f"leave {index}", max_tokens=600), STREAM if index % 2 else None)
    assert eventually(lambda: network.running() > 0)
    for connection in leaving:
        connection.close()
    assert network.ask(ask("stay", max_tokens=40)).json["output"] == expected
    assert eventually(lambda: network.running() == 0)


def test_a_prompt_at_the_limit_and_one_beyond(network: RunningServer) -> None:
    word = "a"
    encode = network.service.models["chatglm3-6b"].tokenizer.encode
    length = next(n for n in range(1, 2000) if len(encode(word * n)) > 800) - 1
    fits = network.ask(ask(word * length, max_tokens=2))
    assert fits.status == 200
    assert fits.json["usage"]["input_tokens"] <= 800
    assert network.ask(ask(word * (length + 40))).error == (400, "InvalidParameter")


def test_a_text_is_scored_as_it_was_generated(network: RunningServer) -> None:
    """What generation says of its tokens, an echo says of the same tokens: none is off by one."""

    def completed(**asked: object) -> Any:
        body = {"model": "chatglm3-6b", "temperature": 0, "logprobs": 1, **asked}
        return network.ask(body, path="/v1/completions").json["choices"][0]

    tokenizer = network.service.models["chatglm3-6b"].tokenizer
    prompt = "杭州 is a city"
    written = completed(prompt=prompt, max_tokens=12)
    text = completed(prompt=prompt, max_tokens=12, echo=True)["text"]
    assert text == prompt + written["text"]
    names = written["logprobs"]["tokens"]
    by_name = {tokenizer.id_text(each): each for each in range(tokenizer.piece_count)}
    ids = [*tokenizer.encode(prompt), *(by_name[name] for name in names)]
    scored = completed(prompt=ids, max_tokens=0, echo=True)["logprobs"]["token_logprobs"]
    assert len(scored) == len(ids)
    np.testing.assert_allclose(
        scored[-len(names) :], written["logprobs"]["token_logprobs"], atol=1e-4
    )
    assert len({round(each, 3) for each in scored}) > 10


SCHEMA = {
    "type": "object",
    "properties": {"good": {"type": "boolean"}, "year": {"type": "integer", "minimum": 0}},
    "required": ["good", "year"],
}
JSON_REPLIES = {
    "result_format": "message",
    "n": 3,
    "seed": 11,
    "temperature": 1.2,
    "logprobs": True,
    "top_logprobs": 3,
    "response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}},
}


def test_choices_with_log_probabilities_that_follow_a_schema(network: RunningServer) -> None:
    choices = network.ask(ask("你好", **JSON_REPLIES)).json["output"]["choices"]
    assert [choice["index"] for choice in choices] == [0, 1, 2]
    for choice in choices:
        text = choice["message"]["content"]
        tokens = choice["logprobs"]["content"]
        assert b"".join(bytes(token["bytes"]) for token in tokens).decode() == text
        assert all(
            [each["token"] for each in token["top_logprobs"]] == [token["token"]]
            for token in tokens
        )
        assert choice["finish_reason"] == "stop"
        assert sorted(json.loads(text)) == ["good", "year"]
    streamed = network.ask(ask("你好", **JSON_REPLIES, incremental_output=True), STREAM).events
    for choice in choices:
        pieces = [event["output"]["choices"][0] for event in streamed]
        own = [piece for piece in pieces if piece["index"] == choice["index"]]
        content = "".join(piece["message"]["content"] for piece in own)
        assert content == choice["message"]["content"]


def test_a_json_object_begins_with_its_brace(network: RunningServer) -> None:
    for seed in range(5):
        asked = {"temperature": 1.5, "seed": seed, "response_format": {"type": "json_object"}}
        output = network.ask(ask("你好", **asked, max_tokens=200)).json["output"]
        assert output["text"].startswith("{")
        if output["finish_reason"] == "stop":
            assert isinstance(json.loads(output["text"]), dict)


def test_schemas_that_cannot_be_followed_leave_other_replies_alone(network: RunningServer) -> None:
    quiet = ask("你好", temperature=1.0, seed=5, max_tokens=300)
    alone = network.ask(quiet).json["output"]
    hostile = [
        {"type": "string", "pattern": "(a+)+$"},
        {"$ref": "#"},
        {"enum": ["x" * 100_000]},
        {"type": "object", "properties": {str(i): {} for i in range(1000)}},
        {"type": "string", "maxLength": 10**12},
    ]
    with ThreadPoolExecutor(4) as pool:
        others = [pool.submit(network.ask, quiet) for _ in range(2)]
        for schema in hostile:
            wanted = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
            answer = network.ask(ask("x", response_format=wanted), STREAM)
            assert answer.error == (400, "InvalidParameter")
        assert [other.result().json["output"] for other in others] == [alone, alone]
