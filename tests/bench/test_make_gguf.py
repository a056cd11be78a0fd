"""`bench/make_gguf.py`: a file in llama.cpp's names and formats."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.nano import write_nano
from tests.support.paths import REPOSITORY

SCRIPT = str(REPOSITORY / "bench" / "make_gguf.py")


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, SCRIPT, *arguments]
    return subprocess.run(command, capture_output=True, encoding="utf-8", check=False)


def test_the_file_holds_every_tensor_of_the_shape(tmp_path: Path) -> None:
    gguf = pytest.importorskip("gguf")
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


def test_what_it_lacks_is_told_in_one_sentence(tmp_path: Path) -> None:
    done = _run(str(tmp_path), str(tmp_path / "none.gguf"))
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "none.gguf").exists()
