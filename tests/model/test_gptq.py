"""INT4 calibrated by NNCF: what it gains, what it leaves as it was, and what it refuses."""

from __future__ import annotations

import sys
from collections import Counter
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
import pytest
from safetensors.numpy import save_file

from glmscope.errors import UsageError
from glmscope.model.convert import convert
from glmscope.model.manifest import GRAPH_FILE, read_manifest
from glmscope.model.official_quant import quantize_rows
from glmscope.parity.network import Network
from tests.support.checkpoints import random_tensors, write_config

needs_nncf = pytest.mark.skipif(
    find_spec("nncf") is None, reason="the extra glmscope[calibrate] is not installed"
)
SHAPE: dict[str, Any] = {"hidden_size": 128, "ffn_hidden_size": 256, "padded_vocab_size": 256}
RANDOM = np.random.default_rng(7)
TEXTS = [RANDOM.integers(0, 40, 24).tolist() for _ in range(12)]
UNSEEN = RANDOM.integers(0, 40, 60)[None]


def write_source(directory: Path, **changes: Any) -> Path:
    """A network whose blocks matter, over ids of which texts use a few."""
    config = write_config(directory, **SHAPE | changes)
    tensors = random_tensors(config)
    for name, tensor in tensors.items():
        if ".layers." in name and tensor.ndim == 2:
            tensor /= np.float16(tensor.shape[1] ** 0.5)
    save_file(tensors, directory / "model.safetensors")
    return directory


def hidden(directory: Path) -> np.ndarray:
    """What the last block makes of ids that were not calibrated on."""
    network = Network(directory)
    network.start()
    return network.feed(UNSEEN, np.arange(UNSEEN.shape[1])[None]).final_hidden


@needs_nncf
@pytest.mark.parametrize(
    "changes",
    [
        {"kv_channels": 32},
        {"_name_or_path": "THUDM/chatglm2-6b", "multi_query_attention": False, "kv_channels": 32},
        {"pre_seq_len": 5, "kv_channels": 32, "add_bias_linear": True},
    ],
    ids=["chatglm3", "chatglm2", "prefix"],
)
def test_calibration_brings_int4_nearer(tmp_path: Path, changes: dict[str, Any]) -> None:
    source = write_source(tmp_path / "source", **changes)
    convert(source, tmp_path / "exact", weights="fp32")
    convert(source, tmp_path / "plain")
    convert(source, tmp_path / "calibrated", calibration_texts=TEXTS)
    exact = hidden(tmp_path / "exact")
    plain, calibrated = (
        np.linalg.norm(hidden(tmp_path / name) - exact) for name in ("plain", "calibrated")
    )
    assert 0 < calibrated < 0.7 * plain


@needs_nncf
def test_the_directory_is_like_any_other(tmp_path: Path) -> None:
    source = write_source(tmp_path / "source", kv_channels=32)
    plain = convert(source, tmp_path / "plain")
    manifest = convert(source, tmp_path / "calibrated", calibration_texts=TEXTS)
    assert read_manifest(tmp_path / "calibrated") == manifest
    manifest.check_hashes(tmp_path / "calibrated")
    assert (manifest.weights, manifest.group_size) == ("int4", 128)
    assert plain.calibration is None and manifest.calibration is not None
    assert (manifest.calibration.method, manifest.calibration.texts) == ("gptq", len(TEXTS))
    assert manifest.calibration.tokens == sum(map(len, TEXTS))
    assert manifest.versions["nncf"] and "nncf" not in plain.versions
    assert set(manifest.files) == set(plain.files)
    kinds = [
        Counter(
            (node.get_type_name(), node.get_output_element_type(0), str(node.get_output_shape(0)))
            for node in ov.Core().read_model(tmp_path / name / GRAPH_FILE).get_ops()
            if node.get_type_name() == "Constant"
        )
        for name in ("plain", "calibrated")
    ]
    assert kinds[0] == kinds[1]


@needs_nncf
def test_a_calibrated_destination_is_kept_for_the_same_texts_alone(tmp_path: Path) -> None:
    source = write_source(tmp_path / "source", num_layers=1, kv_channels=32)
    first = convert(source, tmp_path / "made", calibration_texts=TEXTS)
    assert convert(source, tmp_path / "made", calibration_texts=TEXTS) == first
    with pytest.raises(UsageError, match="was calibrated otherwise"):
        convert(source, tmp_path / "made", calibration_texts=TEXTS[:-1])
    with pytest.raises(UsageError, match="was calibrated otherwise"):
        convert(source, tmp_path / "made")
    convert(source, tmp_path / "plain")
    with pytest.raises(UsageError, match="was not calibrated"):
        convert(source, tmp_path / "plain", calibration_texts=TEXTS)


@needs_nncf
def test_nothing_but_the_result_is_printed(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    source = write_source(tmp_path / "source", num_layers=1, kv_channels=32)
    convert(source, tmp_path / "made", calibration_texts=TEXTS[:2])
    assert capfd.readouterr().out == ""


@needs_nncf
def test_columns_that_no_group_divides_are_named(tmp_path: Path) -> None:
    source = write_source(tmp_path / "source", ffn_hidden_size=192, kv_channels=32)
    with pytest.raises(UsageError, match=r"multiple of 128.*dense_4h_to_h\.weight has 192"):
        convert(source, tmp_path / "made", calibration_texts=TEXTS)
    assert not (tmp_path / "made").exists()


@needs_nncf
def test_official_integers_are_refused(tmp_path: Path) -> None:
    source = write_source(tmp_path / "source")
    config = write_config(source, **SHAPE, quantization_bit=4)
    tensors = {}
    for name, tensor in random_tensors(write_config(tmp_path / "float", **SHAPE)).items():
        if ".layers." in name and tensor.ndim == 2:
            tensors[name], tensors[f"{name}_scale"] = quantize_rows(tensor, 4)
        else:
            tensors[name] = tensor
    save_file(tensors, source / "model.safetensors")
    assert config.quantization_bit == 4
    with pytest.raises(UsageError, match=r"official INT4 integers.*nothing to round"):
        convert(source, tmp_path / "made", calibration_texts=TEXTS)


def test_refusals_before_anything_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = write_source(tmp_path / "source")
    with pytest.raises(UsageError, match="goes with --weights int4, not int8"):
        convert(source, tmp_path / "made", weights="int8", calibration_texts=TEXTS)
    with pytest.raises(UsageError, match="no text"):
        convert(source, tmp_path / "made", calibration_texts=[])
    monkeypatch.setitem(sys.modules, "nncf", None)
    with pytest.raises(UsageError, match=r"needs NNCF: pip install 'glmscope\[calibrate\]'"):
        convert(source, tmp_path / "made", calibration_texts=TEXTS)
    assert not (tmp_path / "made").exists()
