"""The options that say which models a command runs."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from glmscope.family import Family


class EngineName(enum.Enum):
    """What runs the models."""

    OPENVINO = "openvino"
    SCRIPTED = "scripted"


_MODELS = "Models"

EngineOption = Annotated[
    EngineName,
    typer.Option(
        "--engine", help="A network on this machine, or prepared replies.", rich_help_panel=_MODELS
    ),
]
ScriptOption = Annotated[
    Path | None,
    typer.Option("--script", help="Replies of the scripted engine.", rich_help_panel=_MODELS),
]
FaultsOption = Annotated[
    Path | None,
    typer.Option(
        "--faults",
        help="What is to go wrong with the scripted engine's replies, to test a client.",
        rich_help_panel=_MODELS,
    ),
]
WeightsOption = Annotated[
    str | None,
    typer.Option(
        "--weights",
        metavar="int4|int8|fp16|fp32",
        help="What a published checkpoint is converted to on first use.  [default: int4]",
        rich_help_panel=_MODELS,
    ),
]
FamilyOption = Annotated[
    Family | None,
    typer.Option("--family", help="Where the files do not tell.", rich_help_panel=_MODELS),
]
TokenizerOption = Annotated[
    Path | None,
    typer.Option(
        "--tokenizer",
        help="A tokenizer.model in place of the checkpoint's own.",
        rich_help_panel=_MODELS,
    ),
]
PrefixOption = Annotated[
    Path | None,
    typer.Option("--ptuning", help="Directory of a P-Tuning v2 prefix.", rich_help_panel=_MODELS),
]
CacheOption = Annotated[
    float | None,
    typer.Option(
        "--cache-gb",
        "--memory",
        min=0.01,
        help="Memory for the KV cache of each model, in GB.",
        rich_help_panel=_MODELS,
    ),
]
ThreadsOption = Annotated[
    int | None,
    typer.Option(
        "--threads", min=1, help="Processor threads.  [default: all]", rich_help_panel=_MODELS
    ),
]
ExactOption = Annotated[
    bool | None,
    typer.Option(
        "--exact/--fast",
        help="Float32 arithmetic throughout, or int8 where it pays.  "
        "[default: exact for weights as published, fast for rounded ones]",
        rich_help_panel=_MODELS,
    ),
]
PrefixCacheOption = Annotated[
    bool,
    typer.Option(
        "--prefix-cache",
        help="Read a prompt's beginning once for everybody; how soon an answer starts then tells "
        "that somebody asked the same before.",
        rich_help_panel=_MODELS,
    ),
]


@dataclass(frozen=True)
class ModelOptions:
    """Which models to run and how; None leaves a choice to the files, or to the default."""

    models: tuple[str, ...] = ()
    """As `--model` takes them: `DIR`, `ID=DIR`, or the name of a catalog model."""
    engine: EngineName = EngineName.OPENVINO
    script: Path | None = None
    weights: str | None = None
    family: Family | None = None
    tokenizer: Path | None = None
    prefix: Path | None = None
    cache_gb: float | None = None
    threads: int | None = None
    exact: bool | None = None
    prefix_cache: bool = False
