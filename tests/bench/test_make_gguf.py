"""`bench/make_gguf.py`: a file in llama.cpp's names and formats."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import gguf

from tests.support.nano import write_nano
from tests.support.paths import REPOSITORY

SCRIPT = str(REPOSITORY / "bench" / "make_gguf.py")


def _run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, SCRIPT, *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


def test_the_file_holds_every_tensor_of_the_shape(tmp_path: Path) -> None:
    done = _run(str(write_nano(tmp_path / "nano")), str(tmp_path / "nano.gguf"))
    assert done.returncode == 0, done.stderr
    read = gguf.GGUFReader(tmp_path / "nano.gguf")
    assert read.get_field("general.architecture").contents() == "chatglm"
    layers = read.get_field("chatglm.block_count").contents()
    names = {tensor.name for tensor in read.tensors}
    assert len(names) == 7 * layers + 3
    kinds = {tensor.name: tensor.tensor_type.name for tensor in read.tensors}
    assert kinds["blk.0.ffn_up.weight"] == kinds["token_embd.weight"] == "Q4_0"
    assert kinds["output_norm.weight"] == "F32"


def test_a_directory_that_holds_no_model_is_told_in_one_sentence(tmp_path: Path) -> None:
    done = _run(str(tmp_path), str(tmp_path / "none.gguf"))
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "none.gguf").exists()


def test_without_the_package_it_says_how_to_have_it(tmp_path: Path) -> None:
    (tmp_path / "gguf.py").write_text("raise ModuleNotFoundError", "utf-8")
    done = _run(str(tmp_path), str(tmp_path / "none.gguf"), PYTHONPATH=str(tmp_path))
    assert done.returncode == 1
    assert done.stderr == "bench/make_gguf.py needs the package gguf: pip install gguf\n"
