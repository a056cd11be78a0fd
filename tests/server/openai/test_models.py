"""The models that a key may use."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from glmscope.store.keyinfo import KeyTerms
from glmscope.store.keys import KeyStore
from tests.server.openai.support import CHAT, PLANE, chat
from tests.server.openai.test_errors import error_of
from tests.server.support import Answer, RunningServer


def get(server: RunningServer, path: str, key: str | None = None) -> Answer:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    with server.connect() as connection:
        connection.send(b"", headers, path, "GET")
        return connection.answer()


@pytest.fixture
def narrow_key(keys: KeyStore) -> Iterator[str]:
    made = keys.create("narrow", KeyTerms(models=frozenset({"chatglm-6b-v2"})))
    yield made.key
    keys.revoke(made.id)


def test_all_models(server: RunningServer) -> None:
    body = get(server, "/v1/models").json
    assert body["object"] == "list"
    created = body["data"][0]["created"]
    assert 0 <= time.time() - created < 3600
    assert body["data"] == [
        {"id": model, "object": "model", "created": created, "owned_by": "glmscope"}
        for model in ("chatglm3-6b", "chatglm-6b-v2")
    ]
    assert get(server, f"{PLANE}/models/chatglm-6b-v2").json == body["data"][1]


def test_unknown_model(server: RunningServer) -> None:
    for name in ("gpt-4", "org/name", "%20"):
        answer = get(server, f"{PLANE}/models/{name}")
        assert error_of(answer) == (404, "model_not_found", "model")


def test_a_key_sees_and_uses_only_its_models(server: RunningServer, narrow_key: str) -> None:
    body = get(server, "/v1/models", narrow_key).json
    assert [each["id"] for each in body["data"]] == ["chatglm-6b-v2"]
    for answer in (
        get(server, "/v1/models/chatglm3-6b", narrow_key),
        server.ask(chat(), {"Authorization": f"Bearer {narrow_key}"}, CHAT),
    ):
        assert error_of(answer) == (403, "permission_denied", "model")
