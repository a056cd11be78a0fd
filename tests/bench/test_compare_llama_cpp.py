"""`bench/compare_llama_cpp.py` beside stand-ins for llama.cpp, which need not be installed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.nano import write_nano
from tests.support.paths import REPOSITORY

SCRIPT = str(REPOSITORY / "bench" / "compare_llama_cpp.py")
TINY = ("--prefill", "16", "--streams", "1", "2", "--new", "4", "--rounds")
# As llama-bench prints it, among fields that nobody reads here; faster each time.
LLAMA_BENCH = """#!{python}
import json, pathlib, sys
calls = pathlib.Path(__file__ + ".calls")
count = len(calls.read_text().splitlines()) + 1 if calls.exists() else 1
with calls.open("a") as file:
    print(*sys.argv[1:], file=file)
print("warming up", file=sys.stderr)
print(json.dumps([
    {{"model_type": "chatglm", "n_prompt": 16, "n_gen": 0, "avg_ts": 100.0 * count}},
    {{"model_type": "chatglm", "n_prompt": 0, "n_gen": 4, "avg_ts": 10.0 * count}},
]))
"""
BINDINGS = """
class Llama:
    def __init__(self, model_path, *, n_ctx, n_batch, n_threads, n_threads_batch, verbose):
        self.left = self.n_ctx = n_ctx
    def reset(self):
        self.left = self.n_ctx
    def eval(self, ids):
        self.left -= len(ids)
        assert ids and self.left >= 0
"""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_nano(tmp_path_factory.mktemp("nano"))


@pytest.fixture
def gguf(tmp_path: Path) -> Path:
    (tmp_path / "model.gguf").write_bytes(b"GGUF")
    return tmp_path / "model.gguf"


def compare(*arguments: str | Path, path: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Without any llama.cpp that this machine may have; `path` is where Python looks first."""
    environment = {**os.environ, "PATH": "/nowhere", "PYTHONPATH": str(path or "")}
    return subprocess.run(
        [sys.executable, SCRIPT, *map(str, arguments)],
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        env=environment,
    )


def test_in_turn_with_llama_bench(model: Path, gguf: Path, tmp_path: Path) -> None:
    program, file = tmp_path / "llama-bench", tmp_path / "figures.json"
    program.write_text(LLAMA_BENCH.format(python=sys.executable), encoding="utf-8")
    program.chmod(0o755)
    arguments = (*TINY, "2", "--threads", "1", "--llama-bench", program, "--json", file)
    result = compare(model, gguf, *arguments)
    assert result.returncode == 0, result.stderr
    asked = (tmp_path / "llama-bench.calls").read_text(encoding="utf-8").splitlines()
    assert asked == [f"-m {gguf} -p 16 -n 4 -t 1 -ngl 0 -r 1 -o json"] * 2
    written = json.loads(file.read_text(encoding="utf-8"))
    theirs = {row["name"]: row["llama_cpp"] for row in written["rows"]}
    # The better of its rounds; many streams of ours stand beside its one.
    assert theirs == {"prefill 16": 200.0, "decode ×1": 20.0, "decode ×2": 20.0}
    for row in written["rows"]:
        assert row["ratio"] == row["tokens_per_second"] / row["llama_cpp"]
        assert row["name"] in result.stdout


def test_in_turn_with_the_python_package(model: Path, gguf: Path, tmp_path: Path) -> None:
    (tmp_path / "llama_cpp.py").write_text(BINDINGS, encoding="utf-8")
    result = compare(model, gguf, *TINY, "1", path=tmp_path)
    assert result.returncode == 0, result.stderr
    assert "prefill 16" in result.stdout


def test_without_llama_cpp_it_says_so(model: Path, gguf: Path) -> None:
    result = compare(model, gguf)
    assert result.returncode == 2
    assert result.stderr.startswith("llama.cpp is not installed: ")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("prints", ["exit 3", "echo no json", "echo '[{}]'"])
def test_what_llama_bench_cannot_do(model: Path, gguf: Path, tmp_path: Path, prints: str) -> None:
    program = tmp_path / "llama-bench"
    program.write_text(f"#!/bin/sh\n{prints}\n", encoding="utf-8")
    program.chmod(0o755)
    result = compare(model, gguf, *TINY, "1", "--llama-bench", program)
    assert result.returncode == 1
    assert f"did not measure {gguf}: " in result.stderr


def test_a_file_that_is_not_there(model: Path, tmp_path: Path) -> None:
    result = compare(model, tmp_path / "absent.gguf")
    assert result.returncode == 2
    assert "absent.gguf is not a file" in result.stderr
