"""What is no plugin, is not there or not for this key."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from openai import BadRequestError, OpenAI

from glmscope.agent.tool import ToolRegistry
from glmscope.agent.tools.builtin import Calculator, CurrentTime
from glmscope.store.keys import KeyStore
from tests.agent.support import Sandboxes
from tests.server.plugins.support import RULES, play
from tests.server.support import RunningServer, ask, service_with, serving


@pytest.mark.parametrize(
    ("plugins", "told"),
    [
        ("nothing", 'no tool "nothing"'),
        (7, "plugins should be"),
        ({"calculator": 1}, "plugins should be"),
        ([1], "plugins should be"),
    ],
)
def test_what_names_no_plugin_is_refused(server: RunningServer, plugins: object, told: str) -> None:
    answer = server.ask(ask("hello", plugins=plugins))
    assert answer.error == (400, "InvalidParameter")
    assert told in answer.json["message"]


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({}, "should be a list"),
        ([{"name": "../x", "data": ""}], "a file's name"),
        ([{"name": "x\n#File", "data": ""}], "a file's name"),
        ([{"name": "x", "data": "?"}], "base64"),
        (["x"], "should be an object"),
    ],
)
def test_files_that_cannot_be_are_refused(server: RunningServer, files: object, told: str) -> None:
    asked = ask("hello", plugins=["code_interpreter"], plugin_files=files)
    answer = server.ask(asked)
    assert answer.error == (400, "InvalidParameter")
    assert told in answer.json["message"]


def test_files_without_the_interpreter_are_refused(server: RunningServer) -> None:
    asked = ask("hello", plugins=["calculator"], plugin_files=[{"name": "x", "data": ""}])
    assert "are for the plugin" in server.ask(asked).json["message"]


def test_a_header_that_is_broken_is_refused(server: RunningServer) -> None:
    answer = server.ask(ask("hello"), {"X-DashScope-Plugin": "{broken"})
    assert answer.error == (400, "InvalidParameter")
    assert (
        server.ask(ask("hello"), {"X-DashScope-Plugin": "calculator, current_time"}).status == 200
    )


def test_the_older_model_refuses_plugins_with_the_reason(server: RunningServer) -> None:
    asked = {**ask("hello", plugins=["calculator"]), "model": "chatglm-6b-v2"}
    assert "ChatGLM2 was not trained" in server.ask(asked).json["message"]


def test_without_a_sandbox_code_is_off_and_says_how_to_have_it() -> None:
    with serving(service_with(RULES)) as running:
        answer = running.ask(ask("plot", plugins=["code_interpreter"]))
        assert answer.status == 503
        assert "glmscope serve --interpreter" in answer.json["message"]
        assert running.ask(ask("12345", plugins=["calculator"])).status == 200


def test_a_key_may_use_what_its_list_names(keys: KeyStore) -> None:
    @asynccontextmanager
    async def listed() -> AsyncIterator[ToolRegistry]:
        allowed = {"tests": frozenset({"calculator"}), "*": frozenset({"current_time"})}
        yield ToolRegistry([Calculator(), CurrentTime()], allowed=allowed)

    runner = Sandboxes(play)
    with serving(service_with(RULES), keys, tools=listed, runner=runner) as running:
        assert running.ask(ask("12345", plugins=["calculator"])).status == 200
        for name in ("current_time", "code_interpreter"):
            answer = running.ask(ask("hello", plugins=[name]), {"X-DashScope-Plugin": "calculator"})
            assert answer.error == (403, "AccessDenied")
            assert "may not use" in answer.json["message"]
        chat = {"model": "chatglm3-6b", "messages": [{"role": "user", "content": "hello"}]}
        refused = running.ask({**chat, "plugins": ["current_time"]}, path="/v1/chat/completions")
        assert refused.status == 403
        running.key = keys.create("other").key
        assert running.ask(ask("hello", plugins=["current_time"])).status == 200
        assert running.ask(ask("hello", plugins=["calculator"])).status == 403
    assert runner.opened == []


def test_a_completion_has_no_plugins(client: OpenAI) -> None:
    with pytest.raises(BadRequestError, match="belong to chat completions"):
        client.completions.create(
            model="chatglm3-6b", prompt="x", extra_body={"plugins": ["calculator"]}
        )
