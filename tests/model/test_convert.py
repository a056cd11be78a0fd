"""Conversion: what it writes, what it refuses, and what is left when it is cut short."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock
from safetensors.numpy import save_file

from glmscope.errors import ModelFilesError, UsageError
from glmscope.family import Family
from glmscope.model.convert import convert
from glmscope.model.manifest import GRAPH_FILE, MANIFEST_FILE, WEIGHTS_FILE, read_manifest
from glmscope.model.matrix_store import MatrixStore
from glmscope.model.official_quant import quantize_rows
from glmscope.parity.network import Network
from tests.support.checkpoints import (
    random_tensors,
    write_checkpoint,
    write_config,
    write_safetensors,
)

IDS = np.array([[3, 1, 4, 1, 5, 9]])


def _logits(directory: Path) -> np.ndarray:
    network = Network(directory)
    network.start()
    return network.feed(IDS, np.arange(IDS.shape[1])[None]).logits


@pytest.fixture
def source(tmp_path: Path) -> Path:
    directory = tmp_path / "source"
    _, tensors = write_checkpoint(directory, hidden_size=64, ffn_hidden_size=128)
    small = {name: tensor / np.float16(4) for name, tensor in tensors.items()}
    save_file(small, directory / "model.safetensors")
    (directory / "tokenizer.model").write_bytes(b"copied as it is")
    return directory


def test_manifest_and_files(source: Path, tmp_path: Path) -> None:
    reports: list[tuple[int, int]] = []
    target = tmp_path / "converted"
    manifest = convert(source, target, weights="fp16", progress=lambda *at: reports.append(at))
    assert manifest == read_manifest(target)
    assert manifest.family is Family.CHATGLM3
    assert (manifest.weights, manifest.is_exact, manifest.prefix_length) == ("fp16", True, 0)
    assert set(manifest.sources) == {"config.json", "model.safetensors"}
    assert all(len(digest) == 64 for digest in manifest.sources.values())
    assert set(manifest.files) == {"config.json", "tokenizer.model", GRAPH_FILE, WEIGHTS_FILE}
    assert {path.name for path in target.iterdir()} == {*manifest.files, MANIFEST_FILE}
    assert (target / "tokenizer.model").read_bytes() == b"copied as it is"
    assert reports == sorted(reports) and reports[-1][0] == reports[-1][1]
    assert [p.name for p in tmp_path.iterdir() if "partial" in p.name] == []


def test_formats_come_as_close_as_their_bits(source: Path, tmp_path: Path) -> None:
    logits = {}
    for weights in ("fp32", "fp16", "int8", "int4"):
        convert(source, tmp_path / weights, weights=weights)
        logits[weights] = _logits(tmp_path / weights)
    scale = np.abs(logits["fp32"]).max()
    errors = {name: np.abs(value - logits["fp32"]).max() / scale for name, value in logits.items()}
    assert errors["fp16"] < 1e-5  # the source is float16: nothing is lost
    assert 0 < errors["int8"] < 0.03
    assert errors["int8"] < errors["int4"] < 0.4


def test_a_complete_destination_is_left_alone(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "converted"
    first = convert(source, target, weights="int8")
    written = (target / WEIGHTS_FILE).stat().st_mtime_ns
    assert convert(source, target, weights="int8") == first
    assert (target / WEIGHTS_FILE).stat().st_mtime_ns == written
    with pytest.raises(UsageError, match="int8 weights already"):
        convert(source, target, weights="int4")


def test_refusals(source: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="fp7"):
        convert(source, tmp_path / "x", weights="fp7")
    taken = tmp_path / "taken"
    taken.mkdir()
    (taken / "letter.txt").write_text("mine")
    with pytest.raises(UsageError, match="no converted model"):
        convert(source, taken)
    assert (taken / "letter.txt").read_text() == "mine"
    with (
        FileLock(tmp_path / ".busy.lock"),
        pytest.raises(ModelFilesError, match="Another process"),
    ):
        convert(source, tmp_path / "busy")


def test_a_destination_of_another_checkpoint_is_not_taken_for_this_one(
    source: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    write_checkpoint(other, num_layers=1)
    convert(source, tmp_path / "converted", weights="int8")
    with pytest.raises(UsageError, match="another checkpoint"):
        convert(other, tmp_path / "converted", weights="int8")


def test_the_manifest_knows_the_prefix(source: Path, tmp_path: Path) -> None:
    for name, seed in (("one", 1), ("other", 2)):
        config = write_config(tmp_path / name, hidden_size=64, ffn_hidden_size=128, pre_seq_len=3)
        tensors = random_tensors(config, seed)
        trained = {key: value for key, value in tensors.items() if "prefix_encoder" in key}
        save_file(trained, tmp_path / name / "model.safetensors")
    target = tmp_path / "converted"
    manifest = convert(source, target, weights="int8", prefix=tmp_path / "one")
    assert {"prefix/config.json", "prefix/model.safetensors"} < set(manifest.sources)
    assert convert(source, target, weights="int8", prefix=tmp_path / "one") == manifest
    for prefix in (tmp_path / "other", None):
        with pytest.raises(UsageError, match="another checkpoint or prefix"):
            convert(source, target, weights="int8", prefix=prefix)


@pytest.mark.parametrize("place", ["file", "file/below"])
def test_a_destination_that_cannot_be_a_directory(source: Path, tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(
        (UsageError, ModelFilesError), match=r"no converted model|cannot be written"
    ):
        convert(source, tmp_path / place, weights="int8")
    assert (tmp_path / "file").read_text() == "mine"


def test_a_link_and_the_current_directory_are_destinations(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("linked", "here"):
        (tmp_path / name).mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "linked")
    (tmp_path / "dangling").symlink_to(tmp_path / "later")
    monkeypatch.chdir(tmp_path / "here")
    for place in (tmp_path / "link", tmp_path / "dangling", Path()):
        convert(source, place, weights="int8")
    for name in ("linked", "later", "here"):
        assert read_manifest(tmp_path / name).weights == "int8"
    assert (tmp_path / "link").is_symlink()


_CONVERSION_WITH_LITTLE_ROOM = """
import resource, sys
from pathlib import Path
from glmscope.errors import ModelFilesError
from glmscope.model import convert as conversion
limit = int(sys.argv[3])
if sys.argv[4] == "result":
    serialize = conversion.ov.serialize
    def limited(*arguments):
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        serialize(*arguments)
    conversion.ov.serialize = limited
else:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
try:
    conversion.convert(Path(sys.argv[1]), Path(sys.argv[2]), weights="fp32")
except ModelFilesError as error:
    print(error.message)
"""


@pytest.mark.parametrize("file", ["scratch", "result"])
def test_a_full_disk_ends_in_one_sentence(source: Path, tmp_path: Path, file: str) -> None:
    target = tmp_path / "converted"
    script = [sys.executable, "-c", _CONVERSION_WITH_LITTLE_ROOM]
    run = subprocess.run(
        [*script, str(source), str(target), "20000", file], capture_output=True, text=True
    )
    assert (run.returncode, run.stderr) == (0, "")
    assert "cannot be written: " in run.stdout and run.stdout.count("\n") == 1
    assert not target.exists()
    assert [p.name for p in tmp_path.iterdir() if "partial" in p.name] == []


def test_scratch_room_is_taken_before_it_is_written(tmp_path: Path) -> None:
    """A hole in the file would end a conversion on a full disk by a signal."""
    store = MatrixStore(tmp_path / "scratch", 1)
    store._allocate((1024, 1024), np.dtype(np.float32))
    assert (tmp_path / "scratch").stat().st_blocks * 512 >= 2**22
    store.close()


def test_official_integers_leave_bfloat16_matrices_as_they_are(tmp_path: Path) -> None:
    """float16 would lose their small numbers."""
    source = tmp_path / "source"
    _, tensors = write_checkpoint(source)
    stored: dict[str, tuple[str, np.ndarray]] = {}
    for name, tensor in tensors.items():
        if ".layers." in name and tensor.ndim == 2:
            integers, scales = quantize_rows(tensor, 8)
            stored[name] = ("I8", integers)
            stored[f"{name}_scale"] = ("BF16", _bfloat16(scales))
        else:
            stored[name] = ("BF16", _bfloat16(tensor))
    embeddings = "transformer.embedding.word_embeddings.weight"
    stored[embeddings] = ("BF16", _bfloat16(np.full_like(tensors[embeddings], 1e-30, np.float32)))
    write_safetensors(source / "model.safetensors", stored)
    assert convert(source, tmp_path / "converted").weights == "official-int8"
    network = Network(tmp_path / "converted")
    network.start()
    embedded = network.feed(IDS, np.arange(IDS.shape[1])[None]).hidden[0]
    assert embedded == pytest.approx(1e-30, rel=0.01, abs=0)


def _bfloat16(values: np.ndarray) -> np.ndarray:
    return (values.astype(np.float32).view(np.uint32) >> 16).astype(np.uint16)


def test_numbers_that_do_not_fit_are_named(tmp_path: Path) -> None:
    source = tmp_path / "source"
    _, tensors = write_checkpoint(source)
    wide = {name: tensor.astype(np.float32) for name, tensor in tensors.items()}
    name = "transformer.encoder.layers.1.mlp.dense_4h_to_h.weight"
    wide[name][3, 3] = 1e30
    save_file(wide, source / "model.safetensors")
    for weights in ("fp16", "int4"):
        with pytest.raises(ModelFilesError, match=f"{name}.*--weights fp32"):
            convert(source, tmp_path / weights, weights=weights)
        assert not (tmp_path / weights).exists()
    convert(source, tmp_path / "fp32", weights="fp32")


@pytest.mark.parametrize("file", [GRAPH_FILE, WEIGHTS_FILE, "config.json", MANIFEST_FILE])
def test_a_damaged_directory_is_refused(source: Path, tmp_path: Path, file: str) -> None:
    target = tmp_path / "converted"
    convert(source, target, weights="int8")
    data = (target / file).read_bytes()
    (target / file).write_bytes(data[:-10])
    with pytest.raises(ModelFilesError, match=r"convert the checkpoint again|JSON"):
        read_manifest(target)
    (target / file).unlink()
    with pytest.raises(ModelFilesError, match=r"missing|does not exist|no glmscope.json"):
        read_manifest(target)


@pytest.mark.parametrize("file", [GRAPH_FILE, "config.json", "tokenizer.model"])
def test_a_changed_file_of_the_same_size_is_refused(
    source: Path, tmp_path: Path, file: str
) -> None:
    target = tmp_path / "converted"
    convert(source, target, weights="int8")
    data = bytearray((target / file).read_bytes())
    data[-3] ^= 1
    (target / file).write_bytes(data)
    with pytest.raises(ModelFilesError, match=r"was changed|JSON|UTF-8"):
        read_manifest(target)


@pytest.mark.parametrize("number", [np.nan, np.inf])
@pytest.mark.parametrize(
    "name",
    [
        "transformer.encoder.layers.0.input_layernorm.weight",
        "transformer.encoder.layers.1.self_attention.query_key_value.bias",
        "transformer.encoder.layers.1.mlp.dense_4h_to_h.weight",
        "transformer.output_layer.weight",
    ],
)
def test_numbers_that_are_not_finite_are_refused(tmp_path: Path, name: str, number: float) -> None:
    source = tmp_path / "source"
    _, tensors = write_checkpoint(source)
    tensors[name].flat[5] = number
    save_file(tensors, source / "model.safetensors")
    for weights in ("fp32", "int8"):
        with pytest.raises(ModelFilesError, match=f"{name} holds a number that is not finite"):
            convert(source, tmp_path / weights, weights=weights)


def test_another_format_version_is_refused(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "converted"
    convert(source, target, weights="int8")
    fields = json.loads((target / MANIFEST_FILE).read_text())
    (target / MANIFEST_FILE).write_text(json.dumps({**fields, "format": 99}))
    with pytest.raises(ModelFilesError, match="format 99"):
        read_manifest(target)


_SLOW_CONVERSION = """
import sys, time
from pathlib import Path
from glmscope.model.convert import convert
def progress(done, total):
    print(done, flush=True)
    time.sleep(0.05)
convert(Path(sys.argv[1]), Path(sys.argv[2]), weights="int8", progress=progress)
"""


def test_killed_half_way_leaves_nothing_that_loads(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "converted"
    with subprocess.Popen(
        [sys.executable, "-c", _SLOW_CONVERSION, str(source), str(target)],
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        os.kill(process.pid, signal.SIGKILL)
    assert not target.exists()
    assert convert(source, target, weights="int8").weights == "int8"  # starts clean
    assert [p.name for p in tmp_path.iterdir() if "partial" in p.name] == []


def test_interrupted_by_an_exception_cleans_up(source: Path, tmp_path: Path) -> None:
    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        convert(source, tmp_path / "converted", progress=interrupt)
    left = {path.name for path in tmp_path.iterdir()} - {".converted.lock"}
    assert left == {"source"}
