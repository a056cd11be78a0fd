"""The OpenAPI page says what is read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from glmscope.server.dashscope.description import (
    GENERATION_BODY,
    GENERATION_HEADERS,
    PARAMETERS,
    TOKENIZER_BODY,
)
from glmscope.server.description import PLUGINS
from glmscope.server.openai.description import CHAT_BODY, COMPLETION_BODY
from glmscope.server.settings import ServerSettings
from glmscope.store.keys import KeyStore
from tests.agent.support import Sandboxes
from tests.server.openai.support import CHAT, COMPLETIONS, chat, completion
from tests.server.support import GENERATION, Answer, RunningServer, ask, serving


def page(server: RunningServer, key: str | None) -> Answer:
    with server.connect() as connection:
        headers = {"Authorization": f"Bearer {key}" if key else ""}
        connection.send(b"", headers, "/openapi.json", "GET")
        return connection.answer()


@pytest.fixture(scope="module")
def described(keys: KeyStore) -> Iterator[RunningServer]:
    with serving(keys=keys, settings=ServerSettings(openapi=True)) as running:
        yield running


def test_the_page_is_for_whoever_holds_a_key(described: RunningServer) -> None:
    assert page(described, None).error == (401, "InvalidApiKey")
    paths = page(described, described.key).json["paths"]
    for path, body in (
        (CHAT, CHAT_BODY),
        (COMPLETIONS, COMPLETION_BODY),
        (GENERATION, GENERATION_BODY),
        ("/api/v1/tokenizer", TOKENIZER_BODY),
    ):
        content = paths[path]["post"]["requestBody"]["content"]
        schema = content["application/json"]["schema"]
        assert schema["required"] == body["required"]
        assert schema["properties"].keys() == {"model", *body["properties"]}
        assert schema["properties"]["model"] == {"enum": ["chatglm3-6b", "chatglm-6b-v2"]}


def test_there_is_no_page_unless_asked_for(server: RunningServer) -> None:
    assert page(server, server.key).error == (404, "NotFound")


def bounds(schema: dict[str, Any]) -> Iterator[tuple[object, bool]]:
    """Numbers at and beside the ends of a range, and whether they belong to it."""
    step = 1 if schema["type"] == "integer" else 1e-9
    for name, outside in (("minimum", -step), ("maximum", step)):
        if name in schema:
            yield schema[name], True
            yield schema[name] + outside, False
    for name, inside in (("exclusiveMinimum", 1e-9), ("exclusiveMaximum", -1e-9)):
        if name in schema:
            yield schema[name], False
            yield schema[name] + inside, True


@pytest.mark.parametrize(
    ("path", "good", "properties"),
    [
        (CHAT, chat(max_tokens=1), CHAT_BODY["properties"]),
        (COMPLETIONS, completion(echo=True, max_tokens=1), COMPLETION_BODY["properties"]),
        (GENERATION, ask(result_format="message", max_tokens=1), PARAMETERS),
    ],
    ids=["chat", "completion", "generation"],
)
def test_ranges_are_as_described(
    server: RunningServer, path: str, good: dict[str, Any], properties: dict[str, Any]
) -> None:
    tried = 0
    for name, schema in properties.items():
        if schema.get("type") not in ("integer", "number"):
            continue
        for value, allowed in bounds(schema):
            given = {name: value, "logprobs": True} if name == "top_logprobs" else {name: value}
            asked = (
                {**good, "parameters": good["parameters"] | given}
                if "parameters" in good
                else good | given
            )
            status = server.ask(asked, path=path).status
            assert (status == 200) is allowed, (name, value)
            tried += 1
    assert tried > 20


def asked_with(path: str, **plugins: object) -> dict[str, Any]:
    return chat(**plugins) if path == CHAT else ask(**plugins)


@pytest.fixture(scope="module")
def with_code() -> Iterator[RunningServer]:
    with serving(runner=Sandboxes()) as running:
        yield running


@pytest.mark.parametrize("path", [CHAT, GENERATION])
def test_plugins_are_asked_for_as_described(with_code: RunningServer, path: str) -> None:
    for plugins in PLUGINS["plugins"]["examples"]:
        assert with_code.ask(asked_with(path, plugins=plugins), path=path).status == 200
    for files in PLUGINS["plugin_files"]["examples"]:
        asked = asked_with(path, plugins="code_interpreter", plugin_files=files)
        assert with_code.ask(asked, path=path).status == 200
    for wrong in ([""], [7], {"calculator": 1}, 7):
        assert with_code.ask(asked_with(path, plugins=wrong), path=path).status == 400


@pytest.mark.parametrize(
    ("file", "allowed"),
    [
        ({"name": 255 * "n", "data": ""}, True),
        ({"name": 256 * "n", "data": ""}, False),
        ({"name": "", "data": ""}, False),
        ({"name": "a/b", "data": ""}, False),
        ({"name": "a"}, False),
        ({"data": ""}, False),
    ],
)
def test_files_are_as_described(
    with_code: RunningServer, file: dict[str, str], allowed: bool
) -> None:
    assert (Draft202012Validator(PLUGINS["plugin_files"]).is_valid([file])) is allowed
    asked = asked_with(CHAT, plugins="code_interpreter", plugin_files=[file])
    assert (with_code.ask(asked, path=CHAT).status == 200) is allowed


def test_there_are_as_many_plugins_and_files_as_described(with_code: RunningServer) -> None:
    files = [{"name": f"{each}", "data": ""} for each in range(33)]
    for count, status in ((32, 200), (33, 400)):
        asked = asked_with(CHAT, plugins="code_interpreter", plugin_files=files[:count])
        assert with_code.ask(asked, path=CHAT).status == status
    assert PLUGINS["plugin_files"]["maxItems"] == 32


def test_the_header_for_plugins_is_as_described(with_code: RunningServer) -> None:
    (header,) = (each for each in GENERATION_HEADERS if each["name"] == "X-DashScope-Plugin")
    for example in header["schema"]["examples"]:
        assert with_code.ask(ask(), {header["name"]: example}).status == 200
