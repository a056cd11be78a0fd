"""Nothing is told to anybody: not that a model runs here, and not by a library that we use."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

_IMPORTS = """
import os, sys
forked = []
os.register_at_fork(before=lambda: forked.append(1))
import glmscope.engine.openvino, glmscope.model.convert
import openvino
assert openvino.convert_model  # the part of OpenVINO that would tell has been imported
assert not forked
assert not any(name.startswith("openvino_telemetry") and sys.modules[name] for name in sys.modules)
"""


def test_openvino_reports_no_import_and_leaves_no_file(tmp_path: Path) -> None:
    """It is quiet in CI of its own accord, so this is no CI here."""
    quiet = {"CI", "TF_BUILD", "JENKINS_URL"}
    environment = {name: value for name, value in os.environ.items() if name not in quiet}
    environment |= {"HOME": str(tmp_path), "USERPROFILE": str(tmp_path)}
    run = subprocess.run(
        [sys.executable, "-c", _IMPORTS], env=environment, capture_output=True, text=True
    )
    assert (run.returncode, run.stderr) == (0, "")
    assert list(tmp_path.iterdir()) == []
