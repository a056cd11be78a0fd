"""Loading checks the weights, and lets go of their file without changing an answer."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from glmscope.engine.engine import Sampling
from glmscope.engine.openvino import OpenVINOEngine
from glmscope.errors import ModelFilesError
from glmscope.model import manifest
from glmscope.model.convert import convert
from glmscope.model.manifest import WEIGHTS_FILE
from tests.engine.test_mapped_weights import resident
from tests.support.checkpoints import write_checkpoint


@pytest.fixture
def converted(tmp_path: Path) -> Path:
    """Some 10 MB of weights."""
    write_checkpoint(
        tmp_path / "source",
        hidden_size=256,
        ffn_hidden_size=640,
        kv_channels=32,
        num_attention_heads=8,
        padded_vocab_size=4096,
        seq_length=512,
    )
    convert(tmp_path / "source", tmp_path / "converted", weights="fp32")
    return tmp_path / "converted"


async def greedy(engine: OpenVINOEngine) -> list[int]:
    steps = engine.generate([3, 1, 4000, 1, 5], Sampling(24, temperature=0.0))
    return [token_id async for step in steps for token_id in step.ids]


def flip_a_byte(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        (byte,) = file.read(1)
        file.seek(-1, 1)
        file.write(bytes([byte ^ 1]))


async def test_large_weights_are_hashed_while_they_load(
    converted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(manifest, "_LARGEST_HASHED", 1024 * 1024)
    engine = await asyncio.to_thread(OpenVINOEngine.open, converted)
    await engine.close()
    flip_a_byte(converted / WEIGHTS_FILE)
    with pytest.raises(ModelFilesError, match=rf"{WEIGHTS_FILE} was changed: convert"):
        await asyncio.to_thread(OpenVINOEngine.open, converted)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
async def test_the_file_is_let_go_and_no_answer_changes(
    converted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = (converted / WEIGHTS_FILE).resolve()
    size = weights.stat().st_size
    engine = await asyncio.to_thread(OpenVINOEngine.open, converted)
    try:
        assert resident(weights) == 0
        ids = await greedy(engine)
        assert resident(weights) < size / 2  # rows of the embedding are looked up in the file
    finally:
        await engine.close()
    monkeypatch.setattr("glmscope.engine.mapped_weights.let_go", lambda path: 0)
    kept = await asyncio.to_thread(OpenVINOEngine.open, converted)
    try:
        assert resident(weights) > 0
        assert await greedy(kept) == ids
    finally:
        await kept.close()
