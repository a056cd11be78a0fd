"""Plugins by each Python SDK that `make sdk-envs` installs: what it sends and hands over."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from glmscope.agent.code_runner import CodeOutput
from glmscope.agent.tool import ToolRegistry
from glmscope.agent.tools.builtin import Calculator
from glmscope.conform.sdk.response import Response
from glmscope.conform.sdk.sdk import Sdk, SdkRaisedError
from tests.agent.support import Answering, Sandboxes, call_of, code_of
from tests.server.sdk import FLAGS, TRANSPORTS, VERSIONS, asks_for_pieces, need, sdk_of
from tests.server.support import RunningServer, service_with, serving

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 600
"""200 KiB as base64: more than a line that asyncio's and old aiohttp's readers take by default."""
RULES = {
    "rules": [
        {
            "match": "12345",
            "reply": call_of("calculator", expression="12345*2"),
        },
        {"match": "24690", "exact": True, "reply": "\n 它是 24690。"},
        {"match": "plot", "reply": code_of("plt.plot([1, 2])")},
        {"match": "[Image]", "reply": "\n Here it is."},
        {"match": "天气", "reply": call_of("天气")},
        {"match": "晴", "exact": True, "reply": "\n 晴天。"},
        {"match": "and then", "reply": "{prompt}"},
        {"reply": "\n plain"},
    ]
}
WEBSOCKET_FAILURE = 44
"""What the SDK has for a status where a task failed."""


@asynccontextmanager
async def tools() -> AsyncIterator[ToolRegistry]:
    yield ToolRegistry([Calculator(), Answering("天气", "晴")])


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    runner = Sandboxes(lambda code: CodeOutput("", images=(PNG,)))
    with serving(service_with(RULES), runner=runner, tools=tools) as running:
        yield running


@pytest.fixture(scope="module", params=VERSIONS)
def sdk(request: pytest.FixtureRequest, server: RunningServer) -> Iterator[Sdk]:
    with sdk_of(request.param, server) as found:
        yield found


def asked(question: str, **more: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": question}]
    return {"messages": messages, "result_format": "message", "temperature": 0, **more}


def messages_of(response: Response) -> list[Any]:
    found: list[Any] = response.choices[0].get("messages") or []
    return found


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("plugins", ["calculator", {"calculator": {}}], ids=str)
def test_plain(sdk: Sdk, transport: str, plugins: object) -> None:
    need(sdk, transport)
    response = sdk.call(transport=transport, **asked("12345*2", plugins=plugins))
    call, result, answer = messages_of(response)
    assert call["plugin_call"]["name"] == "calculator"
    assert json.loads(call["plugin_call"]["arguments"]) == {"expression": "12345*2"}
    assert (result["role"], result["content"]) == ("plugin", "24690")
    assert answer["content"] == "\n 它是 24690。"
    assert response.choices[0]["finish_reason"] == "stop"
    assert response.tokens > (0, 0)


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("flag", FLAGS, ids=str)
def test_streamed(sdk: Sdk, transport: str, flag: dict[str, bool]) -> None:
    need(sdk, transport)
    how = asked("12345*2", plugins={"calculator": {}})
    plain = sdk.call(transport=transport, **how)
    responses = sdk.stream(transport=transport, **how, **flag)
    told = [messages for response in responses if (messages := messages_of(response))]
    assert len(told) == 3, "each step when it happens"
    if asks_for_pieces(sdk, flag):
        assert [one for messages in told for one in messages] == messages_of(plain)
    else:
        assert [len(messages) for messages in told] == [1, 2, 3]
        assert told[-1] == messages_of(plain)
    texts = [response.text for response in responses]
    whole = "".join(texts) if flag.get("incremental_output") else texts[-1]
    assert whole == plain.text
    assert responses[-1].choices[0]["finish_reason"] == "stop"
    assert responses[-1].tokens == plain.tokens


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("stream", [False, True])
def test_a_large_picture_arrives(sdk: Sdk, transport: str, stream: bool) -> None:
    need(sdk, transport)
    how = asked("plot it", plugins="code_interpreter", incremental_output=True)
    if not stream:
        del how["incremental_output"]
    responses = sdk.responses(stream=stream, transport=transport, **how)
    assert [(each.status, each.message) for each in responses if not each.ok] == []
    results = [one for each in responses for one in messages_of(each) if one["role"] == "plugin"]
    assert base64.b64decode(results[0]["files"][0]["data"]) == PNG


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_the_messages_go_back_with_the_next_question(sdk: Sdk, transport: str) -> None:
    need(sdk, transport)
    how = asked("12345*2", plugins={"calculator": {}})
    how["messages"] += messages_of(sdk.call(transport=transport, **how))
    how["messages"].append({"role": "user", "content": "and then?"})
    shown = sdk.call(transport=transport, **how).text
    assert "<|assistant|> calculator\n ```python\ntool_call(expression='12345*2')" in shown
    assert "<|observation|> \n 24690<|assistant|>" in shown


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("plugins", ["天气", {"天气": {}}], ids=str)
def test_a_tool_of_the_operators_in_chinese(sdk: Sdk, transport: str, plugins: object) -> None:
    need(sdk, transport)
    if transport == "http" and isinstance(plugins, str):
        with pytest.raises(SdkRaisedError, match="latin-1"):  # a header of requests has no room
            sdk.call(transport=transport, **asked("天气", plugins=plugins))
        return
    response = sdk.call(transport=transport, **asked("天气", plugins=plugins))
    assert [each["role"] for each in messages_of(response)] == ["assistant", "plugin", "assistant"]


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_plugin_that_there_is_not(sdk: Sdk, transport: str) -> None:
    need(sdk, transport)
    for stream in (False, True):
        (response,) = sdk.responses(
            stream=stream, transport=transport, **asked("x", plugins="nothing")
        )
        status = WEBSOCKET_FAILURE if transport == "websocket" else 400
        assert (response.status, response.code) == (status, "InvalidParameter")
        assert 'no tool "nothing"' in response.message
