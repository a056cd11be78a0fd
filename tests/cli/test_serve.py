from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.cli.support import WAIT, Serving, glmscope, serving
from tests.support.paths import REPOSITORY

EXAMPLE = REPOSITORY / "examples" / "call_with_messages.py"
PAGE_EXAMPLE_KEYS = ["status_code", "request_id", "code", "message", "output", "usage"]


def run_example(environment: dict[str, str]) -> dict[str, Any]:
    """The page's program, letter for letter, with only its environment changed."""
    result = subprocess.run(
        [sys.executable, str(EXAMPLE)],
        env=os.environ | environment | {"NO_PROXY": "127.0.0.1"},
        capture_output=True,
        encoding="utf-8",
        timeout=WAIT,
    )
    assert result.returncode == 0, result.stderr
    answer = json.loads(result.stdout)
    assert isinstance(answer, dict)
    return answer


def ask(server: Serving, key: str | None, text: str = "hello") -> tuple[int, dict[str, Any]]:
    request = urllib.request.Request(
        f"{server.url}/services/aigc/text-generation/generation",
        json.dumps({"model": "chatglm3-6b", "input": {"prompt": text}}).encode(),
        {"Content-Type": "application/json"},
    )
    if key is not None:
        request.add_header("Authorization", f"Bearer {key}")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=WAIT) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def test_the_pages_example_is_answered_with_what_the_first_start_prints(tmp_path: Path) -> None:
    with serving("--engine", "scripted", errors=tmp_path / "errors") as server:
        assert any("No model is behind these ids" in line for line in server.lines)
        answer = run_example(server.exports)
    assert list(answer) == PAGE_EXAMPLE_KEYS
    assert answer["status_code"] == 200
    assert list(answer["output"]) == ["text", "finish_reason", "choices"]
    (choice,) = answer["output"]["choices"]
    assert list(choice) == ["finish_reason", "message"]
    assert list(choice["message"]) == ["role", "content", "content_type"]
    assert "杭州" in choice["message"]["content"]
    assert list(answer["usage"]) == ["input_tokens", "output_tokens"]


def test_the_key_is_shown_once_and_survives_a_kill(tmp_path: Path) -> None:
    errors = tmp_path / "errors"
    with serving("--engine", "scripted", errors=errors) as first:
        key = first.exports["DASHSCOPE_API_KEY"]
        first.process.send_signal(signal.SIGKILL)
        first.process.wait(WAIT)
    with serving("--engine", "scripted", errors=errors) as second:
        assert "DASHSCOPE_API_KEY" not in second.exports
        assert key not in "\n".join(second.lines)
        assert ask(second, key)[0] == 200
        assert ask(second, "glms-wrong")[0] == 401
        assert ask(second, None)[0] == 401
    assert key not in errors.read_text(encoding="utf-8")


def test_a_signal_stops_it_cleanly(tmp_path: Path) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        with serving("--engine", "scripted", errors=tmp_path / "errors") as server:
            server.process.send_signal(number)
            assert server.process.wait(WAIT) == 0
        assert (tmp_path / "errors").read_text(encoding="utf-8") == "Stopped.\n"


def test_a_running_reply_is_finished_before_it_stops(tmp_path: Path) -> None:
    script = tmp_path / "script.json"
    script.write_text('{"rules": [{"reply": "done at last", "delay_ms": 40}]}', encoding="utf-8")
    arguments = ["--engine", "scripted", "--script", str(script), "--no-auth"]
    with serving(*arguments, errors=tmp_path / "errors") as server:
        address = server.url.removeprefix("http://").partition("/")[0].split(":")
        body = b'{"model": "chatglm3-6b", "input": {"prompt": "slowly"}}'
        with socket.create_connection((address[0], int(address[1])), timeout=WAIT) as client:
            client.sendall(
                b"POST /api/v1/services/aigc/text-generation/generation HTTP/1.1\r\n"
                b"Host: x\r\nX-DashScope-SSE: enable\r\nContent-Length: %d\r\n\r\n%s"
                % (len(body), body)
            )
            received = client.recv(65536)
            while b"event:result" not in received:
                received += client.recv(65536)
            server.process.send_signal(signal.SIGTERM)
            while piece := client.recv(65536):
                received += piece
        assert server.process.wait(WAIT) == 0
    assert b"done at last" in received
    assert b'"finish_reason":"stop"' in received


def test_no_auth_answers_without_a_key_on_loopback(tmp_path: Path) -> None:
    with serving("--engine", "scripted", "--no-auth", errors=tmp_path / "errors") as server:
        assert ask(server, None)[0] == 200
        # The SDKs refuse to send anything without one.
        assert server.exports["DASHSCOPE_API_KEY"] == "none"


@pytest.mark.parametrize(("retries", "answered"), [("0", "我在。"), ("3", "好")])
def test_a_looped_answer_is_tried_again_as_often_as_is_said(
    tmp_path: Path, retries: str, answered: str
) -> None:
    script = tmp_path / "script.json"
    # Greedy takes the first wording; another try draws, and three nearly surely draw another one.
    rules = {"rules": [{"reply": [["我在。" * 200, *[answered] * 29]]}]}
    script.write_text(json.dumps(rules), encoding="utf-8")
    arguments = ["--engine", "scripted", "--script", str(script), "--loop-retries", retries]
    with serving(*arguments, "--no-auth", errors=tmp_path / "errors") as server:
        _, answer = ask(server, None)
    assert answer["output"]["text"].strip() == answered


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_no_auth_is_refused_where_others_could_reach_it(host: str) -> None:
    result = glmscope("serve", "--engine", "scripted", "--no-auth", "--host", host)
    assert result.returncode == 2
    assert result.stderr.startswith("--no-auth serves this machine alone")


def test_a_port_in_use_is_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = glmscope("serve", "--engine", "scripted", "--port", str(port))
    assert result.returncode == 2
    assert result.stderr == f"Cannot listen on 127.0.0.1 port {port}: Address already in use.\n"
    assert result.stdout == ""


def test_nothing_to_serve_says_what_to_do(home: Path) -> None:
    result = glmscope("serve")
    assert result.returncode == 2
    assert "glmscope pull chatglm3-6b" in result.stderr
    (home / "models" / "chatglm-6b-v2").mkdir(parents=True)
    result = glmscope("serve")
    assert "chatglm-6b-v2 is here: give --model chatglm-6b-v2" in result.stderr
