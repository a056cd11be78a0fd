"""Checkpoint directories: which files are used, and what is wrong with broken ones."""

from __future__ import annotations

import gc
import hashlib
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from glmscope.errors import ModelFilesError, UnsafePickle
from glmscope.model.checkpoint import Checkpoint
from glmscope.model.config import load_config
from glmscope.model.layout import expected_tensors, layer_name
from glmscope.model.official_quant import quantize_rows
from tests.support.checkpoints import random_tensors, write_checkpoint, write_config, write_index
from tests.support.paths import GOLDEN, needs_golden
from tests.support.torch_archive import write_archive, write_torch

DENSE = layer_name(1, "self_attention.dense.weight")
NORM = "transformer.encoder.final_layernorm.weight"


def assert_holds(checkpoint, tensors):
    assert set(checkpoint.names) == set(tensors)
    for name, array in tensors.items():
        assert np.array_equal(checkpoint.tensor(name), array)


def write_shards(directory, tensors, kind):
    """Two shards and their index; `kind` is "safetensors" or "bin"."""
    stem, write = {
        "safetensors": ("model", lambda path, part: save_file(part, path)),
        "bin": ("pytorch_model", write_torch),
    }[kind]
    names = list(tensors)
    weight_map = {}
    for shard, part in enumerate((names[::2], names[1::2]), start=1):
        file = f"{stem}-0000{shard}-of-00002.{kind}"
        write(directory / file, {name: tensors[name] for name in part})
        weight_map.update(dict.fromkeys(part, file))
    write_index(directory, f"{stem}.{kind}.index.json", weight_map)
    return weight_map


@pytest.fixture
def single(tmp_path):
    config, tensors = write_checkpoint(tmp_path)
    return tmp_path, config, tensors


def test_single_safetensors_file(single):
    directory, config, tensors = single
    checkpoint = Checkpoint.open(directory)
    assert checkpoint.entry.name == "model.safetensors"
    assert checkpoint.verify(config) == ()
    assert_holds(checkpoint, tensors)
    assert NORM in checkpoint
    assert checkpoint.info(DENSE).shape == (16, 32)
    assert checkpoint.info(DENSE).file == directory / "model.safetensors"
    assert checkpoint.nbytes == (directory / "model.safetensors").stat().st_size


@pytest.mark.parametrize("kind", ["safetensors", "bin"])
def test_shards(tmp_path, kind):
    config = write_config(tmp_path)
    tensors = random_tensors(config)
    write_shards(tmp_path, tensors, kind)
    checkpoint = Checkpoint.open(tmp_path)
    assert len(checkpoint.files) == 2
    assert checkpoint.verify(config) == ()
    assert_holds(checkpoint, tensors)


def test_single_bin_file(tmp_path):
    config = write_config(tmp_path)
    tensors = random_tensors(config)
    write_torch(tmp_path / "pytorch_model.bin", tensors)
    checkpoint = Checkpoint.open(tmp_path)
    assert checkpoint.verify(config) == ()
    assert_holds(checkpoint, tensors)


def test_complete_safetensors_win_over_bin(tmp_path):
    tensors = random_tensors(write_config(tmp_path))
    write_shards(tmp_path, tensors, "safetensors")
    write_shards(tmp_path, tensors, "bin")
    checkpoint = Checkpoint.open(tmp_path)
    assert checkpoint.entry.name == "model.safetensors.index.json"
    assert checkpoint.passed_over == ()


def test_complete_bin_wins_over_incomplete_safetensors_and_says_so(tmp_path):
    tensors = random_tensors(write_config(tmp_path))
    write_shards(tmp_path, tensors, "safetensors")
    write_shards(tmp_path, tensors, "bin")
    (tmp_path / "model-00002-of-00002.safetensors").unlink()
    checkpoint = Checkpoint.open(tmp_path)
    assert checkpoint.entry.name == "pytorch_model.bin.index.json"
    assert len(checkpoint.passed_over) == 1
    assert "model-00002-of-00002.safetensors, which does not exist" in checkpoint.passed_over[0]
    assert_holds(checkpoint, tensors)


