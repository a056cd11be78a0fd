"""`glmscope bench`: on a small network of random weights, and on a server of prepared replies."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from glmscope.cli.commands import app
from glmscope.errors import UsageError
from tests.cli.support import Serving, glmscope, serving
from tests.support.nano import write_nano

RULES = [
    {"match": "break", "reply": "some words before it", "error_after": 4},
    {"reply": "You said: {question}"},
]
TINY = ("--prefill", "16,4000", "--streams", "1,2", "--context", "8", "--new", "4")


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    directory: Path = tmp_path_factory.mktemp("bench")
    script = directory / "script.json"
    script.write_text(json.dumps({"rules": RULES}), encoding="utf-8")
    arguments = ["--engine", "scripted", "--script", str(script)]
    arguments += ["--database", str(directory / "keys.db")]
    with serving(*arguments, errors=directory / "errors") as running:
        yield running


@pytest.fixture
def key(server: Serving, monkeypatch: pytest.MonkeyPatch) -> str:
    found = server.exports["DASHSCOPE_API_KEY"]
    monkeypatch.setenv("DASHSCOPE_API_KEY", found)
    return found


def test_the_built_in_model_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GLMSCOPE_NANO", str(write_nano(tmp_path / "nano")))
    file = tmp_path / "figures.json"
    result = glmscope("bench", *TINY, "--rounds", "1", "--json", str(file))
    assert result.returncode == 0, result.stderr
    lines = result.stdout.splitlines()
    assert lines[0].startswith("chatglm3-nano, int8 weights, loaded in ")
    names = [line.split("  ")[0].strip() for line in lines]
    assert {"prefill 16", "decode ×1", "decode ×2"} <= set(names)
    assert "prefill 4000 is left out: 2048 positions are fewer." in lines
    assert any("int8 GOP/s" in line and "cores read" in line for line in lines)
    written = json.loads(file.read_text(encoding="utf-8"))
    (network,) = written["networks"]
    assert network["model"] == "chatglm3-nano"
    assert len(network["rows"]) == 3


def test_directories_take_turns_and_are_drawn(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    model, picture = write_nano(tmp_path / "nano"), tmp_path / "roofline.png"
    arguments = ("--prefill", "none", "--streams", "1", "--new", "4", "--rounds", "1")
    result = glmscope("bench", str(model), "--model", str(model), *arguments, "--png", str(picture))
    assert result.returncode == 0, result.stderr
    assert result.stdout.count("model, int8 weights") == 2
    assert "prefill" not in result.stdout
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_a_server_is_measured(server: Serving, key: str, tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    result = glmscope(
        *("bench", "--server", server.url, "--rate", "200", "--requests", "8", "--seed", "5"),
        *("--question", "hello", "--question", "please break", "--json", str(file)),
    )
    assert result.returncode == 0, result.stderr
    assert "between tokens" in result.stdout
    assert "4 of 8 answered" in result.stdout
    assert "4 × " in result.stdout
    assert key not in result.stdout + result.stderr + file.read_text(encoding="utf-8")
    written = json.loads(file.read_text(encoding="utf-8"))
    assert (written["model"], written["seed"]) == ("chatglm3-6b", 5)
    assert (written["requests"], written["answered"]) == (8, 4)
    assert set(written["seconds_by_percentile"]) == {"first_token", "between_tokens", "whole_reply"}


def test_replies_are_as_long_as_was_asked(server: Serving, key: str, tmp_path: Path) -> None:
    result = glmscope(
        *("bench", "--server", server.url, "--rate", "200", "--requests", "2"),
        *("--max-tokens", "3", "--model", "chatglm-6b-v2", "--json", str(tmp_path / "f")),
    )
    assert result.returncode == 0, result.stderr
    written = json.loads((tmp_path / "f").read_text(encoding="utf-8"))
    assert written["tokens_per_second"] * written["seconds"] == pytest.approx(6)


def test_a_server_that_answers_nothing_is_a_failure(
    server: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DASHSCOPE_API_KEY", "sk-not-a-key-of-this-server")
    result = glmscope("bench", "--server", server.url, "--rate", "200", "--requests", "3")
    assert result.returncode == 1
    assert "0 of 3 answered" in result.stdout
    assert "3 × Invalid API-key provided. (InvalidApiKey)" in result.stdout
    assert "sk-not-a-key" not in result.stdout + result.stderr


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--prefill", "12,x"], "--prefill takes numbers like 128,512"),
        (["--streams", "0"], "--streams takes numbers like 128,512"),
        (["--prefill", "none", "--streams", "none"], "nothing is left to measure"),
        (["--rate", "2"], "go with --server"),
        (["--json", "absent/figures.json"], "absent is not a directory"),
        (["--png", "."], ". is a directory; name a file in it"),
        (["absent"], '"absent" is none of these'),
        (["--server", "http://127.0.0.1:1", "--threads", "1"], "the server decides"),
        (["--server", "http://127.0.0.1:1", "--png", "x.png"], "the server decides"),
        (["--server", "http://127.0.0.1:1", "a", "b"], "one model is asked at a time"),
        (["--server", "127.0.0.1:1"], "takes an address like"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(arguments: list[str], sentence: str) -> None:
    with pytest.raises(UsageError) as caught:
        CliRunner().invoke(app, ["bench", *arguments], catch_exceptions=False)
    assert sentence in caught.value.message
    assert "\n" not in caught.value.message


def test_it_offers_no_prefix_cache_for_every_prompt_is_measured_as_a_new_one() -> None:
    assert "prefix-cache" not in glmscope("bench", "--help").stdout
    refused = glmscope("bench", "--no-prefix-cache")
    assert refused.returncode == 2
    assert "--no-prefix-cache" in refused.stderr


def test_a_picture_without_matplotlib(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(UsageError, match=r"pip install 'glmscope\[bench\]'"):
        CliRunner().invoke(app, ["bench", "--png", str(tmp_path / "x")], catch_exceptions=False)
