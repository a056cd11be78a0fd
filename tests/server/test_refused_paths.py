"""What of the service is not served: the right refusal, in JSON. DashScope protocol, section 8."""

from __future__ import annotations

import uuid

import pytest

from tests.server.support import GENERATION, RunningServer
from tests.server.test_models import MODELS
from tests.server.test_tokenizer import TOKENIZER

OUT_OF_SCOPE = [
    ("GET", "/tasks"),
    ("GET", "/tasks/0f9d4b9e"),
    ("POST", "/tasks/0f9d4b9e/cancel"),
    ("POST", "/deployments"),
    ("GET", "/files"),
    ("POST", "/fine-tunes"),
    ("GET", "/uploads"),
    ("POST", "/assistants"),
    ("POST", "/threads"),
    ("POST", "/threads/x/messages"),
    ("POST", "/threads/x/runs"),
    ("POST", "/apps/x/completion"),
    ("GET", "/public-keys/latest"),
    ("POST", "/services/embeddings/text-embedding/text-embedding"),
    ("POST", "/services/aigc/text-generation"),
    ("POST", "/services/aigc/multimodal-generation/generation"),
]


@pytest.mark.parametrize(("method", "path"), OUT_OF_SCOPE)
def test_out_of_scope_is_not_found(server: RunningServer, method: str, path: str) -> None:
    with server.connect() as connection:
        connection.send(b"{}", path=f"/api/v1{path}", method=method)
        answer = connection.answer()
        assert answer.error == (404, "NotFound")
        assert answer.headers["content-type"] == "application/json"
        assert str(uuid.UUID(answer.json["request_id"])) == answer.headers["x-request-id"]
        assert answer.json["message"]


@pytest.mark.parametrize(
    ("path", "allowed"),
    [(GENERATION, "POST"), (TOKENIZER, "POST"), (MODELS, "GET"), (f"{MODELS}/chatglm3-6b", "GET")],
)
def test_a_wrong_method(server: RunningServer, path: str, allowed: str) -> None:
    with server.connect() as connection:
        for method in {"GET", "POST", "PUT", "DELETE", "PATCH"} - {allowed}:
            connection.send(b"", path=path, method=method)
            answer = connection.answer()
            assert answer.error == (405, "MethodNotAllowed")
            assert answer.headers["allow"] == allowed


@pytest.mark.parametrize(("method", "path"), [("POST", TOKENIZER), ("GET", MODELS)])
def test_a_key_is_needed(server: RunningServer, method: str, path: str) -> None:
    with server.connect() as connection:
        connection.send(b"", {"Authorization": ""}, path, method)
        assert connection.answer().error == (401, "InvalidApiKey")
