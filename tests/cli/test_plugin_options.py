"""How far plugins may go, as the operator says it."""

from __future__ import annotations

import dataclasses
import inspect
import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from glmscope.agent.loop_limits import LoopLimits
from glmscope.agent.sandbox import SandboxLimits, SandboxPool
from glmscope.cli.commands import app
from glmscope.cli.plugin_options import LoopOptions, SandboxOptions
from glmscope.errors import UsageError
from tests.agent.support import call_of, code_of
from tests.cli.support import glmscope
from tests.support.paths import REPOSITORY

RULES = {
    "rules": [
        {"match": "sum", "reply": call_of("calculator", expression="2 + 3")},
        {"match": "5", "exact": True, "reply": call_of("calculator", expression="5 + 1")},
        {"match": "6", "exact": True, "reply": "\n It is 6."},
        {"match": "code", "reply": code_of("print('x' * 100)")},
        {"match": "xxx", "reply": "\n {prompt}"},
    ]
}
NAMES = [each.name for each in dataclasses.fields(LoopOptions)] + [
    each.name for each in dataclasses.fields(SandboxOptions) if each.name != "interpreter"
]
needs_bubblewrap = pytest.mark.skipif(
    shutil.which("bwrap") is None, reason="a sandbox needs bubblewrap (apt-get install bubblewrap)"
)


@pytest.fixture
def scripted(tmp_path: Path) -> list[str]:
    path = tmp_path / "script.json"
    path.write_text(json.dumps(RULES), encoding="utf-8")
    return ["--engine", "scripted", "--script", str(path)]


@pytest.fixture
def tools(tmp_path: Path) -> list[str]:
    path = tmp_path / "tools.toml"
    path.write_text('[tools]\nenabled = ["calculator"]\n', encoding="utf-8")
    return ["--tools", str(path)]


def test_what_is_not_said_stays_as_it_is_built() -> None:
    assert LoopOptions().limits() == LoopLimits()
    assert SandboxOptions().limits() == SandboxLimits()
    pool = inspect.signature(SandboxPool).parameters
    assert pool["maximum"].default == SandboxOptions().sandboxes
    assert pool["idle_seconds"].default == 60 * SandboxOptions().sandbox_idle_minutes


def test_each_option_is_a_limit_of_its_own() -> None:
    loop = LoopOptions(1, 2, 3, 4, 64)
    assert loop.limits() == LoopLimits(1, 2, 3, 4, 64)
    mib = 2**20
    limits = SandboxOptions(
        cell_seconds=1,
        cell_cpu_seconds=2,
        cell_images=3,
        sandbox_memory_mb=256,
        sandbox_disk_mb=5,
        sandbox_scratch_mb=6,
        sandbox_files=70,
        sandbox_processes=8,
    ).limits()
    assert (limits.wall_seconds, limits.cpu_seconds, limits.images) == (1, 2, 3)
    assert (limits.memory, limits.disk, limits.scratch) == (256 * mib, 5 * mib, 6 * mib)
    assert (limits.files, limits.processes) == (70, 8)


@pytest.mark.parametrize("command", ["serve", "chat"])
@pytest.mark.parametrize("name", NAMES)
def test_each_is_bounded_and_says_so(command: str, name: str) -> None:
    option = f"--{name.replace('_', '-')}"
    for value in ("-1", str(2**40), "1.5", "many"):
        result = CliRunner().invoke(app, [command, option, value], env={"COLUMNS": "200"})
        assert result.exit_code == 2
        assert f"Invalid value for '{option}'" in result.output


@pytest.mark.parametrize("name", NAMES)
def test_each_is_a_name_in_the_configuration_file(name: str, tmp_path: Path) -> None:
    path = tmp_path / "glmscope.toml"
    path.write_text(f"[serve]\n{name} = -1\n", encoding="utf-8")
    result = CliRunner().invoke(app, ["serve", "--config", str(path)], env={"COLUMNS": "200"})
    assert result.exit_code == 2
    assert f"Invalid value for '--{name.replace('_', '-')}'" in result.output


def test_each_is_described() -> None:
    page = (REPOSITORY / "docs" / "operating.md").read_text(encoding="utf-8")
    assert [name for name in NAMES if f"`--{name.replace('_', '-')}`" not in page] == []


def test_the_terminal_holds_a_reply_to_them(scripted: list[str], tools: list[str]) -> None:
    asked = ["chat", *scripted, *tools]
    assert glmscope(*asked, stdin="sum\n").stdout == "It is 6.\n"
    stopped = glmscope(*asked, "--plugin-steps", "1", stdin="sum\n")
    assert "wanted another call, and had made all 1 of a reply" in stopped.stdout


@needs_bubblewrap
def test_a_cell_is_held_to_them(scripted: list[str]) -> None:
    limits = ["--interpreter", "--cell-output", "64", "--sandbox-memory-mb", "256"]
    shown = glmscope("chat", *scripted, *limits, stdin="code\n")
    assert f"{'x' * 64} [TRUNCATED]" in shown.stderr
    assert "x" * 65 not in shown.stderr


@pytest.mark.parametrize("option", ["--cell-seconds", "--sandboxes"])
def test_limits_of_a_sandbox_that_there_is_not(option: str, scripted: list[str]) -> None:
    for command in ("serve", "chat"):
        result = glmscope(command, *scripted, option, "2")
        assert result.returncode == 2
        assert result.stderr == "Limits of cells and sandboxes go with --interpreter.\n"


def test_limits_of_plugins_that_there_are_not(scripted: list[str]) -> None:
    result = glmscope("chat", *scripted, "--plugin-steps", "2")
    assert result.stderr == "Limits of plugins go with --tools or --interpreter.\n"


@pytest.mark.parametrize("option", ["--plugin-steps", "--cell-seconds"])
def test_a_server_has_its_own(option: str) -> None:
    result = glmscope("chat", "--server", "http://127.0.0.1:1", option, "2")
    assert result.stderr == "With --server, the server decides how far plugins may go.\n"


def test_a_trial_within_the_limits_comes_first(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))  # where no bubblewrap is
    with pytest.raises(UsageError, match="bubblewrap"):
        SandboxOptions(interpreter=True, sandbox_files=16).runner()
