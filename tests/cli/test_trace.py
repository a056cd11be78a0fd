"""`glmscope trace`, against a server of its own."""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.support import WAIT, Serving, glmscope, serving

RULES = [
    {"match": "steer", "reply": "\x1b[31mred"},
    {"match": "loop", "reply": "again ", "repeat": 400},
    {"reply": "You said: {question}"},
]
STOP_ID = r"(</s>|<\|user\|>)"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    directory: Path = tmp_path_factory.mktemp("trace")
    script = directory / "script.json"
    script.write_text(json.dumps({"rules": RULES}), encoding="utf-8")
    arguments = ["--engine", "scripted", "--script", str(script), "--trace"]
    arguments += ["--database", str(directory / "keys.db")]
    with serving(*arguments, errors=directory / "errors") as running:
        yield running


def ask(server: Serving, text: str, **parameters: object) -> str:
    """The id of a request that was answered to its end."""
    body = {"model": "chatglm3-6b", "input": {"prompt": text}, "parameters": parameters}
    request = urllib.request.Request(
        f"{server.url}/services/aigc/text-generation/generation",
        json.dumps(body).encode(),
        {"Authorization": f"Bearer {server.exports['DASHSCOPE_API_KEY']}"},
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=WAIT) as response:
        return str(json.load(response)["request_id"])


def trace(server: Serving, request_id: str, *options: str) -> str:
    key = server.exports["DASHSCOPE_API_KEY"]
    result = glmscope("trace", request_id, "--server", server.url, "--key", key, *options)
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_what_was_read_and_written_by_piece_and_id(server: Serving) -> None:
    request_id = ask(server, "hello", temperature=0, max_tokens=100)
    lines = trace(server, request_id).splitlines()
    assert lines[0] == f"{request_id}  chatglm3-6b over dashscope, status 200"
    (sampling,) = [line for line in lines if line.startswith("  sampling")]
    assert "max_new_tokens 100, temperature 0.0, top_p 0.8" in sampling
    assert "stop_ids </s>·2 <|user|>·" in sampling
    prompt = next(at for at, line in enumerate(lines) if line.startswith("  [gMASK]"))
    # A line for each turn, the last one being the open turn of the assistant.
    starts = [line.split("·")[0].strip() for line in lines[prompt : prompt + 3]]
    assert starts == ["[gMASK]", "<|user|>", "<|assistant|>"]
    assert re.fullmatch(rf"  ended by: the stop id \d+ {STOP_ID}", lines[-1])


@pytest.mark.parametrize(
    ("text", "parameters", "end"),
    [
        ("hello", {"stop": ["said"]}, 'the stop string "said"'),
        ("hello", {"max_tokens": 2}, "the limit of tokens"),
        ("loop", {}, "the loop brake: a cycle of"),
    ],
)
def test_what_ended_it(server: Serving, text: str, parameters: dict, end: str) -> None:
    request_id = ask(server, text, temperature=0, **parameters)
    assert trace(server, request_id).splitlines()[-1].startswith(f"  ended by: {end}")
    found = json.loads(trace(server, request_id, "--json"))
    assert found["request_id"] == request_id


def test_a_reply_does_not_steer_the_terminal(server: Serving) -> None:
    assert "\x1b" not in trace(server, ask(server, "steer", stop=["\x1b[0m"]))


def test_an_unknown_request_ends_with_one_sentence(server: Serving) -> None:
    key = server.exports["DASHSCOPE_API_KEY"]
    result = glmscope("trace", "../../etc/passwd", "--server", server.url, "--key", key)
    assert result.returncode == 1
    assert result.stderr.startswith("No trace is kept under this request id")
    assert result.stderr.count("\n") == 1


def test_a_server_that_is_not_there() -> None:
    result = glmscope("trace", "x", "--server", "http://127.0.0.1:1")
    assert result.returncode == 1
    assert result.stderr.startswith("No answer from http://127.0.0.1:1/")


def test_without_tracing_it_says_so(tmp_path: Path) -> None:
    arguments = ["--engine", "scripted", "--database", str(tmp_path / "keys.db")]
    with serving(*arguments, errors=tmp_path / "errors") as quiet:
        shown = trace(quiet, ask(quiet, "private words"))
    assert "not kept: the server runs without --trace" in shown
    assert "private" not in shown
    assert re.search(rf"ended by: the stop id \d+ {STOP_ID}$", shown, re.MULTILINE)
