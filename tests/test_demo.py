"""`make demo` without the set-up."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.paths import REPOSITORY


def test_the_demo_answers_and_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
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
    (choice,) = answer["output"]["choices"]
    assert choice["finish_reason"] == "stop"
    content = choice["message"]["content"]
    assert "杭州" in content
    assert len(re.findall("[一-鿿]", content)) >= 100
    assert "small demonstration model" in result.stdout
    assert "Stopped." in result.stderr
    assert list(tmp_path.glob("glmscope*")) == []
