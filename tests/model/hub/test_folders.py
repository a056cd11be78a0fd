"""Directories brought along: adopted, refused, damaged since."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from glmscope.errors import ModelFilesError
from glmscope.model.hub import adopt, pull
from glmscope.model.hub_clients import Hub
from glmscope.model.snapshot import MARKER_FILE, read_snapshot
from tests.model.hub.support import OWNER, contents, nobody
from tests.support.checkpoints import write_checkpoint, write_index

pytest.importorskip("modelscope_hub", reason="the extra glmscope[hub] is not installed")
pytest.importorskip("huggingface_hub", reason="the extra glmscope[hub] is not installed")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "brought along"
    write_checkpoint(folder)
    (folder / "tokenizer.model").write_bytes(b"pieces")
    (folder / "modeling_chatglm.py").write_text("raise SystemExit('ran')")
    return folder


def test_a_folder_is_adopted_without_its_code(folder: Path, destination: Path) -> None:
    snapshot = adopt(folder, destination, nobody)
    assert set(contents(destination)) == {"config.json", "tokenizer.model", "model.safetensors"}
    assert read_snapshot(destination) == snapshot
    assert snapshot.source == str(folder)
    assert (folder / "modeling_chatglm.py").exists()


def test_a_folder_on_another_file_system_is_copied(
    folder: Path, destination: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_source: Path, _target: Path) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    adopt(folder, destination, nobody)
    weights = destination / "model.safetensors"
    assert weights.read_bytes() == (folder / weights.name).read_bytes()
    assert not weights.samefile(folder / weights.name)


def test_what_was_pulled_elsewhere_keeps_its_origin_and_hashes(
    hub: Hub, destination: Path, tmp_path: Path
) -> None:
    pulled = pull(hub, OWNER, "v1.0.0", destination, nobody)
    adopted = adopt(destination, tmp_path / "other", nobody)
    assert adopted == pulled

    weights = destination / "model.safetensors"
    content = weights.read_bytes()
    weights.unlink()
    weights.write_bytes(content[:-1] + b"?")
    with pytest.raises(ModelFilesError, match=r"model\.safetensors is damaged"):
        adopt(destination, tmp_path / "third", nobody)
    assert not (tmp_path / "third").exists()


def test_an_incomplete_folder_is_refused_by_the_name_of_the_file(
    folder: Path, destination: Path
) -> None:
    (folder / "tokenizer.model").unlink()
    with pytest.raises(ModelFilesError, match=r"tokenizer\.model is missing"):
        adopt(folder, destination, nobody)
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-10])
    with pytest.raises(ModelFilesError, match=r"model\.safetensors"):
        adopt(folder, destination, nobody)
    weights.rename(folder / "model-00001-of-00002.safetensors")
    write_index(folder, "model.safetensors.index.json", {"a": "model-00002-of-00002.safetensors"})
    with pytest.raises(ModelFilesError, match="model-00002-of-00002"):
        adopt(folder, destination, nobody)
    assert not destination.exists()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda directory: (directory / MARKER_FILE).write_text("{}"), "is damaged"),
        (
            lambda directory: (directory / "tokenizer.model").unlink(),
            r"tokenizer\.model is missing",
        ),
        (lambda directory: (directory / "tokenizer.model").write_bytes(b"pie"), "3 bytes instead"),
    ],
)
def test_a_directory_damaged_since_says_so_and_can_be_fetched_again(
    folder: Path, destination: Path, damage, message: str
) -> None:
    whole = adopt(folder, destination, nobody)
    (destination / "tokenizer.model").unlink()  # it shares its bytes with the folder
    (destination / "tokenizer.model").write_bytes(b"pieces")
    damage(destination)
    with pytest.raises(ModelFilesError, match=message):
        read_snapshot(destination)
    assert adopt(folder, destination, nobody) == whole
    assert read_snapshot(destination) == whole
