"""The short version of `scripts/soak.py`, which by hand runs for ten minutes with 500 clients."""

from __future__ import annotations

import subprocess
import sys

from tests.support.paths import REPOSITORY

SECONDS = 60


def test_strangers_for_a_while() -> None:
    script = REPOSITORY / "scripts" / "soak.py"
    result = subprocess.run(
        [sys.executable, str(script), "--seconds", str(SECONDS), "--streams", "200"],
        capture_output=True,
        encoding="utf-8",
        timeout=SECONDS * 8,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert " answered, " in result.stdout
    assert " 0 answered, " not in result.stdout
