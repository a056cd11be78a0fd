from __future__ import annotations

import subprocess
import sys

import pytest

import glmscope
from glmscope.cli import main
from glmscope.errors import ModelFilesError, UsageError
from tests.cli.support import glmscope as run_command


def test_version() -> None:
    result = run_command("--version")
    assert result.stdout == f"glmscope {glmscope.__version__}\n"
    assert result.returncode == 0


def test_help_names_every_command() -> None:
    result = run_command("--help")
    assert result.returncode == 0
    for command in ("serve", "chat", "models", "pull", "keys", "convert", "parity"):
        assert f" {command} " in result.stdout


def test_help_loads_nothing_heavy() -> None:
    check = (
        "import sys, glmscope.cli.commands\n"
        "print([name for name in ('openvino', 'fastapi', 'modelscope') if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True)
    assert result.stdout == "[]\n"


def test_an_unknown_option_is_a_usage_error() -> None:
    result = run_command("serve", "--colour", "red")
    assert result.returncode == 2
    assert "--colour" in result.stderr


@pytest.mark.parametrize(
    ("error", "status"), [(UsageError("Say it so."), 2), (ModelFilesError("x.bin is cut."), 1)]
)
def test_an_error_ends_with_one_sentence_and_a_status(
    error: Exception,
    status: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail() -> None:
        raise error

    monkeypatch.setattr("glmscope.cli.commands.app", fail)
    with pytest.raises(SystemExit) as ended:
        main.run()
    assert ended.value.code == status
    assert capsys.readouterr() == ("", f"{error}\n")


def test_help_shows_what_stands_in_brackets() -> None:
    assert "[default: int4]" in run_command("serve", "--help").stdout
    assert "section [tools]" in run_command("chat", "--help").stdout
