"""Ctrl-C before a command has begun: quiet, and exit status 130."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from glmscope.cli import main
from tests.cli.support import COMMAND, WAIT

INTERRUPT = "import os, signal; os.kill(os.getpid(), signal.SIGINT)"


def run_with(directory: Path, module: str, source: str) -> subprocess.CompletedProcess[str]:
    """`glmscope --version`, with `source` in the place of a module that it imports."""
    (directory / f"{module}.py").write_text(source, "utf-8")
    return subprocess.run(
        [*COMMAND, "--version"],
        env={**os.environ, "PYTHONPATH": str(directory)},
        capture_output=True,
        encoding="utf-8",
        timeout=WAIT,
    )


@pytest.mark.parametrize("module", ["typer", "rich"])
def test_an_interrupt_while_modules_are_imported(tmp_path: Path, module: str) -> None:
    ended = run_with(tmp_path, module, INTERRUPT)
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", "")


def test_a_module_that_takes_the_interrupt_for_a_failure_of_its_own(tmp_path: Path) -> None:
    taken = f"try: {INTERRUPT}\nexcept BaseException: raise ImportError('broken')\n"
    ended = run_with(tmp_path, "typer", taken)
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", "")


def test_an_interrupt_that_is_ignored_stays_so(tmp_path: Path) -> None:
    """As of a job that a shell without job control has put into the background."""
    (tmp_path / "typer.py").write_text(f"{INTERRUPT}\nraise SystemExit(7)\n", "utf-8")
    ignoring = ["sh", "-c", 'trap "" INT; exec "$@"', "sh", *COMMAND, "--version"]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    assert subprocess.run(ignoring, env=environment, timeout=WAIT).returncode == 7


def test_an_interrupt_before_a_command_has_begun(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("glmscope.cli.commands.app", interrupted)
    with pytest.raises(SystemExit) as ended:
        main.run()
    assert ended.value.code == 130
    assert capsys.readouterr() == ("", "")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
