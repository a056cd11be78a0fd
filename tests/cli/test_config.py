"""The configuration file: what it may say, and which sentence answers a mistake."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from glmscope.cli.config import Config, read_config
from glmscope.errors import UsageError
from glmscope.store.keyinfo import KeyLimits
from tests.cli.support import glmscope, serving

WHOLE = """
database = "postgresql://u@h/d"

[serve]
model = ["chatglm3-6b", "base=/data/base"]
host = "0.0.0.0"
max_waiting = 5

[limits]
requests_per_minute = 60
tokens_per_minute = 60_000
concurrent_requests = 8
tokens_per_month = 10_000_000
storage = "redis://127.0.0.1:6379/0"
"""


def written(directory: Path, text: str) -> Path:
    path = directory / "c.toml"
    path.write_text(text, "utf-8")
    return path


def test_a_whole_file(tmp_path: Path) -> None:
    assert read_config(written(tmp_path, WHOLE)) == Config(
        database="postgresql://u@h/d",
        serve={
            "model": ["chatglm3-6b", "base=/data/base"],
            "host": "0.0.0.0",
            "max_waiting": 5,
        },
        limits=KeyLimits(60, 60_000, 8, 10_000_000),
        limits_storage="redis://127.0.0.1:6379/0",
    )


def test_without_a_file_everything_is_as_built_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GLMSCOPE_HOME", str(tmp_path))
    assert read_config(None) == Config()
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        read_config(tmp_path / "named.toml")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("datbase = 'x'", 'unknown name "datbase"; did you mean "database"?'),
        ("[limit]", 'unknown name "limit"; did you mean "limits"?'),
        ("[limits]\nrequest_per_minute = 1", 'did you mean "requests_per_minute"?'),
        ("[limits]\nzzz = 1", "known are concurrent_requests,"),
        ("[limits]\nrequests_per_minute = true", "requests_per_minute is a whole number"),
        ("[limits]\nrequests_per_minute = 1.5", "requests_per_minute is a whole number"),
        ("[limits]\nrequests_per_minute = -1", "requests_per_minute is a whole number"),
        ("[limits]\nstorage = 5", "storage is text"),
        ("database = 5", "database is text"),
        ("serve = 5", "serve is a table"),
        ("database = ", "is not valid TOML"),
    ],
)
def test_mistakes_get_one_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_config(written(tmp_path, text))
    assert sentence in caught.value.message
    assert str(tmp_path / "c.toml") in caught.value.message
    assert "\n" not in caught.value.message


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("prot = 1", 'unknown name "prot"; did you mean "port"?'),
        ('database = "x"', 'unknown name "database"'),
        ("model = 'one'", "model is a list"),
        ("host = ['a']", "host is a single value"),
        ("port = true", "port is not true or false"),
        ("no_auth = 1", "no_auth is true or false"),
        ("host = {a = 1}", "host is a single value"),
    ],
)
def test_serve_knows_its_own_names(tmp_path: Path, text: str, sentence: str) -> None:
    result = glmscope("serve", "--config", str(written(tmp_path, f"[serve]\n{text}")))
    assert result.returncode == 2
    assert sentence in result.stderr


def test_a_server_takes_its_options_from_the_file_and_the_command_line_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GLMSCOPE_HOME", str(tmp_path / "home"))
    path = written(tmp_path, '[serve]\nengine = "scripted"\nno_auth = true\nport = 1\n')
    with serving("--config", str(path), errors=tmp_path / "errors") as server:
        assert server.exports["DASHSCOPE_API_KEY"] == "none"
        assert not server.url.startswith("http://127.0.0.1:1/")


def test_the_files_limits_hold_for_every_key(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        f'database = "{tmp_path / "team.db"}"\n[serve]\nengine = "scripted"\n'
        "[limits]\nrequests_per_minute = 1\n",
    )
    with serving("--config", str(path), errors=tmp_path / "errors") as server:
        headers = {"Authorization": f"Bearer {server.exports['DASHSCOPE_API_KEY']}"}
        with httpx.Client(base_url=server.url, headers=headers, trust_env=False) as client:
            statuses = [client.get("/models").status_code for _ in range(3)]
    assert statuses == [200, 429, 429]
    assert (tmp_path / "team.db").exists()


def test_a_server_does_not_start_with_a_redis_that_is_not_there(tmp_path: Path) -> None:
    pytest.importorskip("redis", reason="the extra redis is not installed")
    path = written(tmp_path, f'[limits]\nstorage = "unix://{tmp_path}/no.sock"\n')
    result = glmscope("serve", "--engine", "scripted", "--config", str(path), "--port", "0")
    assert result.returncode == 2
    assert "The Redis of [limits] storage does not answer" in result.stderr
    assert "Traceback" not in result.stderr
