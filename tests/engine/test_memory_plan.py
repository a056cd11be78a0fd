"""What a network is reckoned to take, against what it takes; and caches that fit what is given."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from glmscope.engine.memory_plan import MemoryNeed
from glmscope.model.convert import convert
from glmscope.model.manifest import read_manifest
from tests.support.checkpoints import write_checkpoint

NEED = MemoryNeed(loaded=1000, working=500, per_position=2, per_token=3, positions=320)

MEASURE = """
import sys
from pathlib import Path
import openvino
from glmscope.bench.memory import memory_now
from glmscope.engine.engine import Sampling
from glmscope.engine.loading import load_pipeline
from glmscope.engine.pipeline import PipelineSettings
from glmscope.model.manifest import read_manifest

directory, tokens = Path(sys.argv[1]), int(sys.argv[2])
manifest = read_manifest(directory)
openvino.Core().get_property("CPU", "FULL_DEVICE_NAME")  # the library itself is the process's
before = memory_now().resident
fast = not manifest.is_exact
pipeline = load_pipeline(directory, manifest, PipelineSettings(tokens, fast, manifest.group_size))
print(memory_now().resident - before)
ids = tuple(i % manifest.config.padded_vocab_size for i in range(tokens // 2 - 40))
handles = [pipeline.add(ids, Sampling(32, temperature=0.0)) for _ in range(2)]
while pipeline.has_work:
    pipeline.step()
print(memory_now().resident - before)
"""


def test_tokens_are_what_the_bytes_leave_room_for() -> None:
    for nbytes in (1500, 2000, 3099, 3100, 5000, 100_000):
        tokens = NEED.tokens_within(nbytes)
        assert tokens % 32 == 0
        assert NEED.at(tokens) <= nbytes < NEED.at(tokens + 32)


def test_nothing_fits_where_the_weights_do_not() -> None:
    assert NEED.tokens_within(1400) < 0


def test_growth_is_what_comes_after_loading() -> None:
    assert NEED.growth(0) == 500
    assert NEED.at(640) == 1000 + NEED.growth(640) == 1500 + 320 * 2 + 640 * 3


def test_threads_sequences_and_grammars_count(tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "source", seq_length=64)
    convert(tmp_path / "source", tmp_path / "ready", weights="int8")
    manifest = read_manifest(tmp_path / "ready")
    plain = MemoryNeed.of(manifest, fast=True, threads=2, holds_grammars=False)
    assert plain.positions == 64
    wide = MemoryNeed.of(manifest, fast=True, threads=4, holds_grammars=False)
    assert wide.per_position > plain.per_position
    held = MemoryNeed.of(manifest, fast=True, threads=2, holds_grammars=True)
    assert held.working > plain.working
    assert held == replace(plain, working=held.working)
    exact = MemoryNeed.of(manifest, fast=False, threads=2, holds_grammars=False)
    assert exact.per_token > plain.per_token


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("weights", ["fp16", "int4"])
def test_a_network_takes_no_more_than_is_reckoned(tmp_path: Path, weights: str) -> None:
    write_checkpoint(
        tmp_path / "source",
        num_layers=2,
        hidden_size=512,
        ffn_hidden_size=1408,
        kv_channels=64,
        num_attention_heads=8,
        padded_vocab_size=8192,
        seq_length=1024,
    )
    convert(tmp_path / "source", tmp_path / "ready", weights=weights)
    manifest = read_manifest(tmp_path / "ready")
    tokens = 1024
    need = MemoryNeed.of(manifest, fast=not manifest.is_exact, threads=None, holds_grammars=False)
    command = [sys.executable, "-c", MEASURE, str(tmp_path / "ready"), str(tokens)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    loaded, whole = map(int, done.stdout.split())
    assert loaded <= need.loaded
    assert whole <= need.at(tokens)
    # A reckoning far above what is taken would waste what could be cache.
    assert whole > need.at(tokens) / 3