def test_missing_shard(tmp_path):
    write_shards(tmp_path, random_tensors(write_config(tmp_path)), "bin")
    (tmp_path / "pytorch_model-00001-of-00002.bin").unlink()
    with pytest.raises(ModelFilesError, match=r"00001-of-00002\.bin, which does not exist"):
        Checkpoint.open(tmp_path)


def test_no_weights(tmp_path):
    with pytest.raises(ModelFilesError, match="holds no weights"):
        Checkpoint.open(tmp_path)


def test_tensor_that_the_index_promises_and_the_shard_lacks(tmp_path):
    weight_map = write_shards(tmp_path, random_tensors(write_config(tmp_path)), "safetensors")
    weight_map["transformer.more"] = weight_map[NORM]
    write_index(tmp_path, "model.safetensors.index.json", weight_map)
    with pytest.raises(ModelFilesError, match=r"holds transformer\.more, and it does not"):
        Checkpoint.open(tmp_path)


@pytest.mark.parametrize(
    "file", ["../outside.safetensors", "/etc/passwd", "a/b.safetensors", "a\\b", "C:x", "..", "", 5]
)
def test_index_may_only_name_files_beside_it(tmp_path, file):
    directory = tmp_path / "model"
    write_config(directory)
    save_file({"x": np.ones(1, np.float32)}, tmp_path / "outside.safetensors")
    write_index(directory, "model.safetensors.index.json", {"x": file})
    with pytest.raises(ModelFilesError, match="which is no file name"):
        Checkpoint.open(directory)


def test_links_to_files_elsewhere_are_followed(tmp_path):
    """The cache of Hugging Face is made of them."""
    config, tensors = write_checkpoint(tmp_path / "blobs")
    directory = tmp_path / "snapshot"
    directory.mkdir()
    (directory / "model.safetensors").symlink_to("../blobs/model.safetensors")
    checkpoint = Checkpoint.open(directory)
    assert checkpoint.verify(config) == ()
    assert_holds(checkpoint, tensors)


@pytest.mark.parametrize("content", ["{}", '{"weight_map": []}', '{"weight_map": {}}'])
def test_index_without_a_map(tmp_path, content):
    (tmp_path / "model.safetensors.index.json").write_text(content, encoding="utf-8")
    with pytest.raises(ModelFilesError, match='no "weight_map"'):
        Checkpoint.open(tmp_path)


def test_hostile_shard_is_refused(tmp_path):
    write_config(tmp_path)
    write_archive(tmp_path / "pytorch_model.bin", b"\x80\x02cos\nsystem\n(X\x02\x00\x00\x00lstR.")
    with pytest.raises(UnsafePickle, match=r"pytorch_model\.bin is refused.*os\.system"):
        Checkpoint.open(tmp_path)


def test_unknown_name(single):
    with pytest.raises(ModelFilesError, match=r"model\.safetensors has no tensor nothing"):
        Checkpoint.open(single[0]).tensor("nothing")


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        (DENSE, None, f"has no tensor {DENSE}"),
        (DENSE, np.zeros((16, 31), np.float16), r"has shape \[16, 31\]; expected \[16, 32\]"),
        (NORM, np.zeros((16, 1), np.float16), r"has shape \[16, 1\]; expected \[16\]"),
        (DENSE, np.zeros((16, 32), np.int32), "stored as I32; expected F32, F16 or BF16"),
        (NORM, np.zeros(16, np.int8), "stored as I8; expected F32, F16 or BF16"),
        (DENSE, np.zeros((16, 32), np.float64), "stored as F64"),
        (DENSE, np.zeros((16, 32), np.int8), f"has no tensor {DENSE}_scale"),
        (DENSE, np.zeros((16, 17), np.int8), r"has shape \[16, 17\]; expected \[16, 32\]"),
    ],
)
def test_one_broken_tensor_is_named_with_its_file(single, name, array, message):
    directory, config, tensors = single
    if array is None:
        del tensors[name]
    else:
        tensors[name] = array
    save_file(tensors, directory / "model.safetensors")
    with pytest.raises(ModelFilesError, match=message) as caught:
        Checkpoint.open(directory).verify(config)
    assert str(directory / "model.safetensors") in caught.value.message
    assert name in caught.value.message


