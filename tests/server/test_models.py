"""`GET /api/v1/models`, page by page, and one by its id."""

from __future__ import annotations

from typing import Any

import pytest

from tests.server.support import Answer, RunningServer

MODELS = "/api/v1/models"


def get(server: RunningServer, path: str) -> Answer:
    with server.connect() as connection:
        connection.send(b"", path=path, method="GET")
        return connection.answer()


def page(server: RunningServer, query: str = "") -> Any:
    answer = get(server, f"{MODELS}{query}")
    assert answer.status == 200
    assert answer.json["request_id"] == answer.headers["x-request-id"]
    return answer.json["output"]


def ids(output: Any) -> list[str]:
    return [model["model"] for model in output["models"]]


def test_all_on_one_page(server: RunningServer) -> None:
    output = page(server)
    assert ids(output) == ["chatglm3-6b", "chatglm-6b-v2"]
    assert (output["page_no"], output["page_size"], output["total"]) == (1, 10, 2)
    first = output["models"][0]
    assert list(first) == ["model", "name", "description", "provider"]
    assert (first["name"], "7500" in first["description"]) == ("ChatGLM3-6B", True)


def test_pages(server: RunningServer) -> None:
    pages = [page(server, f"?page_no={number}&page_size=1") for number in (1, 2, 3)]
    assert [ids(each) for each in pages] == [["chatglm3-6b"], ["chatglm-6b-v2"], []]
    assert {each["total"] for each in pages} == {2}


def test_filtered_by_id(server: RunningServer) -> None:
    assert ids(page(server, "?model=chatglm-6b-v2&page_no=1&page_size=1")) == ["chatglm-6b-v2"]
    nothing = page(server, "?model=chatglm")
    assert (ids(nothing), nothing["total"]) == ([], 0)


def test_one_by_its_id(server: RunningServer) -> None:
    answer = get(server, f"{MODELS}/chatglm3-6b")
    assert answer.json["output"] == page(server)["models"][0]
    for unknown in ("chatglm9", "chatglm3-6b/x", "%00", "%F0%9F%98%80"):
        assert get(server, f"{MODELS}/{unknown}").error == (404, "ModelNotFound")


@pytest.mark.parametrize(
    "query",
    [f"page_no={number}" for number in ("0", "-1", "x", "", "1.0", "%D9%A1", "9" * 5000)]
    + [f"page_size={number}" for number in ("0", "101", "")],
)
def test_numbers_that_are_none(server: RunningServer, query: str) -> None:
    answer = get(server, f"{MODELS}?{query}")
    assert answer.error == (400, "InvalidParameter")
    assert "page_" in answer.json["message"]
