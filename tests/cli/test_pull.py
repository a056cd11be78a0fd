from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from glmscope.cli.pull import pull
from glmscope.errors import UsageError
from glmscope.model.snapshot import read_snapshot
from tests.support.checkpoints import write_checkpoint
from tests.support.hub import StandInHub, stand_in_hub

pytest.importorskip("modelscope_hub", reason="the extra glmscope[hub] is not installed")
pytest.importorskip("huggingface_hub", reason="the extra glmscope[hub] is not installed")

FILES = {"config.json": b"{}", "tokenizer.model": b"pieces", "model.safetensors": b"weights"}


@pytest.fixture
def served() -> Iterator[StandInHub]:
    with stand_in_hub() as hub:
        yield hub


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GLMSCOPE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def run(*arguments: str) -> Result:
    app = typer.Typer()
    app.command()(pull)
    return CliRunner().invoke(app, list(arguments))


def test_a_catalog_model_comes_from_modelscope_at_its_revision(
    home: Path, served: StandInHub
) -> None:
    served.repositories["ZhipuAI/chatglm2-6b", "v1.0.2"] = FILES
    result = run("chatglm2-6b", "--endpoint", served.endpoint)
    assert result.exit_code == 0, result.output
    directory = home / "models" / "chatglm-6b-v2"  # the id that it is served by
    assert result.stdout == f"{directory}\n"
    assert (directory / "tokenizer.model").read_bytes() == b"pieces"
    assert home.stat().st_mode & 0o077 == 0


def test_hugging_face_and_another_revision(home: Path, served: StandInHub) -> None:
    served.repositories["THUDM/chatglm3-6b", "main"] = FILES
    served.repositories["THUDM/chatglm3-6b", "abc"] = {**FILES, "tokenizer.model": b"other"}
    arguments = ("chatglm3-6b", "--from", "huggingface", "--endpoint", served.endpoint)
    assert run(*arguments).exit_code == 0
    tokenizer = home / "models" / "chatglm3-6b" / "tokenizer.model"
    assert tokenizer.read_bytes() == b"pieces"
    assert run(*arguments, "--revision", "abc").exit_code == 0
    assert tokenizer.read_bytes() == b"other"


def test_a_repository_that_is_not_in_the_catalog(home: Path, served: StandInHub) -> None:
    served.repositories["someone/tuned.model", "master"] = FILES
    result = run("someone/tuned.model", "--endpoint", served.endpoint)
    assert result.exit_code == 0, result.output
    assert read_snapshot(home / "models" / "someone--tuned.model") is not None


def test_a_folder(home: Path, tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "usb")
    (tmp_path / "usb" / "tokenizer.model").write_bytes(b"pieces")
    result = run("chatglm3-6b", "--from", str(tmp_path / "usb"))
    assert result.exit_code == 0, result.output
    assert read_snapshot(home / "models" / "chatglm3-6b") is not None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["unknown-model"], "no model .unknown-model. in the catalog"),
        (["../escape"], "in the catalog"),
        (["owner/.."], "in the catalog"),
        (["chatglm3-6b", "--from", "/no/such/folder"], "no folder /no/such/folder"),
        (["chatglm3-6b", "--from", ".", "--revision", "v1"], "belong to a hub"),
        (["chatglm3-6b", "--endpoint", "hub"], "must be an address"),
    ],
)
def test_wrong_use_is_one_sentence(arguments: list[str], message: str) -> None:
    result = run(*arguments)
    assert isinstance(result.exception, UsageError), result.output
    assert re.search(message, result.exception.message)
