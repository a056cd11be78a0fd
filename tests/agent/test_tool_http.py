"""Operations of an OpenAPI page as tools, against an API that runs here."""

from __future__ import annotations

import json

import pytest
import structlog

from glmscope.agent.tool import ToolFile, ToolResult
from glmscope.agent.tools import http
from glmscope.agent.tools.settings import Credential, HttpSource
from glmscope.errors import UsageError
from tests.agent.http_api import Api, asked


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
