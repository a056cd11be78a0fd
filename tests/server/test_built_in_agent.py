"""The scenes of the ChatGLM3 prompt guide, by the model in the box, through the official SDK."""

from __future__ import annotations

import asyncio
import base64
import importlib.util
import json
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from dashscope import Generation

from glmscope import nano
from glmscope.agent.sandbox import SandboxPool, probe
from glmscope.agent.sandbox_runner import SandboxRunner
from glmscope.chat.service import ChatService
from glmscope.cli.options import ModelOptions
from glmscope.cli.wiring import open_models
from glmscope.errors import SandboxUnavailable
from tests.server.sdk import sdk_at
from tests.server.support import RunningServer, serving

MODEL = "chatglm3-6b"
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_current_weather",
        "description": "查询一个城市现在的天气",
        "parameters": {
            "type": "object",
            "properties": {
                "location": {"type": "string", "description": "城市名"},
                "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
            },
            "required": ["location"],
        },
    },
}


def built_in() -> ChatService:
    if not nano.is_here():
        pytest.skip("the built-in model is not here")
    return ChatService(open_models(ModelOptions(models=(), cache_gb=0.2)))


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    with serving(built_in(), ready_within=60) as running:
        yield running


@pytest.fixture(scope="module")
def interpreter() -> Iterator[RunningServer]:
    if importlib.util.find_spec("matplotlib") is None:
        pytest.skip("matplotlib is not installed")
    if shutil.which("bwrap") is None:
        pytest.skip("bubblewrap is not installed")
    try:
        asyncio.run(probe())
    except SandboxUnavailable as error:
        pytest.skip(error.message)
    runner = SandboxRunner(SandboxPool(spare=False))
    with serving(built_in(), runner=runner, ready_within=60) as running:
        yield running


def call(server: RunningServer, messages: list[Any], stream: bool, **options: Any) -> Any:
    """The last answer; streamed in whole texts, of which the last one holds everything."""
    with sdk_at(server):
        answer = Generation.call(
            MODEL, messages=messages, result_format="message", stream=stream, top_k=1, **options
        )
        last = list(answer)[-1] if stream else answer
    assert last.status_code == 200, last.message
    return last.output.choices[0]


@pytest.mark.parametrize("stream", [False, True])
def test_the_weather_in_beijing(server: RunningServer, stream: bool) -> None:
    messages: list[Any] = [{"role": "user", "content": "今天北京的天气怎么样？"}]
    choice = call(server, messages, stream, tools=[WEATHER])
    assert choice.finish_reason == "tool_calls"
    (asked,) = choice.message.tool_calls
    assert asked["function"]["name"] == "get_current_weather"
    assert json.loads(asked["function"]["arguments"]) == {"location": "北京"}
    result = '{"temperature": 22, "condition": "晴"}'
    answer = {"role": "tool", "content": result, "tool_call_id": asked["id"]}
    choice = call(server, [*messages, choice.message, answer], stream, tools=[WEATHER])
    assert choice.finish_reason == "stop"
    assert "22" in choice.message.content


@pytest.mark.parametrize("stream", [False, True])
def test_a_plot_of_the_interpreter(interpreter: RunningServer, stream: bool) -> None:
    messages = [{"role": "user", "content": "画出 y=x^2 的图像"}]
    choice = call(interpreter, messages, stream, plugins={"code_interpreter": {}})
    called, result = choice["messages"][:2]
    assert "plt.plot" in json.loads(called["plugin_call"]["arguments"])["code"]
    assert base64.b64decode(result["files"][0]["data"]).startswith(b"\x89PNG")
    assert choice.finish_reason == "stop"
    assert choice.message.content.strip()
