"""What tests of pulling share."""

from __future__ import annotations

from pathlib import Path

from glmscope.model.snapshot import MARKER_FILE

OWNER = "ZhipuAI/chatglm3-6b"
NEEDED = {"config.json", "tokenizer.model", "tokenizer_config.json", "model.safetensors"}


def nobody(_done: int, _total: int) -> None:
    """A listener that does not care."""


def contents(directory: Path) -> dict[str, bytes]:
    return {
        path.name: path.read_bytes() for path in directory.iterdir() if path.name != MARKER_FILE
    }
