"""From an OpenAPI page to tools, and the sentence for what is no page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import structlog

from glmscope.agent.tools.http_source import open_http
from glmscope.agent.tools.openapi import LeftOut, Operation, read_page
from glmscope.agent.tools.settings import HttpSource
from glmscope.errors import UsageError
from tests.agent.http_api import Api


async def test_what_becomes_of_a_page(page: str, api: Api) -> None:
    with structlog.testing.capture_logs() as logs:
        async with open_http(HttpSource("weather", page, api.url)) as tools:
            found = {tool.name: tool for tool in tools}
    assert list(found) == ["forecast", "post_reports", "put_tags", "other"]
    assert [(log["tool"], log["reason"]) for log in logs] == [("upload", "its body is not JSON")]
    forecast = found["forecast"]
    assert forecast.description == "The forecast of a city."
    assert forecast.parameters["required"] == ["city"]
    properties = forecast.parameters["properties"]
    assert properties["days"] == {"type": "integer", "maximum": 7, "description": "How many"}
    assert properties["X-Unit"] == {"type": ["string", "null"]}
    assert properties["since"]["default"] == "2020-01-01"
    report = found["post_reports"].parameters
    assert report["required"] == ["place"]
    assert list(report["$defs"]) == ["Place"]


async def test_only_the_named_operations(page: str, api: Api) -> None:
    async with open_http(HttpSource("w", page, api.url, operations=("other",))) as tools:
        assert [tool.name for tool in tools] == ["other"]
    with pytest.raises(UsageError, match='the page has no operation "nosuch"'):
        async with open_http(HttpSource("w", page, api.url, operations=("nosuch",))):
            pass
    with pytest.raises(UsageError, match="upload cannot be a tool: its body is not JSON"):
        async with open_http(HttpSource("w", page, api.url, operations=("upload",))):
            pass


async def test_a_page_from_an_address(api: Api) -> None:
    api.answers["/page.json"] = 200, {}, json.dumps({"openapi": "3.1.0", "paths": {}}).encode()
    async with open_http(HttpSource("w", api.url + "/page.json", api.url)) as tools:
        assert tools == []
    api.answers["/page.json"] = 500, {}, b""
    with pytest.raises(UsageError, match="cannot be read: HTTPStatusError"):
        async with open_http(HttpSource("w", api.url + "/page.json", api.url)):
            pass


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("swagger: '2.0'", "no OpenAPI page of version 3"),
        ("[1, 2]", "no OpenAPI page of version 3"),
        ("{", "neither JSON nor YAML"),
        ("!!python/object/apply:os.system [id]", "neither JSON nor YAML"),
        ("openapi: 3.0.0", "describes no paths"),
    ],
)
async def test_what_is_no_page(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "page").write_text(text, "utf-8")
    with pytest.raises(UsageError, match=told):
        async with open_http(HttpSource("w", str(tmp_path / "page"), "http://127.0.0.1:1")):
            pass


@pytest.mark.parametrize(
    "url", ["ftp://h", "127.0.0.1:80", "http://user:pass@h", "http://h/?key=1", "http://"]
)
async def test_what_is_no_address(page: str, url: str) -> None:
    with pytest.raises(UsageError, match=r"\[tools.http.w\]: url"):
        async with open_http(HttpSource("w", page, url)):
            pass


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        ({"parameters": [{"name": "a", "in": "cookie", "required": True}]}, "cookie"),
        ({"parameters": [{"name": "a", "in": "query", "schema": {"type": "object"}}]}, "object"),
        ({"parameters": [{"$ref": "#/components/parameters/No"}]}, "does not hold"),
        ({"parameters": [{"name": "a", "in": "query"}, {"name": "a", "in": "header"}]}, "two"),
        ({"parameters": [{"in": "query"}]}, "no name"),
        ({}, 'its path has "id"'),
    ],
)
def test_an_operation_that_cannot_be_a_tool(item: dict[str, Any], reason: str) -> None:
    path = "/x" if item else "/x/{id}"
    page = {"openapi": "3.0.0", "paths": {path: {"get": {"operationId": "op", **item}}}}
    (found,) = read_page(page, "page")
    assert isinstance(found, LeftOut)
    assert reason in found.reason


def test_bounds_of_version_3_0_and_members_that_collide() -> None:
    number = {"type": "number", "minimum": 0, "exclusiveMinimum": True, "example": 1}
    body = {"type": "object", "properties": {"id": number}}
    operation = {
        "parameters": [{"name": "id", "in": "query", "schema": number}],
        "requestBody": {"content": {"application/json": {"schema": body}}},
    }
    (found,) = read_page({"openapi": "3.0.0", "paths": {"/x": {"post": operation}}}, "page")
    assert isinstance(found, Operation)
    held = {"type": "number", "exclusiveMinimum": 0}
    assert found.parameters["properties"] == {
        "id": held,
        "body": {"type": "object", "properties": {"id": held}},
    }
