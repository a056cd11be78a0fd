"""The processes of a sandbox as the server has them: waited for whatever way they end."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import psutil
import pytest

from glmscope.agent.sandbox import Sandbox, process
from glmscope.agent.sandbox.process import SandboxProcess
from glmscope.errors import SandboxUnavailable

# Tells of a process 1, says what no supervisor says, and stays when that process has gone.
STAYS = """
import json, os, subprocess, sys, time
child = subprocess.Popen(["/bin/sleep", "1000"], stdout=subprocess.DEVNULL)
info = int(sys.argv[sys.argv.index("--info-fd") + 1])
os.write(info, json.dumps({"child-pid": child.pid}).encode())
print("{}", flush=True)
time.sleep(1000)
"""


async def test_a_bubblewrap_that_stays_is_killed_and_waited_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, started: list[SandboxProcess]
) -> None:
    program = tmp_path / "bwrap"
    program.write_text(f"#!{sys.executable}\n{STAYS}")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(process, "_END_SECONDS", 0.2)
    with pytest.raises(SandboxUnavailable, match="it says nothing"):
        await Sandbox.open()
    assert [one.exit_status for one in started] == [-signal.SIGKILL]
    assert not psutil.pid_exists(started[0].pid)
