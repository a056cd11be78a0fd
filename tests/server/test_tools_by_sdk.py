"""Tools of the client through each Python SDK that `make sdk-envs` installs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from glmscope.conform.sdk.response import Response
from glmscope.conform.sdk.sdk import Sdk
from tests.agent.support import call_of
from tests.server.sdk import FLAGS, TRANSPORTS, VERSIONS, need, sdk_of
from tests.server.support import RunningServer, service_with, serving

RULES = {
    "rules": [
        {"match": "天气", "reply": call_of("get_weather", city="it's 上海")},
        {"match": "多云", "exact": True, "reply": "\n 上海多云。"},
        {"reply": "\n plain"},
    ]
}
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "天气",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    },
}
QUESTION = {"role": "user", "content": "上海的天气"}


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    with serving(service_with(RULES)) as running:
        yield running


@pytest.fixture(scope="module", params=VERSIONS)
def sdk(request: pytest.FixtureRequest, server: RunningServer) -> Iterator[Sdk]:
    with sdk_of(request.param, server) as found:
        yield found


def asked(*more: Any) -> dict[str, Any]:
    return {"messages": [QUESTION, *more], "tools": [WEATHER], "result_format": "message"}


def check(response: Response) -> Any:
    """The message of the only choice, which is a whole call."""
    (choice,) = response.choices
    assert choice["finish_reason"] == "tool_calls"
    (call,) = choice["message"]["tool_calls"]
    assert (call["type"], call["function"]["name"]) == ("function", "get_weather")
    assert call["id"].startswith("call_")
    assert json.loads(call["function"]["arguments"]) == {"city": "it's 上海"}
    return choice["message"]


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_two_rounds(sdk: Sdk, transport: str) -> None:
    need(sdk, transport)
    message = check(sdk.call(transport=transport, **asked()))
    result = {"role": "tool", "content": "多云", "tool_call_id": message["tool_calls"][0]["id"]}
    answer = sdk.call(transport=transport, **asked(message, result))
    assert answer.text == "\n 上海多云。"
    assert answer.choices[0]["finish_reason"] == "stop"


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("flag", FLAGS, ids=str)
def test_streamed(sdk: Sdk, transport: str, flag: dict[str, bool]) -> None:
    need(sdk, transport)
    responses = sdk.stream(transport=transport, **asked(), **flag)
    if flag.get("incremental_output"):
        holding = [one for one in responses if one.choices[0]["message"].get("tool_calls")]
        assert len(holding) == 1, "a call is told once"
        function = holding[0].choices[0]["message"]["tool_calls"][0]["function"]
        assert json.loads(function["arguments"]) == {"city": "it's 上海"}
        assert responses[-1].choices[0]["finish_reason"] == "tool_calls"
    else:
        check(responses[-1])
