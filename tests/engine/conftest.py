"""Fixtures of this room."""

from __future__ import annotations

from pathlib import Path

import pytest
from safetensors.numpy import save_file

from glmscope.model.convert import convert
from tests.engine.prefix_cache import KNOWN, VOCABULARY
from tests.support.checkpoints import write_checkpoint


@pytest.fixture(scope="session")
def cacheable(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network that draws no id without a text or a role, as the published ones."""
    directory = tmp_path_factory.mktemp("prefix-cache")
    _, tensors = write_checkpoint(
        directory / "source", padded_vocab_size=VOCABULARY, seq_length=1024
    )
    tensors["transformer.output_layer.weight"][KNOWN:] = 0
    save_file(tensors, directory / "source" / "model.safetensors")
    convert(directory / "source", directory / "converted", weights="fp32")
    return directory / "converted"
