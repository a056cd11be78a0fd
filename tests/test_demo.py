"""`make demo` without the set-up."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from glmscope import nano
from tests.support.nano import write_nano
from tests.support.paths import REPOSITORY


@pytest.mark.parametrize("built_in", [True, False])
def test_the_demo_answers_and_leaves_nothing_behind(
    built_in: bool, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmp_path, elsewhere = tmp_path_factory.mktemp("demo"), tmp_path_factory.mktemp("nano")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    model = write_nano(elsewhere) if built_in else elsewhere / "nowhere"
    monkeypatch.setenv(nano.VARIABLE, str(model))
    result = subprocess.run(
        [sys.executable, str(REPOSITORY / "scripts" / "demo.py")],
        capture_output=True,
        encoding="utf-8",
        timeout=300,
    )
    assert result.returncode == 0, result.stderr
    (printed,) = [line for line in result.stdout.splitlines() if line.startswith("{")]
    answer = json.loads(printed)
    assert answer["status_code"] == 200
    assert answer["output"]["choices"][0]["message"]["role"] == "assistant"
    assert ("small demonstration model" in result.stdout) is built_in
    assert ("noise" in result.stdout) is not built_in
    assert "Stopped." in result.stderr
    assert list(tmp_path.glob("glmscope*")) == []
