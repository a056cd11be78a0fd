"""The house rules that a tool can check."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from importlib.metadata import requires, version
from pathlib import Path

import pytest

import glmscope
from tests.support.paths import REPOSITORY

SOURCES = sorted((REPOSITORY / "src").rglob("*.py"))
ENGLISH = REPOSITORY / "README.md"
CHINESE = REPOSITORY / "README.zh.md"
MAX_LINES = 300
# Runs cells, for which it is there: inside a sandbox, and never in the server.
RUNS_CELLS = REPOSITORY / "src/glmscope/agent/sandbox/inside/cell.py"


def test_rooms_import_only_whom_they_may() -> None:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    result = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout


def test_one_noun_a_file() -> None:
    lengths = {path: path.read_text(encoding="utf-8").count("\n") for path in SOURCES}
    assert {path: length for path, length in lengths.items() if length > MAX_LINES} == {}


def _runs_code(call: ast.Call) -> bool:
    name = ast.unparse(call.func)
    return name in {"eval", "exec"} or re.fullmatch(r"(.*\.)?c?[pP]ickle\.loads?", name) is not None


@pytest.mark.parametrize(
    ("source", "runs"),
    [
        ("eval('1')", True),
        ("exec(text)", True),
        ("pickle.load(file)", True),
        ("pickle.loads(data)", True),
        ("RestrictedUnpickler(file).load()", False),
        ("json.load(file)", False),
        ("core.evaluate(model)", False),
    ],
)
def test_what_counts_as_running_code(source: str, runs: bool) -> None:
    (statement,) = ast.parse(source).body
    assert isinstance(statement, ast.Expr)
    assert isinstance(statement.value, ast.Call)
    assert _runs_code(statement.value) is runs


def test_nothing_runs_code_from_data() -> None:
    found = [
        f"{path.relative_to(REPOSITORY)}:{node.lineno}"
        for path in SOURCES
        if path != RUNS_CELLS
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and _runs_code(node)
    ]
    assert found == []


def test_the_installed_version_is_the_source_version() -> None:
    assert version("glmscope") == glmscope.__version__
    assert f"## [{glmscope.__version__}]" in (REPOSITORY / "CHANGELOG.md").read_text("utf-8")


def _fenced(readme: Path) -> list[str]:
    return re.findall(r"^```\w*\n(.*?)^```", readme.read_text(encoding="utf-8"), re.S | re.M)


def _outline(readme: Path) -> list[str]:
    prose = re.sub(r"^```.*?^```", "", readme.read_text(encoding="utf-8"), flags=re.S | re.M)
    return re.findall(r"^(#+) ", prose, re.M)


def _without_comments(block: str) -> list[str]:
    lines = (re.sub(r"\s*(#|//) .*", "", line) for line in block.splitlines())
    return [line for line in lines if line]


def test_both_readmes_have_the_same_outline_and_code() -> None:
    assert _outline(ENGLISH) == _outline(CHINESE)
    english, chinese = (
        [_without_comments(block) for block in _fenced(p)] for p in (ENGLISH, CHINESE)
    )
    assert english == chinese
    assert english


@pytest.mark.parametrize("readme", [ENGLISH, CHINESE], ids=lambda path: path.name)
def test_readme_names_only_what_exists(readme: Path) -> None:
    text = readme.read_text(encoding="utf-8")
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"\bmake ([a-z]+)\b", text))
    assert {"demo", "test"} <= targets <= set(re.findall(r"^([a-z]+):", makefile, re.M))
    links = re.findall(r"\]\((?!https?:)([^)#]+)", text)
    assert [link for link in links if not (REPOSITORY / link).exists()] == []


def test_lock_pins_every_direct_dependency_and_names_no_host() -> None:
    lock = (REPOSITORY / "requirements.lock").read_text(encoding="utf-8")
    pinned = set(re.findall(r"^([a-z0-9.-]+)==", lock, re.M))
    # Whoever trains chooses a PyTorch for the machine at hand.
    named = [name for name in requires("glmscope") or [] if not re.search(r"extra == .train", name)]
    wanted = {re.split(r"[<>=\[; ]", name)[0] for name in named}
    assert "fastapi" in wanted
    assert wanted - pinned == set()
    assert "://" not in lock
