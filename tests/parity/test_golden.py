"""The golden files decide, through the same code as `glmscope parity`."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from glmscope.engine.engine import Sampling
from glmscope.errors import ModelFilesError, UsageError
from glmscope.parity import sampling
from glmscope.parity.check import check_directory
from glmscope.parity.row import Row, close, equal
from tests.support.paths import GOLDEN, TOKENIZER, needs_golden

MODELS = sorted(path.parent for path in (GOLDEN / "models").glob("*/golden.npz"))


@needs_golden
@pytest.mark.parametrize("directory", MODELS, ids=lambda path: path.name)
def test_every_model_agrees(directory: Path) -> None:
    rows = list(check_directory(directory))
    assert len(rows) >= 11
    assert [row for row in rows if not row.passed] == []


@needs_golden
def test_every_component_agrees() -> None:
    rows = list(check_directory(GOLDEN / "components"))
    assert {row.case.split()[0] for row in rows} == {
        "rms_norm",
        "rope_tables",
        "apply_rotary",
        "sampling",
    }
    assert [row for row in rows if not row.passed] == []


@needs_golden
def test_every_text_agrees() -> None:
    rows = list(check_directory(GOLDEN / "tokenizer", TOKENIZER))
    assert len(rows) > 20
    assert [row for row in rows if not row.passed] == []


@needs_golden
def test_a_changed_weight_and_a_changed_id_are_noticed(tmp_path: Path) -> None:
    """A report that could not fail would be worth nothing."""
    copy = tmp_path / "glm3_hd64"
    shutil.copytree(GOLDEN / "models" / "glm3_hd64", copy)
    with np.load(copy / "golden.npz") as archive:
        golden = dict(archive)
    golden["greedy_ids"] = golden["greedy_ids"] + (np.arange(16) == 7)
    golden["logits"] = golden["logits"] + np.float32(1e-3)
    np.savez(copy / "golden.npz", **golden)
    missed = {row.compared for row in check_directory(copy) if not row.passed}
    assert missed == {"logits", "greedy ids, serving engine"}


@needs_golden
def test_a_golden_file_that_lacks_arrays_does_not_pass(tmp_path: Path) -> None:
    copy = tmp_path / "glm3_a_int4"
    shutil.copytree(GOLDEN / "models" / "glm3_a_int4", copy)
    with np.load(copy / "golden.npz") as archive:
        golden = {name: array for name, array in archive.items() if "::" not in name}
    np.savez(copy / "golden.npz", **golden)
    missed = {row.compared for row in check_directory(copy) if not row.passed}
    assert missed == {f"dequant_f{bits} of 0 matrices, bits" for bits in (16, 32)}
    del golden["final_hidden"]
    np.savez(copy / "golden.npz", **golden)
    with pytest.raises(ModelFilesError, match=r"golden\.npz has no array final_hidden"):
        list(check_directory(copy))
    (copy / "golden.npz").write_bytes((copy / "golden.npz").read_bytes()[:1000])
    with pytest.raises(ModelFilesError, match="is no golden file"):
        list(check_directory(copy))


@needs_golden
def test_a_sampler_that_keeps_removed_ids_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with np.load(GOLDEN / "components" / "sampling.npz") as archive:
        case = {name.replace("c3_", "c0_"): archive[name] for name in archive if "c3_" in name}
    np.savez(tmp_path / "sampling.npz", **case)
    draw = sampling._draw

    async def without_top_p(logits: Any, prompt: list[int], settings: Sampling) -> list[int]:
        return await draw(logits, prompt, replace(settings, top_p=1.0))

    assert [row for row in check_directory(tmp_path) if not row.passed] == []
    monkeypatch.setattr(sampling, "_draw", without_top_p)
    missed = {row.compared for row in check_directory(tmp_path) if not row.passed}
    assert missed == {"draws of removed ids"}


def test_a_directory_without_golden_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no golden files"):
        list(check_directory(tmp_path))
    with pytest.raises(UsageError, match="not a directory"):
        list(check_directory(tmp_path / "nowhere"))


def test_rows_fail_on_shape_and_on_nan() -> None:
    assert not close("c", "x", np.zeros(2), np.zeros(3), 1.0).passed
    assert not close("c", "x", np.array([np.nan]), np.zeros(1), 1.0).passed
    assert not equal("c", "x", np.array([1, 2]), np.array([1, 3])).passed
    assert equal("c", "x", np.array([1, 2]), np.array([1, 2])) == Row("c", "x", 0.0, 0)
