"""The options that say how a command runs its models."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from glmscope.cli.memory_size import parse_memory
from glmscope.family import Family


class EngineName(enum.Enum):
    """What runs the models."""

    OPENVINO = "openvino"
    SCRIPTED = "scripted"


_MODELS = "Models"

WeightsOption = Annotated[
    str | None,
    typer.Option(
        "--weights",
        metavar="int4|int8|fp16|fp32",
        help=r"What a published checkpoint is converted to on first use.  \[default: int4]",
        rich_help_panel=_MODELS,
    ),
]
FamilyOption = Annotated[
    Family | None,
    typer.Option("--family", help="Where the files do not tell.", rich_help_panel=_MODELS),
]
PrefixOption = Annotated[
    Path | None,
    typer.Option("--ptuning", help="Directory of a P-Tuning v2 prefix.", rich_help_panel=_MODELS),
]


@dataclass(frozen=True)
class EngineOptions:
    """What runs the models."""

    engine: Annotated[
        EngineName,
        typer.Option(
            help="A network on this machine, or prepared replies.", rich_help_panel=_MODELS
        ),
    ] = EngineName.OPENVINO
    script: Annotated[
        Path | None,
        typer.Option(help="Replies of the scripted engine.", rich_help_panel=_MODELS),
    ] = None


@dataclass(frozen=True)
class NetworkOptions:
    """What becomes of a model's files; None leaves it to them, or to the default."""

    weights: WeightsOption = None
    family: FamilyOption = None
    tokenizer: Annotated[
        Path | None,
        typer.Option(
            help="A tokenizer.model in place of the checkpoint's own.", rich_help_panel=_MODELS
        ),
    ] = None
    ptuning: PrefixOption = None
    cache_gb: Annotated[
        float | None,
        typer.Option(
            "--cache-gb",
            min=0.01,
            help=r"GiB for the KV cache of each model.  \[default: what --memory leaves]",
            rich_help_panel=_MODELS,
        ),
    ] = None
    memory: Annotated[
        int | None,
        typer.Option(
            metavar="SIZE",
            parser=parse_memory,
            help="What this process may take in all, such as 6GB; KV caches get what is left.  "
            r"\[default: what is free here, less a tenth of the machine]",
            rich_help_panel=_MODELS,
        ),
    ] = None


@dataclass(frozen=True)
class ComputeOptions:
    """How networks are computed; None leaves it to the files, or to the default."""

    threads: Annotated[
        int | None,
        typer.Option(min=1, help=r"Processor threads.  \[default: all]", rich_help_panel=_MODELS),
    ] = None
    exact: Annotated[
        bool | None,
        typer.Option(
            "--exact/--fast",
            help="Float32 arithmetic throughout, or int8 where it pays.  "
            r"\[default: exact for weights as published, fast for rounded ones]",
            rich_help_panel=_MODELS,
        ),
    ] = None


@dataclass(frozen=True)
class PrefixCacheOptions:
    """What is kept of prompts that were read: a server's business."""

    prefix_cache: Annotated[
        bool | None,
        typer.Option(
            "--prefix-cache/--no-prefix-cache",
            help="Read what a key's prompts begin with once; keys share only what --share-prefix "
            r"says.  \[default: where the model's vocabulary allows it]",
            rich_help_panel=_MODELS,
        ),
    ] = None
    share_prefix: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE",
            help="A system prompt that is read once for all keys, as text, or as .json with "
            "messages and tools; may be repeated.",
            rich_help_panel=_MODELS,
        ),
    ] = None


@dataclass(frozen=True)
class ModelOptions(PrefixCacheOptions, ComputeOptions, NetworkOptions, EngineOptions):
    """Which models to run, and how."""

    models: tuple[str, ...] = ()
    """As `--model` takes them: `DIR`, `ID=DIR`, or the name of a catalog model."""

    @classmethod
    def of(
        cls,
        models: Iterable[str],
        *groups: EngineOptions | NetworkOptions | ComputeOptions | PrefixCacheOptions,
    ) -> ModelOptions:
        """The options of a command that takes these groups of them."""
        given = {name: value for group in groups for name, value in vars(group).items()}
        return cls(models=tuple(models), **given)
