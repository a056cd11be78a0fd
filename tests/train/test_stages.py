"""All stages, end to end, on a model of a few thousand parameters; and being killed half way."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.train.tiny import write_settings

torch = pytest.importorskip("torch", reason="training needs PyTorch, which is not installed")
pytest.importorskip("matplotlib", reason="loss curves need matplotlib, which is not installed")

from glmscope.family import Family  # noqa: E402
from glmscope.model.convert import convert  # noqa: E402
from glmscope.train import stages, trainer  # noqa: E402
from glmscope.train.checkpoint import export_checkpoint, load_checkpoint  # noqa: E402
from glmscope.train.packing import Batch  # noqa: E402
from glmscope.train.settings import Settings, load_settings  # noqa: E402
from tests.train.test_growth import network as growable_network  # noqa: E402


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Settings, Path]:
    """Settings and work folder after every stage has run once."""
    folder = tmp_path_factory.mktemp("train")
    settings = load_settings(write_settings(folder))
    work = folder / "work"
    work.mkdir()
    for run in stages.STAGES.values():
        assert run(settings, work, False)
    return settings, work


def test_the_exported_directory_converts_like_any_published_one(
    trained: tuple[Settings, Path], tmp_path: Path
) -> None:
    settings, work = trained
    manifest = convert(work / "chatglm3-nano", tmp_path / "converted", weights="int8")
    assert manifest.config.family is Family.CHATGLM3
    assert manifest.config.num_layers == settings.shape.num_layers
    assert manifest.config.multi_query_group_num == settings.shape.multi_query_group_num


@pytest.mark.parametrize("stage", ["pretrain", "tune", "retune", "align"])
def test_every_step_is_written_down_and_drawn(trained: tuple[Settings, Path], stage: str) -> None:
    settings, work = trained
    entries = [json.loads(line) for line in (work / f"{stage}.jsonl").read_text().splitlines()]
    assert [entry["step"] for entry in entries] == list(range(getattr(settings, stage).steps))
    assert (work / f"{stage}.png").read_bytes().startswith(b"\x89PNG")


def test_the_loss_falls(trained: tuple[Settings, Path]) -> None:
    _, work = trained
    entries = [json.loads(line) for line in (work / "pretrain.jsonl").read_text().splitlines()]
    assert entries[-1]["loss"] < entries[0]["loss"]


def test_a_network_of_the_right_shape_grows(trained: tuple[Settings, Path], tmp_path: Path) -> None:
    """The few thousand parameters of the others have no room for the layers."""
    settings, work = trained
    vocabulary = (work / "tokenizer.model").read_bytes()
    (tmp_path / "tokenizer.model").write_bytes(vocabulary)
    export_checkpoint(growable_network(), vocabulary, tmp_path / "tune")
    assert stages.grow(settings, tmp_path, False) == "4 layers"
    assert load_checkpoint(tmp_path / "grow").config.num_layers == 4
    assert stages.grow(settings, work, False).startswith("left as it is")


def test_pairs_hold_what_the_model_wrote_instead(trained: tuple[Settings, Path]) -> None:
    _, work = trained
    pairs = [json.loads(line) for line in (work / "pairs.jsonl").read_text().splitlines()]
    assert pairs
    assert all(pair["prompt"] and pair["chosen"] != pair["rejected"] for pair in pairs)


def test_a_killed_stage_goes_on_to_the_same_weights(
    trained: tuple[Settings, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, work = trained
    (tmp_path / "tokenizer.model").write_bytes((work / "tokenizer.model").read_bytes())
    with monkeypatch.context() as patch:
        patch.setattr(trainer, "tensors", _interrupted_after(5))
        with pytest.raises(KeyboardInterrupt):
            stages.pretrain(settings, tmp_path, False)
    assert not (tmp_path / "pretrain").exists()
    stages.pretrain(settings, tmp_path, False)
    whole, resumed = (load_checkpoint(folder / "pretrain") for folder in (work, tmp_path))
    for name, tensor in whole.state_dict().items():
        assert torch.equal(tensor, resumed.state_dict()[name]), name
    lines = (tmp_path / "pretrain.jsonl").read_text().splitlines()
    assert len(lines) == settings.pretrain.steps


def _interrupted_after(steps: int):
    left = iter(range(steps))
    original = trainer.tensors

    def tensors(batch: Batch, device: torch.device) -> Iterator[torch.Tensor]:
        if next(left, None) is None:
            raise KeyboardInterrupt
        return original(batch, device)

    return tensors
