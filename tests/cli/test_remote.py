from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from glmscope.chat.request import Message
from glmscope.cli.remote import RemoteModel
from glmscope.errors import RequestError, ServiceError, UsageError
from tests.cli.support import Serving, glmscope, serving

QUESTION = [Message("user", "介绍下杭州")]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    directory = tmp_path_factory.mktemp("server")
    script = directory / "script.json"
    script.write_text('{"rules": [{"reply": "\\n You said: {question}"}]}', encoding="utf-8")
    arguments = ["--engine", "scripted", "--script", str(script)]
    arguments += ["--database", str(directory / "keys.db")]
    with serving(*arguments, errors=directory / "errors") as running:
        yield running


def test_pieces_of_a_reply_arrive_one_by_one(server: Serving) -> None:
    model = RemoteModel(server.url, server.exports["DASHSCOPE_API_KEY"], "chatglm3-6b")
    pieces = list(model.reply(QUESTION))
    assert len(pieces) > 3
    assert "".join(pieces) == "\n You said: 介绍下杭州"


def test_a_refusal_keeps_the_servers_words(server: Serving) -> None:
    with pytest.raises(RequestError, match=r"Invalid API-key provided\. \(InvalidApiKey\)"):
        list(RemoteModel(server.url, "wrong", "chatglm3-6b").reply(QUESTION))
    key = server.exports["DASHSCOPE_API_KEY"]
    with pytest.raises(RequestError, match="ModelNotFound"):
        list(RemoteModel(server.url, key, "chatglm9").reply(QUESTION))


def test_chat_over_a_server(server: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DASHSCOPE_API_KEY", server.exports["DASHSCOPE_API_KEY"])
    address = server.url.removesuffix("/api/v1")
    result = glmscope("chat", "--server", address, stdin="介绍下杭州\n你好\n")
    assert result.returncode == 0, result.stderr
    assert result.stdout == "You said: 介绍下杭州\nYou said: 你好\n"


@contextmanager
def answering(body: bytes, status: int = 200) -> Iterator[str]:
    """A server that answers everything in the same way."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as stand_in:
        thread = threading.Thread(target=stand_in.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{stand_in.server_address[1]}"
        finally:
            stand_in.shutdown()
            thread.join()


CHUNK = (
    b'id:1\nevent:result\n:HTTP_STATUS/200\ndata:{"output":{"choices":[{"message":{"role":'
    b'"assistant","content":"half"},"finish_reason":"null"}]},"request_id":"1"}\n\n'
)
FAILURE = b'id:2\nevent:error\ndata:{"code":"InternalError.Algo","message":"It broke."}\n\n'


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (CHUNK, "broke off in the middle"),
        (CHUNK + FAILURE, r"It broke\. \(InternalError\.Algo\)"),
        (b"data:<html>\n\n", "is not DashScope"),
        (b'data:{"choices":[]}\n\n', "is not DashScope"),
    ],
)
def test_what_goes_wrong_in_a_stream_is_told(body: bytes, told: str) -> None:
    with answering(body) as address:
        reply = RemoteModel(address, "key", "chatglm3-6b").reply(QUESTION)
        with pytest.raises(ServiceError, match=told):
            list(reply)


def test_an_error_page_of_something_else_is_told_by_its_status() -> None:
    with answering(b"<html>", 502) as address:
        reply = RemoteModel(address, "key", "chatglm3-6b").reply(QUESTION)
        with pytest.raises(ServiceError, match="status 502"):
            list(reply)


def test_nobody_there_is_told() -> None:
    with answering(b"") as address:
        pass
    with pytest.raises(ServiceError, match=f"No answer from {address}.*Connection refused"):
        list(RemoteModel(address, "key", "chatglm3-6b").reply(QUESTION))


@pytest.mark.parametrize("address", ["127.0.0.1:8000", "ftp://host", "", "file:///etc/passwd"])
def test_only_web_addresses_are_asked(address: str) -> None:
    with pytest.raises(UsageError, match="--server takes an address like"):
        RemoteModel(address, "key", "chatglm3-6b")
