"""One server, every wire, things that go right and wrong: what its log never holds."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import connect

from tests.cli.support import WAIT, serving

GENERATION = "/api/v1/services/aigc/text-generation/generation"
PROMPT, STOP, HEADER, QUERY, WRONG = (
    f"marker-of-the-{part}" for part in ("prompt", "stop", "header", "query", "mistake")
)
RULES = [
    {"match": "fail", "reply": f"{PROMPT} and on", "error_after": 2},
    {"match": "fail at once", "reply": "", "error_after": 0},
    {"match": "loop", "reply": f"{PROMPT} ", "repeat": 400},
    {"reply": "You said: {question}"},
]


@dataclass
class Log:
    text: str
    key: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        """All but what the command itself says to a person."""
        return [json.loads(line) for line in self.text.splitlines() if line.startswith("{")]


class Client:
    def __init__(self, url: str, key: str) -> None:
        self._url = url.removesuffix("/api/v1")
        self._key = key
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def post(self, path: str, body: object, headers: Mapping[str, str] | None = None) -> int:
        """The status; the answer is read to its end."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(
            f"{self._url}{path}?{QUERY}={QUERY}",
            raw,
            {
                "Authorization": f"Bearer {self._key}",
                "Content-Type": "application/json",
                "User-Agent": HEADER,
                "X-DashScope-WorkSpace": HEADER,
                "Cookie": HEADER,
                **(headers or {}),
            },
        )
        try:
            with self._opener.open(request, timeout=WAIT) as response:
                response.read()
                return int(response.status)
        except urllib.error.HTTPError as error:
            with error:
                error.read()
                return error.code

    def task(self, given: object, parameters: object) -> str:
        """Run one websocket task; the name of the event that ended it."""
        url = self._url.replace("http://", "ws://") + "/api-ws/v1/inference/"
        headers = {"Authorization": f"bearer {self._key}", "X-DashScope-WorkSpace": HEADER}
        payload = {
            "task_group": "aigc",
            "task": "text-generation",
            "function": "generation",
            "model": "chatglm3-6b",
            "input": given,
            "parameters": parameters,
        }
        header = {"action": "run-task", "task_id": uuid.uuid4().hex, "streaming": "out"}
        with connect(url, additional_headers=headers, proxy=None) as socket:
            socket.send(json.dumps({"header": header, "payload": payload}))
            while True:
                event = json.loads(socket.recv(WAIT))["header"]["event"]
                if event in ("task-finished", "task-failed"):
                    return str(event)


def exercise(client: Client) -> None:
    """Right and wrong requests over every wire, markers in all they say."""
    stop = {"temperature": 0, "stop": [STOP]}
    for words in (PROMPT, f"{PROMPT} fail", f"{PROMPT} fail at once", f"{PROMPT} loop"):
        native = {"model": "chatglm3-6b", "input": {"prompt": words}, "parameters": stop}
        messages = [{"role": "user", "content": words}]
        chat = {"model": "chatglm3-6b", "messages": messages, **stop}
        failed = 500 if "fail" in words else 200
        assert client.post(GENERATION, native) == failed
        assert client.post(GENERATION, native, {"X-DashScope-SSE": "enable"}) in (200, failed)
        assert client.post("/compatible-mode/v1/chat/completions", chat) == failed
        assert client.post("/v1/chat/completions", {**chat, "stream": True}) in (200, failed)
        ended = client.task({"messages": messages}, stop)
        assert ended == ("task-failed" if "fail" in words else "task-finished")
    turns = [{"user": f"{PROMPT} " * 300, "bot": f"{PROMPT} " * 300}] * 8
    longer = {"prompt": PROMPT, "history": turns}
    assert client.post(GENERATION, {"model": "chatglm3-6b", "input": longer}) == 200
    mistakes: list[object] = [
        f'{{"{WRONG}'.encode(),
        {"model": WRONG, "input": {"prompt": WRONG}},
        {"model": "chatglm3-6b", "input": {"prompt": [WRONG]}},
        {"model": "chatglm3-6b", "input": {"messages": [{"role": WRONG, "content": WRONG}]}},
        {"model": "chatglm3-6b", "input": {"prompt": WRONG}, "parameters": {"stop": {WRONG: 1}}},
        {"model": "chatglm3-6b", "input": {"prompt": WRONG}, "parameters": {"seed": WRONG}},
        {"model": "chatglm3-6b", "messages": [{"role": "user", "content": WRONG}], "n": WRONG},
        {"model": "chatglm3-6b", "input": {"prompt": f"{WRONG} " * 9000}},
    ]
    for mistake in mistakes:
        for path in (GENERATION, "/v1/chat/completions", "/api/v1/tokenizer"):
            assert client.post(path, mistake) < 500
    assert client.post(GENERATION, {}, {"Authorization": f"Bearer {WRONG}"}) == 401
    assert client.task({"prompt": [WRONG]}, {"top_p": WRONG}) == "task-failed"


def logged(directory: Path, *options: str) -> Log:
    """Everything on standard error of a server that was exercised."""
    script, errors = directory / "script.json", directory / "errors"
    script.write_text(json.dumps({"rules": RULES}), encoding="utf-8")
    command = ("--engine", "scripted", "--script", str(script), *options)
    with ExitStack() as stack:
        server = stack.enter_context(serving(*command, errors=errors))
        key = server.exports["DASHSCOPE_API_KEY"]
        exercise(Client(server.url, key))
        server.process.terminate()
        assert server.process.wait(WAIT) == 0
        return Log(errors.read_text(encoding="utf-8"), key)


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Log]:
    with pytest.MonkeyPatch.context() as patch:
        directory = tmp_path_factory.mktemp("secrecy")
        patch.setenv("GLMSCOPE_HOME", str(directory))
        yield logged(directory)


def test_every_request_is_logged(log: Log) -> None:
    lines = log.lines
    requests = [line for line in lines if line["event"] == "request"]
    assert {line["wire"] for line in requests} == {"dashscope", "openai", "websocket"}
    assert len({line["request_id"] for line in requests}) == len(requests) > 40
    events = {line["event"] for line in lines}
    # What went wrong is told as well, so the silence about texts is no accident.
    assert {"request", "history_trimmed", "reply_failed", "reply_looped"} <= events


@pytest.mark.parametrize("marker", [PROMPT, STOP, HEADER, QUERY, WRONG])
def test_no_client_text_is_in_the_log(log: Log, marker: str) -> None:
    assert marker not in log.text


def test_no_key_is_in_the_log(log: Log) -> None:
    assert log.key not in log.text
    assert log.key[-12:] not in log.text


def test_texts_are_logged_where_the_operator_asks_for_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GLMSCOPE_HOME", str(tmp_path))
    log = logged(tmp_path, "--log-prompts")
    texts = [line for line in log.lines if line["event"] == "texts"]
    assert any(PROMPT in line["prompt"] for line in texts)
    assert any(f"You said: {PROMPT}" in reply for line in texts for reply in line["replies"])
    assert log.key not in log.text
    assert HEADER not in log.text
