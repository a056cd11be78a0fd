"""Tools through the official clients: a script that calls them, and a network held to them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dashscope
import jsonschema
import pytest
from dashscope.aigc.generation import Generation
from dashscope.api_entities.http_request import close_shared_sync_session
from openai import OpenAI

from glmscope.chat.service import ChatService, Limits, ServedModel
from glmscope.cli.vocabulary import vocabulary_of
from glmscope.engine.openvino import OpenVINOEngine
from glmscope.family import Family
from glmscope.model.convert import convert
from tests.server.support import RunningServer, eventually, service_with, serving
from tests.support.checkpoints import write_checkpoint
from tests.support.tokenizers import builtin_tokenizer

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "查询天气",
        "parameters": {
            "type": "object",
            "properties": {
                "city": {"type": "string", "maxLength": 8},
                "unit": {"enum": ["celsius", "fahrenheit"]},
            },
            "required": ["city"],
            "additionalProperties": False,
        },
    },
}
SCHEMA = WEATHER["function"]["parameters"]
BEIJING = {"city": "北京", "unit": "celsius"}
RULES = {
    "rules": [
        {
            "match": ["北京"],
            "reply": "get_weather\n ```python\ntool_call(city='北京', unit='celsius')\n```",
        },
        {"match": ["slip"], "reply": 'get_weather\n{"city": "北京", "unit": "celsius"}'},
        {"match": ["temperature"], "reply": "\n 北京今天 12 度。"},
        {"match": ["prompt"], "reply": "{prompt}"},
        {"reply": "\n 你好。"},
    ]
}
QUESTION = {"role": "user", "content": "北京天气怎么样？"}
RESULT = '{"temperature": 12}'
FLAGS = [{}, {"incremental_output": True}, {"incremental_output": False}]
CALL: dict[str, Any] = {"model": "chatglm3-6b", "result_format": "message", "tools": [WEATHER]}


@pytest.fixture(scope="module")
def script() -> Iterator[RunningServer]:
    with serving(service_with(RULES)) as running:
        yield running


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    directory: Path = tmp_path_factory.mktemp("network")
    tokenizer = builtin_tokenizer(Family.CHATGLM3)
    write_checkpoint(directory / "source", padded_vocab_size=1100, seq_length=2048)
    convert(directory / "source", directory / "converted", weights="fp32")
    vocabulary = vocabulary_of(tokenizer)
    engine = OpenVINOEngine.open(directory / "converted", vocabulary=vocabulary)
    limits = Limits(context=1500, input=1200, output=300)
    model = ServedModel("chatglm3-6b", tokenizer, engine, limits, "a random network")
    with serving(ChatService([model])) as running:
        yield running


@pytest.fixture(params=["script", "network"])
def server(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[RunningServer]:
    running: RunningServer = request.getfixturevalue(request.param)
    monkeypatch.setattr(dashscope, "base_http_api_url", f"{running.url}/api/v1")
    websocket = f"ws{running.url.removeprefix('http')}/api-ws/v1/inference"
    monkeypatch.setattr(dashscope, "base_websocket_api_url", websocket)
    monkeypatch.setattr(dashscope, "api_key", "not checked here")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    yield running
    close_shared_sync_session()
    assert eventually(lambda: running.running() == 0)


@pytest.fixture
def client(server: RunningServer) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0) as client:
        yield client


only_script = pytest.mark.parametrize("server", ["script"], indirect=True)


def demanding(server: RunningServer) -> dict[str, Any]:
    """What makes either engine call: the network needs telling, and is told once."""
    if server.engine.name == "scripted":
        return {}
    return {"tool_choice": "required", "parallel_tool_calls": False, "seed": 5}


def check_call(server: RunningServer, call: Any) -> dict[str, Any]:
    """A whole call, as any of the clients shows it."""
    assert call["type"] == "function"
    assert call["id"].startswith("call_")
    assert call["function"]["name"] == "get_weather"
    arguments: dict[str, Any] = json.loads(call["function"]["arguments"])
    jsonschema.validate(arguments, SCHEMA)
    if server.engine.name == "scripted":
        assert arguments == BEIJING
    return arguments


def test_two_rounds_with_the_dashscope_sdk(server: RunningServer) -> None:
    first = Generation.call(messages=[QUESTION], **CALL, **demanding(server))
    choice = first.output.choices[0]
    assert (choice.finish_reason, choice.message.content) == ("tool_calls", "")
    (call,) = choice.message.tool_calls
    check_call(server, call)
    assert call["index"] == 0
    assert first.usage.output_tokens > 10
    result = {"role": "tool", "content": RESULT, "tool_call_id": call["id"]}
    second = Generation.call(messages=[QUESTION, choice.message, result], **CALL, max_tokens=40)
    assert second.status_code == 200
    if server.engine.name == "scripted":
        assert second.output.choices[0].message.content == "\n 北京今天 12 度。"
        assert second.output.choices[0].finish_reason == "stop"


@pytest.mark.parametrize("flag", FLAGS, ids=str)
@pytest.mark.parametrize("protocol", ["http", "websocket"])
def test_streams_with_the_dashscope_sdk(
    server: RunningServer, flag: dict[str, bool], protocol: str
) -> None:
    how = {**CALL, **flag, **demanding(server), "api_protocol": protocol}
    chunks = list(Generation.call(messages=[QUESTION], stream=True, **how))
    reasons = [chunk.output.choices[0].finish_reason for chunk in chunks]
    assert reasons == ["null"] * (len(reasons) - 1) + ["tool_calls"]
    told = [chunk.output.choices[0].message.get("tool_calls") for chunk in chunks]
    assert [len(each) for each in told if each] == [1] * sum(map(bool, told))
    (call,) = next(each for each in told if each)
    check_call(server, call)
    if flag.get("incremental_output"):
        assert sum(map(bool, told)) == 1
    else:
        assert told[-1][0]["function"] == call["function"]
    assert chunks[-1].usage.output_tokens > 10


def test_two_rounds_with_the_openai_package(server: RunningServer, client: OpenAI) -> None:
    answer = client.chat.completions.create(
        model="chatglm3-6b", messages=[QUESTION], tools=[WEATHER], **demanding(server)
    )
    (choice,) = answer.choices
    assert (choice.finish_reason, choice.message.content) == ("tool_calls", None)
    (call,) = choice.message.tool_calls
    check_call(server, call.model_dump())
    result = {"role": "tool", "content": RESULT, "tool_call_id": call.id}
    second = client.chat.completions.create(
        model="chatglm3-6b",
        messages=[QUESTION, choice.message, result],
        tools=[WEATHER],
        max_tokens=40,
    )
    if server.engine.name == "scripted":
        assert second.choices[0].message.content == "北京今天 12 度。"


def test_streams_with_the_openai_package(server: RunningServer, client: OpenAI) -> None:
    with client.chat.completions.stream(
        model="chatglm3-6b", messages=[QUESTION], tools=[WEATHER], **demanding(server)
    ) as stream:
        final = stream.get_final_completion().choices[0]
    assert final.finish_reason == "tool_calls"
    (call,) = final.message.tool_calls
    check_call(server, call.model_dump())


def test_the_functions_of_former_times(server: RunningServer, client: OpenAI) -> None:
    functions = [WEATHER["function"]]
    forced = {} if server.engine.name == "scripted" else {"function_call": {"name": "get_weather"}}
    how: dict[str, Any] = {"model": "chatglm3-6b", "functions": functions, **forced}
    answer = client.chat.completions.create(messages=[QUESTION], **how)
    (choice,) = answer.choices
    assert choice.finish_reason == "function_call"
    assert choice.message.tool_calls is None
    called = choice.message.function_call
    assert called.name == "get_weather"
    jsonschema.validate(json.loads(called.arguments), SCHEMA)
    result = {"role": "function", "name": "get_weather", "content": RESULT}
    second = client.chat.completions.create(
        messages=[QUESTION, choice.message, result], max_tokens=40, **how
    )
    assert second.choices[0].message is not None
    chunks = list(client.chat.completions.create(messages=[QUESTION], stream=True, **how))
    deltas = [chunk.choices[0].delta.function_call for chunk in chunks]
    assert [each.name for each in deltas if each] == ["get_weather", None]
    jsonschema.validate(json.loads("".join(each.arguments for each in deltas if each)), SCHEMA)
    assert chunks[-1].choices[0].finish_reason == "function_call"


def test_a_named_tool_is_the_one_that_is_called(server: RunningServer) -> None:
    clock = {"name": "clock", "description": "flat, as ChatGLM3 has it"}
    named = {"type": "function", "function": {"name": "clock"}}
    asked = {**CALL, "tools": [WEATHER, clock], "tool_choice": named, "n": 2, "seed": 1}
    response = Generation.call(messages=[QUESTION], parallel_tool_calls=False, **asked)
    for choice in response.output.choices:
        (call,) = choice.message.tool_calls
        assert call["function"] == {"name": "clock", "arguments": "{}"}


def test_among_the_allowed_tools_one_is_called(client: OpenAI, server: RunningServer) -> None:
    """The choice of `openai` packages from 2 on; all tools are shown, some may be called."""
    clock = {"type": "function", "function": {"name": "clock"}}
    mode = "auto" if server.engine.name == "scripted" else "required"
    for allowed, reason in ((clock, "stop"), (WEATHER, "tool_calls")):
        chosen = {"type": "function", "function": {"name": allowed["function"]["name"]}}
        answer = client.chat.completions.create(
            model="chatglm3-6b",
            messages=[QUESTION],
            tools=[clock, WEATHER],
            tool_choice={
                "type": "allowed_tools",
                "allowed_tools": {"mode": mode, "tools": [chosen]},
            },
        )
        (choice,) = answer.choices
        if mode == "auto":  # the script calls for the weather, whatever may be called
            assert choice.finish_reason == reason
        else:
            called = {call.function.name for call in choice.message.tool_calls}
            assert called == {allowed["function"]["name"]}


def test_the_text_form_has_the_call_as_the_model_wrote_it(server: RunningServer) -> None:
    asked = {**CALL, "result_format": "text", **demanding(server)}
    response = Generation.call(messages=[QUESTION], **asked)
    assert response.output.text.lstrip(" ").startswith("get_weather\n")
    assert "```python\ntool_call(city=" in response.output.text
    assert response.output.finish_reason == "stop"


@only_script
def test_a_slip_is_mended_on_the_way(server: RunningServer) -> None:
    response = Generation.call(messages=[{"role": "user", "content": "slip"}], **CALL)
    (call,) = response.output.choices[0].message.tool_calls
    check_call(server, call)


@only_script
def test_a_plain_answer_stays_one(server: RunningServer) -> None:
    response = Generation.call(messages=[{"role": "user", "content": "你好"}], **CALL)
    choice = response.output.choices[0]
    assert choice.message == {
        "role": "assistant",
        "content": "\n 你好。",
        "content_type": "text",
    }
    assert choice.finish_reason == "stop"


@only_script
def test_with_the_choice_none_no_tool_is_offered(server: RunningServer) -> None:
    def prompt(**more: Any) -> str:
        message = {"role": "user", "content": "prompt"}
        return str(Generation.call(messages=[message], **{**CALL, **more}).output.choices[0])

    assert "get_weather" in prompt()
    assert "get_weather" not in prompt(tool_choice="none")


@only_script
def test_the_older_model_refuses_tools_with_the_reason(server: RunningServer) -> None:
    response = Generation.call(messages=[QUESTION], **{**CALL, "model": "chatglm-6b-v2"})
    assert (response.status_code, response.code) == (400, "InvalidParameter")
    assert "ChatGLM2 was not trained to call them" in response.message
