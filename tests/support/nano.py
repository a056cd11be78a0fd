"""A stand-in for the built-in model: its shape in small, random weights, the builtin vocabulary."""

from __future__ import annotations

from pathlib import Path

from glmscope.model.convert import convert
from glmscope.text.vocabulary import builtin_vocabulary
from tests.support.checkpoints import write_checkpoint


def write_nano(directory: Path) -> Path:
    """Write a converted model below `directory` that calls itself chatglm3-nano; returns where."""
    published = directory / "published"
    write_checkpoint(
        published,
        _name_or_path="GLMScope/chatglm3-nano",
        num_layers=2,
        hidden_size=128,
        ffn_hidden_size=256,
        kv_channels=64,
        num_attention_heads=2,
        multi_query_group_num=2,
        padded_vocab_size=1088,
        seq_length=2048,
    )
    (published / "tokenizer.model").write_bytes(builtin_vocabulary())
    convert(published, directory / "model", weights="int8")
    return directory / "model"
