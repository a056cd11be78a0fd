"""Plugins through the official clients and by hand: header, body, steps, streams."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from dashscope.aigc.generation import Generation
from openai import OpenAI

from tests.agent.support import Sandboxes
from tests.server.plugins.support import ODD, PNG
from tests.server.support import STREAM, RunningServer, ask, eventually
from tests.server.websocket_client import websocket

CALCULATION = {"expression": "12345 * 98765"}
LOOKUP = {"name": "lookup", "parameters": {"properties": {"key": {"type": "string"}}}}


def generate(question: str, **more: Any) -> Any:
    messages = [{"role": "user", "content": question}]
    how = {"result_format": "message", "temperature": 0, **more}
    return Generation.call("chatglm3-6b", messages=messages, **how)


@pytest.mark.usefixtures("sdk")
def test_the_program_of_the_services_page() -> None:
    messages = [
        {"role": "system", "content": "You are a helpful assistant."},
        {"role": "user", "content": "12345*98765是多少"},
    ]
    plugins = {"calculator": {}}
    how: dict[str, Any] = {"result_format": "message", "plugins": plugins}
    response = Generation.call("chatglm3-6b", messages=messages, **how)
    assert response.status_code == 200
    choice = response.output.choices[0]
    assert choice.message.content == "\n 它是 1219253925。"
    assert choice.finish_reason == "stop"
    call, result, answer = choice["messages"]
    assert call["plugin_call"]["name"] == "calculator"
    assert json.loads(call["plugin_call"]["arguments"]) == CALCULATION
    assert result == {
        "role": "plugin",
        "name": "calculator",
        "content": "1219253925",
        "status": {"code": 200, "name": "Success"},
    }
    assert answer == {"role": "assistant", "content": "\n 它是 1219253925。"}
    # As on the page: the messages go back with the next question.
    messages.extend(choice["messages"])
    messages.append({"role": "user", "content": "and then?"})
    prompt = Generation.call("chatglm3-6b", messages=messages, **how).output.choices[0]
    shown = prompt.message.content
    assert "<|assistant|> calculator\n ```python\ntool_call(expression='12345 * 98765')" in shown
    assert "<|observation|> \n 1219253925<|assistant|>" in shown


@pytest.mark.usefixtures("sdk")
@pytest.mark.parametrize("plugins", ["code_interpreter", {"code_interpreter": {}}])
def test_code_pictures_and_files_of_the_interpreter(plugins: object, runner: Sandboxes) -> None:
    response = generate("plot it", plugins=plugins)
    choice = response.output.choices[0]
    call, result, _ = choice["messages"]
    assert json.loads(call["plugin_call"]["arguments"]) == {"code": "plt.plot([1, 2])"}
    assert result["content"] == "[Image]"
    picture, table = result["files"]
    assert (picture["name"], picture["media_type"]) == ("image-1.png", "image/png")
    assert base64.b64decode(picture["data"]) == PNG
    assert (table["name"], base64.b64decode(table["data"])) == ("out.csv", b"a\n1\n")
    assert choice.message.content == "\n Here it is."
    assert runner.opened[-1].closed == 1


@pytest.mark.usefixtures("sdk")
@pytest.mark.parametrize("incremental", [None, True, False])
def test_streams_tell_each_step_when_it_happens(incremental: bool | None) -> None:
    how = {} if incremental is None else {"incremental_output": incremental}
    chunks = list(generate("12345", plugins={"calculator": {}}, stream=True, **how))
    assert all(chunk.status_code == 200 for chunk in chunks)
    told = [chunk.output.choices[0].get("messages") or [] for chunk in chunks]
    kinds = [len(messages) for messages in told if messages]
    assert kinds == ([1, 2, 3] if incremental is None else [1, 1, 1])
    whole = told[-1] if incremental is None else [each for some in told for each in some]
    plain = generate("12345", plugins={"calculator": {}}).output.choices[0]
    assert whole == plain["messages"]
    texts = [chunk.output.choices[0].message.content for chunk in chunks]
    text = "".join(texts) if incremental else texts[-1]
    assert text == plain.message.content
    assert chunks[-1].output.choices[0].finish_reason == "stop"


@pytest.mark.usefixtures("sdk")
def test_the_text_form_has_the_steps_beside_the_text() -> None:
    response = generate("12345", plugins="calculator", result_format="text")
    assert response.output.text == "\n 它是 1219253925。"
    assert [each["role"] for each in response.output["messages"]] == [
        "assistant",
        "plugin",
        "assistant",
    ]


def test_odd_characters_of_a_result_arrive_as_they_are(server: RunningServer) -> None:
    parameters = {"plugins": {"code_interpreter": {}}, "result_format": "message"}
    for headers in ({}, STREAM):
        answer = server.ask(ask("odd", **parameters), headers)
        choice = (answer.events[-1] if headers else answer.json)["output"]["choices"][0]
        assert choice["messages"][1]["content"] == ODD
        assert choice["message"]["content"] == "\n odd enough"


def test_without_a_call_the_answer_is_the_only_message(server: RunningServer) -> None:
    asked = ask("hello", plugins=["calculator"], result_format="message")
    choice = server.ask(asked).json["output"]["choices"][0]
    assert choice["messages"] == [{"role": "assistant", "content": "\n plain"}]
    without = server.ask(ask("hello", result_format="message")).json
    assert "messages" not in without["output"]["choices"][0]


def test_usage_and_trace_hold_all_turns(server: RunningServer) -> None:
    answer = server.ask(ask("12345", plugins=["calculator"])).json
    with server.connect() as connection:
        path = f"/api/admin/v1/traces/{answer['request_id']}"
        connection.send(b"", path=path, method="GET")
        told = connection.answer().json
    first, second = told["replies"]
    assert told["usage"] == answer["usage"]
    assert answer["usage"]["output_tokens"] == sum(
        reply["choices"][0]["count"] for reply in (first, second)
    )
    (step,) = first["steps"]
    assert (step["plugin"], step["outcome"], step["characters"]) == ("calculator", "done", 10)
    assert second["steps"] == []


def test_a_websocket_names_plugins_in_its_body(server: RunningServer) -> None:
    with websocket(server) as client:
        frames = client.run(
            "12345", "none", temperature=0, plugins=["calculator"], result_format="message"
        )
    (result,) = frames.results
    assert len(result["output"]["choices"][0]["messages"]) == 3


@pytest.mark.usefixtures("sdk")
def test_a_websocket_of_the_sdk_names_them_in_its_header() -> None:
    response = generate("12345", plugins={"calculator": {}}, api_protocol="websocket")
    assert len(response.output.choices[0]["messages"]) == 3


def test_uploads_reach_the_sandbox(server: RunningServer, runner: Sandboxes) -> None:
    file = {"name": "销售.csv", "data": base64.b64encode(b"a\n").decode()}
    asked = ask("picture", plugins=["code_interpreter"], plugin_files=[file])
    assert server.ask(asked).status == 200
    assert runner.opened[-1].files == {"销售.csv": b"a\n"}


def test_plugins_of_the_openai_plane(client: OpenAI) -> None:
    how: dict[str, Any] = {
        "model": "chatglm3-6b",
        "messages": [{"role": "user", "content": "12345"}],
        "extra_body": {"plugins": {"calculator": {}}},
    }
    choice = client.chat.completions.create(**how).choices[0]
    assert choice.message.content == "它是 1219253925。"
    assert [each["role"] for each in choice.model_extra["messages"]] == [
        "assistant",
        "plugin",
        "assistant",
    ]
    chunks = list(client.chat.completions.create(stream=True, **how))
    told = [(chunk.choices[0].model_extra or {}).get("messages", []) for chunk in chunks]
    assert [message for messages in told for message in messages] == [
        *choice.model_extra["messages"][:2],
        {"role": "assistant", "content": "\n 它是 1219253925。"},
    ]
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == "它是 1219253925。"
    with client.chat.completions.stream(**how) as stream:
        assert stream.get_final_completion().choices[0].message.content == "它是 1219253925。"


def test_a_tool_of_the_client_beside_plugins_is_handed_back(client: OpenAI) -> None:
    how: dict[str, Any] = {
        "model": "chatglm3-6b",
        "tools": [{"type": "function", "function": LOOKUP}],
        "extra_body": {"plugins": ["calculator"]},
    }
    question = {"role": "user", "content": "mine"}
    choice = client.chat.completions.create(messages=[question], **how).choices[0]
    assert choice.finish_reason == "tool_calls"
    (call,) = choice.message.tool_calls
    assert json.loads(call.function.arguments) == {"key": "a"}


def test_a_client_that_leaves_stops_the_code(server: RunningServer, runner: Sandboxes) -> None:
    connection = server.connect()
    connection.send(ask("forever", plugins=["code_interpreter"]), STREAM)
    before = len(runner.opened)
    assert eventually(
        lambda: len(runner.opened) > before - 1 and "forever" in runner.opened[-1].ran
    )
    connection.close()
    assert eventually(lambda: runner.opened[-1].closed == 1)
    assert runner.opened[-1].stopped == 1
    assert eventually(lambda: server.running() == 0)
