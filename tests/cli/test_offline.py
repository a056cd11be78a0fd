"""`glmscope serve` without a model: faults, recording, replay."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.cli.support import glmscope, serving
from tests.cli.test_serve import ask
from tests.server.support import eventually


def test_faults_from_a_file(tmp_path: Path) -> None:
    faults = tmp_path / "faults.json"
    faults.write_text('{"rules": [{"match": "busy", "error": {"code": "Throttling"}}]}')
    arguments = ["--engine", "scripted", "--no-auth", "--faults", str(faults)]
    with serving(*arguments, errors=tmp_path / "errors") as server:
        status, body = ask(server, None, "busy")
        assert (status, body["code"]) == (429, "Throttling")
        assert ask(server, None, "hello")[0] == 200


def test_record_then_replay(tmp_path: Path) -> None:
    directory = tmp_path / "exchanges"
    errors = tmp_path / "errors"
    with serving("--engine", "scripted", "--record", str(directory), errors=errors) as server:
        key = server.exports["DASHSCOPE_API_KEY"]
        first = ask(server, key, "hello")
        assert eventually(lambda: len(list(directory.glob("*.json"))) == 1)
    (file,) = directory.iterdir()
    assert key not in file.read_text(encoding="utf-8")
    if os.name == "posix":
        assert file.stat().st_mode & 0o777 == 0o600
    with serving("--replay", str(directory), "--replay-speed", "0", errors=errors) as server:
        assert any("recorded exchanges, 1 in all" in line for line in server.lines)
        assert ask(server, key, "hello") == first
        assert ask(server, key, "other")[0] == 404
        assert ask(server, "glms-wrong", "hello")[0] == 401


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--faults", "x.json"], "--faults goes with --engine scripted."),
        (["--engine", "scripted", "--faults", "nowhere"], "Cannot read the fault plan nowhere"),
        (["--replay", ".", "--engine", "scripted"], "--replay runs no model"),
        (["--replay", "nowhere"], "Cannot replay nowhere: No such file or directory."),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_what_cannot_be_asked_for(arguments: list[str], complaint: str) -> None:
    result = glmscope("serve", "--no-auth", *arguments)
    assert result.returncode == 2
    assert complaint in result.stderr


def test_a_file_that_is_no_exchange(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text(json.dumps({"glmscope_exchange": 1}))
    result = glmscope("serve", "--no-auth", "--replay", str(tmp_path))
    assert result.returncode == 2
    assert "x.json is not a recorded exchange." in result.stderr
