"""One file says how a model is made: `train/nano.toml`, read into these dataclasses."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from glmscope.errors import UsageError
from glmscope.family import Family
from glmscope.model.config import ModelConfig
from glmscope.train.objective import Shares
from glmscope.train.toml_file import TOMLError, read_toml

Section = TypeVar("Section")
VOCABULARY_MULTIPLE = 64
"""Rows of embedding and output are padded to a multiple of this."""


@dataclass(frozen=True)
class Shape:
    """The network's sizes until it grows, under the names of `config.json`."""

    num_layers: int
    hidden_size: int
    ffn_hidden_size: int
    num_attention_heads: int
    kv_channels: int
    multi_query_group_num: int
    seq_length: int


@dataclass(frozen=True)
class Optimization:
    """One stage's steps: how many, how large, how fast."""

    steps: int
    batch_tokens: int
    lengths: tuple[int, ...]  # row lengths; an example goes into the shortest that holds it
    matrix_rate: float  # Muon, for the layers' matrices
    other_rate: float  # AdamW, for embedding, output layer, norms and biases
    warmup: int = 50  # steps of linear rise
    decay: float = 0.4  # share of the steps, at the end, of linear fall to zero
    weight_decay: float = 0.01
    save_every: int = 200
    opening_weight: float = 1.0  # of a turn's first tokens, in retuning
    symbol_weight: float = 1.0  # of operators and brackets, likewise
    pointing_weight: float = 0.0  # of where attention looks (`attention_loss`), in retuning
    pointing_end: float = 0.0  # what that falls to, and stays at from half of the steps on


@dataclass(frozen=True)
class Alignment:
    """Preference pairs and how strongly they pull (DPO)."""

    prompts: int  # questions that the tuned model is let answer
    beta: float
    anchor: float  # weight of the plain loss on the chosen answer, which keeps it likely


@dataclass(frozen=True)
class Settings:
    """Everything that decides the trained model; paths are relative to the settings file."""

    name: str
    seed: int
    pieces: int
    repetitions: int  # copying exercises in each of the three stages that learn from texts
    rounds_share: float  # of the plain dialogues, written in ChatGLM2's rounds
    shape: Shape
    shares: Shares
    pretrain: Optimization
    tune: Optimization
    retune: Optimization  # of the grown network
    align: Optimization
    alignment: Alignment
    mix: dict[str, int]  # dialogues of each generator
    corpora: dict[str, int]  # times that each corpus is read in pretraining
    data: Path
    corpus: Path
    packages: dict[str, int] = field(default_factory=dict)  # times that each is read, likewise
    packages_required: bool = True  # or pretraining goes without those that cannot be fetched

    def model_config(self, vocab_size: int, family: Family = Family.CHATGLM3) -> ModelConfig:
        """The network for a vocabulary of `vocab_size` ids, special ones among them."""
        rows = -(-vocab_size // VOCABULARY_MULTIPLE) * VOCABULARY_MULTIPLE
        return ModelConfig(
            family=family,
            name=self.name,
            padded_vocab_size=rows,
            multi_query_attention=True,
            add_qkv_bias=True,
            **dataclasses.asdict(self.shape),
        )

    def with_seed(self, seed: int) -> Settings:
        """The same, drawing other numbers."""
        return dataclasses.replace(self, seed=seed)


def load_settings(path: Path) -> Settings:
    """Read a settings file. Raises UsageError, naming it, when something is missing or unknown."""
    try:
        fields = read_toml(path)
        sections = {
            name: _section(kind, name, fields)
            for name, kind in (
                ("shape", Shape),
                ("shares", Shares),
                ("pretrain", Optimization),
                ("tune", Optimization),
                ("retune", Optimization),
                ("align", Optimization),
                ("alignment", Alignment),
            )
        }
        for name in ("data", "corpus"):
            fields[name] = (path.parent / fields[name]).resolve()
        return Settings(**{**fields, **sections})
    except (OSError, KeyError, TypeError, TOMLError) as error:
        raise UsageError(f"{path} does not say how to make a model: {error}.") from error


def _section(kind: type[Section], name: str, fields: dict[str, Any]) -> Section:
    values = dict(fields[name])
    if "lengths" in values:
        values["lengths"] = tuple(values["lengths"])
    return kind(**values)
