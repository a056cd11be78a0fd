"""The pipeline's settings: the cache takes the memory that was asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from glmscope.engine.pipeline import Pipeline, PipelineSettings, cache_tokens
from glmscope.model.convert import convert
from glmscope.model.manifest import read_manifest
from tests.support.checkpoints import write_checkpoint


@pytest.mark.parametrize("fast", [True, False], ids=["fast", "exact"])
@pytest.mark.parametrize("head_dim", [8, 128])
def test_the_cache_takes_what_it_may_and_no_more(tmp_path: Path, head_dim: int, fast: bool) -> None:
    write_checkpoint(tmp_path / "source", kv_channels=head_dim)
    convert(tmp_path / "source", tmp_path / "converted", weights="int8")
    gigabytes = 1 / 64
    tokens = cache_tokens(read_manifest(tmp_path / "converted").config, gigabytes, fast)
    pipeline = Pipeline(tmp_path / "converted", PipelineSettings(tokens, fast))
    taken = pipeline._pipeline.get_metrics().kv_cache_size_in_bytes
    assert 0.99 < taken / (gigabytes * 2**30) <= 1
