"""Operations of an OpenAPI page as tools, against an API that runs here."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import structlog

from glmscope.agent.tool import ToolFile, ToolRegistry, ToolResult
from glmscope.agent.tools import http
from glmscope.agent.tools.http_source import open_http
from glmscope.agent.tools.openapi import LeftOut, Operation, read_page
from glmscope.agent.tools.settings import Credential, HttpSource
from glmscope.errors import UsageError

PAGE = """
openapi: 3.0.3
info: {title: Weather, version: "1"}
paths:
  /forecast/{city}:
    parameters:
      - {name: city, in: path, required: true, schema: {type: string}}
    get:
      operationId: forecast
      summary: The forecast of a city.
      parameters:
        - {name: days, in: query, description: How many, schema: {type: integer, maximum: 7}}
        - {name: tags, in: query, schema: {type: array, items: {type: string}}}
        - {name: codes, in: query, explode: false, schema: {type: array, items: {type: integer}}}
        - {name: X-Unit, in: header, schema: {type: string, nullable: true}}
        - {name: X-Key, in: header, schema: {type: string}}
        - {name: since, in: query, schema: {type: string, format: date, default: 2020-01-01}}
      responses: {200: {description: fine}}
  /reports:
    post:
      description: Reports the weather.
      requestBody:
        required: true
        content: {application/json: {schema: {$ref: "#/components/schemas/Report"}}}
  /tags:
    put:
      operationId: put tags
      requestBody:
        content: {application/json: {schema: {type: array, items: {type: string}}}}
  /{kind}:
    get:
      operationId: other
      parameters: [{$ref: "#/components/parameters/Kind"}]
  /upload:
    post:
      operationId: upload
      requestBody: {required: true, content: {image/png: {}}}
components:
  parameters:
    Kind: {name: kind, in: path, required: true, schema: {type: string}}
  schemas:
    Report:
      type: object
      required: [place]
      properties:
        place: {$ref: "#/components/schemas/Place"}
        text: {type: string}
    Place: {type: object, properties: {name: {type: string}}, required: [name]}
    Unused: {type: string}
"""


@dataclass
class Api:
    """An HTTP server that answers what it was asked, or what a test wants."""

    url: str
    answers: dict[str, tuple[int, Mapping[str, str], bytes]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)


@pytest.fixture
def api() -> Iterator[Api]:
    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            parts = urlsplit(self.path)
            length = int(self.headers.get("Content-Length", 0))
            told = {
                "method": self.command,
                "path": parts.path,
                "query": parse_qsl(parts.query),
                "headers": {name.lower(): value for name, value in self.headers.items()},
                "body": json.loads(self.rfile.read(length) or b"null"),
            }
            running.asked.append(parts.path)
            as_asked = 200, {"Content-Type": "application/json"}, json.dumps(told).encode()
            status, headers, body = running.answers.get(parts.path, as_asked)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = answer  # noqa: N815 - the names that the server looks for

        def log_message(self, format: str, *args: object) -> None:
            """Not to the terminal."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    running = Api(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield running
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def page(tmp_path: Path) -> str:
    (tmp_path / "page.yaml").write_text(PAGE, "utf-8")
    return str(tmp_path / "page.yaml")


async def asked(source: HttpSource, name: str, arguments: Mapping[str, Any]) -> ToolResult:
    async with open_http(source) as tools:
        registry = ToolRegistry(tools)
        return await registry.run(registry.tools[name], arguments)


async def test_every_argument_stands_in_its_place(api: Api, page: str) -> None:
    arguments = {
        "city": "北京/朝阳?",
        "days": 3,
        "tags": ["a", "b&c"],
        "codes": [1, 2],
        "X-Unit": "C",
    }
    result = await asked(HttpSource("weather", page, api.url + "/v1/"), "forecast", arguments)
    assert not result.is_error
    told = json.loads(result.text)
    assert told["path"] == "/v1/forecast/%E5%8C%97%E4%BA%AC%2F%E6%9C%9D%E9%98%B3%3F"
    assert told["query"] == [["days", "3"], ["tags", "a"], ["tags", "b&c"], ["codes", "1,2"]]
    assert told["headers"]["x-unit"] == "C"
    assert told["body"] is None