def test_several_faults_are_counted(single):
    directory, config, tensors = single
    for layer in range(2):
        del tensors[layer_name(layer, "input_layernorm.weight")]
    save_file(tensors, directory / "model.safetensors")
    with pytest.raises(ModelFilesError, match="1 more such faults"):
        Checkpoint.open(directory).verify(config)


def test_unused_tensors_are_reported_and_frequencies_are_not(single):
    directory, config, tensors = single
    tensors["transformer.rotary_pos_emb.inv_freq"] = np.ones(2, np.float32)
    tensors["classifier_head.weight"] = np.ones((2, 16), np.float32)
    save_file(tensors, directory / "model.safetensors")
    assert Checkpoint.open(directory).verify(config) == ("classifier_head.weight",)


def quantized(directory, bits, tensors, names):
    """The same tensors with the matrices `names` in the official format."""
    stored = dict(tensors)
    for name in names:
        stored[name], stored[f"{name}_scale"] = quantize_rows(tensors[name], bits)
    save_file(stored, directory / "model.safetensors")


@pytest.mark.parametrize("bits", [8, 4])
def test_official_format(single, bits):
    directory, _, tensors = single
    config = write_config(directory, quantization_bit=bits)
    matrices = [name for name, spec in expected_tensors(config).items() if spec.bits]
    quantized(directory, bits, tensors, matrices)
    checkpoint = Checkpoint.open(directory)
    assert checkpoint.verify(config) == ()
    specs = expected_tensors(config)
    assert checkpoint.bits(DENSE, specs[DENSE]) == bits
    output = "transformer.output_layer.weight"
    assert checkpoint.bits(output, specs[output]) == 0
    other = write_config(directory, quantization_bit=12 - bits)
    with pytest.raises(ModelFilesError, match="has shape"):
        checkpoint.verify(other)


def test_quantized_configuration_over_plain_weights(single):
    directory, _, _ = single
    config = write_config(directory, quantization_bit=4)
    with pytest.raises(ModelFilesError, match=r"stored as F16; expected I8.*says 4 bits"):
        Checkpoint.open(directory).verify(config)


def test_any_matrix_may_be_quantized_if_its_scales_are_there(single):
    directory, config, tensors = single
    names = [DENSE, "transformer.output_layer.weight"]
    quantized(directory, 4, tensors, names)
    checkpoint = Checkpoint.open(directory)
    assert checkpoint.verify(config) == ()
    specs = expected_tensors(config)
    assert [checkpoint.bits(name, specs[name]) for name in names] == [4, 4]


def test_sha256_of_all_sources_with_progress(tmp_path):
    write_shards(tmp_path, random_tensors(write_config(tmp_path)), "bin")
    done = []
    digests = Checkpoint.open(tmp_path).sha256(done.append)
    files = sorted(tmp_path.iterdir())
    assert digests == {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}
    assert sum(done) == sum(file.stat().st_size for file in files)


@pytest.mark.skipif(sys.platform != "linux", reason="the list of mappings is read from /proc")
def test_a_tensor_is_unmapped_when_it_is_let_go(single):
    directory, _, _ = single
    checkpoint = Checkpoint.open(directory)

    def mapped():
        gc.collect()
        return str(directory) in Path("/proc/self/maps").read_text(encoding="utf-8")

    assert not mapped()
    array = checkpoint.tensor(DENSE)
    assert mapped()
    del array
    assert not mapped()


@needs_golden
def test_golden_checkpoints_are_whole():
    for directory in sorted((GOLDEN / "models").iterdir()):
        assert Checkpoint.open(directory).verify(load_config(directory)) == ()


@needs_golden
@pytest.mark.parametrize("name", ["glm3_a", "glm2_b"])
def test_golden_bin_and_safetensors_are_equal(name):
    directory = GOLDEN / "models" / name
    safe, torch = Checkpoint.open(directory), Checkpoint.open(directory / "bin")
    assert torch.entry.name == "pytorch_model.bin.index.json"
    assert torch.verify(load_config(directory / "bin")) == ()
    assert set(safe.names) == set(torch.names)
    for tensor in safe.names:
        assert torch.tensor(tensor).dtype == safe.tensor(tensor).dtype
        assert np.array_equal(torch.tensor(tensor), safe.tensor(tensor))
