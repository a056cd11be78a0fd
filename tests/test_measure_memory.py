"""`scripts/measure_memory.py` around a conversion, and around what has a known size."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.checkpoints import write_checkpoint
from tests.support.paths import REPOSITORY

LINE = re.compile(r"([\d.]+) s, at most ([\d.]+) GB resident, ([\d.]+) GB private\n")
# Half of it in a process of its own.
HOLD = """
import subprocess, sys, time
held = b"x" * 100_000_000
time.sleep(0.5) if sys.argv[1:] else subprocess.run([sys.executable, __file__, "child"])
sys.exit(3)
"""


def measured(*command: str) -> tuple[int, float, float]:
    """Exit status, and resident and private GB."""
    script = str(REPOSITORY / "scripts" / "measure_memory.py")
    done = subprocess.run(
        [sys.executable, script, *command], capture_output=True, encoding="utf-8", timeout=120
    )
    found = LINE.search(done.stderr)
    assert found, done.stderr
    return done.returncode, float(found[2]), float(found[3])


pytestmark = pytest.mark.skipif(
    not Path("/proc/self/smaps_rollup").exists(), reason="no /proc/PID/smaps_rollup: not Linux"
)


def test_a_conversion(tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "source")
    arguments = ("convert", str(tmp_path / "source"), str(tmp_path / "converted"))
    status, resident, private = measured(sys.executable, "-m", "glmscope.cli", *arguments)
    assert status == 0
    assert any((tmp_path / "converted").iterdir())
    assert 0 < private <= resident < 10


def test_a_process_and_its_child_are_counted_together(tmp_path: Path) -> None:
    (tmp_path / "hold.py").write_text(HOLD, encoding="utf-8")
    status, resident, private = measured(sys.executable, str(tmp_path / "hold.py"))
    assert status == 3
    assert 0.2 < private <= resident < 0.4