async def test_bodies(api: Api, page: str) -> None:
    source = HttpSource("weather", page, api.url)
    sent = {"place": {"name": "北京"}, "text": "晴"}
    told = json.loads((await asked(source, "post_reports", sent)).text)
    assert (told["method"], told["body"]) == ("POST", sent)
    told = json.loads((await asked(source, "put_tags", {"body": ["a"]})).text)
    assert (told["method"], told["body"]) == ("PUT", ["a"])
    wrong = await asked(source, "post_reports", {"place": {}})
    assert "'name' is a required property" in wrong.text


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


@pytest.mark.parametrize("kind", [".", "..", ""])
async def test_an_argument_does_not_lead_elsewhere(api: Api, page: str, kind: str) -> None:
    result = await asked(HttpSource("w", page, api.url + "/v1"), "other", {"kind": kind})
    assert result.is_error
    assert "cannot stand in the address" in result.text
    assert api.asked == []


async def test_a_header_holds_no_second_one(api: Api, page: str) -> None:
    arguments = {"city": "x", "X-Unit": "C\r\nX-Other: 1"}
    result = await asked(HttpSource("w", page, api.url), "forecast", arguments)
    assert result == ToolResult("X-Unit may have printable ASCII characters alone.", is_error=True)


async def test_the_secret_is_sent_and_told_to_nobody(
    api: Api, page: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN_OF_TEST", "s3cret")
    api.answers["/forecast/gone"] = 404, {"Content-Type": "text/plain"}, b"no s3cret here"
    bearer = HttpSource("w", page, api.url, credential=Credential("TOKEN_OF_TEST"))
    own = HttpSource("w", page, api.url, credential=Credential("TOKEN_OF_TEST", "X-Key"))
    with structlog.testing.capture_logs() as logs:
        told = json.loads((await asked(bearer, "forecast", {"city": "x"})).text)
        assert told["headers"]["authorization"] == "Bearer ***"
        told = json.loads((await asked(own, "forecast", {"city": "x", "X-Key": "mine"})).text)
        assert told["headers"]["x-key"] == "***"
        gone = await asked(bearer, "forecast", {"city": "gone"})
    assert gone == ToolResult("HTTP 404: no *** here", is_error=True)
    assert "s3cret" not in str(logs)
    monkeypatch.delenv("TOKEN_OF_TEST")
    with pytest.raises(UsageError, match="variable TOKEN_OF_TEST is not set"):
        await asked(bearer, "forecast", {"city": "x"})


async def test_redirects_stay_on_the_host(api: Api, page: str) -> None:
    source = HttpSource("w", page, api.url)
    api.answers["/here"] = 302, {"Location": "/there"}, b""
    assert json.loads((await asked(source, "other", {"kind": "here"})).text)["path"] == "/there"
    other_port = api.url.rpartition(":")[0] + ":1/"
    api.answers["/away"] = 307, {"Location": other_port}, b""
    away = await asked(source, "other", {"kind": "away"})
    assert away == ToolResult(
        "other was redirected to another host, and did not follow.", is_error=True
    )
    api.answers["/round"] = 302, {"Location": "/round"}, b""
    assert "redirected more than 3 times" in (await asked(source, "other", {"kind": "round"})).text


async def test_answers_that_are_long_or_no_text(
    api: Api, page: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "_MOST_BYTES", 1000)
    source = HttpSource("w", page, api.url)
    api.answers["/long"] = (
        200,
        {"Content-Type": "text/plain; charset=gbk"},
        "字".encode("gbk") * 900,
    )
    long = await asked(source, "other", {"kind": "long"})
    assert long.text == "字" * 500 + "… [TRUNCATED: 1000 of 1800 bytes]"
    api.answers["/picture"] = 200, {"Content-Type": "image/png"}, b"\x89PNG"
    picture = await asked(source, "other", {"kind": "picture"})
    assert picture.files == (ToolFile("other.png", b"\x89PNG", "image/png"),)
    assert picture.text == "HTTP 200: other.png, image/png, 4 bytes"
    api.answers["/huge"] = 200, {"Content-Type": "image/png"}, bytes(2000)
    assert (await asked(source, "other", {"kind": "huge"})).is_error
    api.answers["/none"] = 204, {}, b""
    assert await asked(source, "other", {"kind": "none"}) == ToolResult("HTTP 204")


async def test_an_api_that_does_not_answer(page: str) -> None:
    result = await asked(HttpSource("w", page, "http://127.0.0.1:1"), "other", {"kind": "x"})
    assert result == ToolResult("other cannot be reached (ConnectError).", is_error=True)


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
