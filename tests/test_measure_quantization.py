"""`scripts/export_builtin_model.py` and `scripts/measure_quantization.py`, on a few dialogues."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from glmscope.evaluate.checks import BUILT_IN, HELD_OUT
from glmscope.nano import is_here
from tests.support.paths import REPOSITORY

needs_model = pytest.mark.skipif(not is_here(), reason="the built-in model is not here")


def _run(script: str, *arguments: str) -> str:
    command = [sys.executable, str(REPOSITORY / "scripts" / script), *arguments]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=600)
    assert done.returncode == 0, done.stderr
    return done.stdout


@needs_model
def test_rows_tell_formats_apart(tmp_path: Path) -> None:
    """The script that exports checks by itself that nothing was lost."""
    exported = str(tmp_path / "nano")
    assert "converts to the shipped INT8 weights" in _run("export_builtin_model.py", exported)
    calibration = tmp_path / "calibration.jsonl"
    lines = (BUILT_IN / f"{HELD_OUT}.jsonl").read_text(encoding="utf-8").splitlines()
    calibration.write_text("\n".join(lines[-8:]), encoding="utf-8")
    only = ("extreme / row", "extreme / 32", "search / 32")
    printed = _run(
        "measure_quantization.py",
        *(exported, "--dialogues", "8", "--calibration", str(calibration), "--only", *only),
    )
    rows = {
        cells[0]: cells[1:]
        for line in printed.splitlines()
        if len(cells := [cell.strip() for cell in line.strip("|").split("|")]) == 8
    }
    divergence = {name: float(cells[5]) for name, cells in rows.items() if cells[5][-1].isdigit()}
    assert divergence.pop("as stored") == 0
    assert set(divergence) == {*only, "search by inputs / 128", "GPTQ / 128"}
    assert 0 < divergence["extreme / 32"] < divergence["extreme / row"]
    assert divergence["GPTQ / 128"] < divergence["search by inputs / 128"]
    errors = {name: float(rows[name][1].split()[0]) for name in only}
    assert errors["search / 32"] < errors["extreme / 32"] < errors["extreme / row"]
