"""`glmscope train`: make a model of the family, one stage at a time."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from glmscope.cli.console import note, say
from glmscope.errors import UsageError

STAGES = (
    "packages",
    "tokenizer",
    "pretrain",
    "tune",
    "grow",
    "retune",
    "pairs",
    "align",
    "export",
)


def train(
    stages: Annotated[
        list[str] | None,
        typer.Argument(metavar="STAGE…", help=f"{', '.join(STAGES)}; all of them by default."),
    ] = None,
    config: Annotated[Path, typer.Option(metavar="FILE", help="What to make, and how.")] = Path(
        "train/nano.toml"
    ),
    work: Annotated[
        Path, typer.Option(metavar="DIR", help="Where every stage leaves its files.")
    ] = Path("build/nano"),
    compiled: Annotated[
        bool, typer.Option("--compile/--no-compile", help="Use PyTorch's compiler.")
    ] = True,
) -> None:
    """Train a small ChatGLM3: vocabulary, pretraining, dialogue tuning, preference alignment.

    A stage that was killed goes on where it last saved. Needs the extra `glmscope[train]`.
    """
    unknown = set(stages or ()) - set(STAGES)
    if unknown:
        raise UsageError(f"There is no stage {min(unknown)!r}; there are {', '.join(STAGES)}.")
    try:
        from glmscope.train.settings import load_settings
        from glmscope.train.stages import STAGES as RUN
    except ModuleNotFoundError as error:
        raise UsageError(
            f"Training needs {error.name}: pip install 'glmscope[train]' installs it."
        ) from error
    settings = load_settings(config)
    work.mkdir(parents=True, exist_ok=True)
    for stage in stages or STAGES:
        note(f"{stage} …")
        started = time.monotonic()
        finding = RUN[stage](settings, work, compiled)
        say(f"{stage}: {finding}, {time.monotonic() - started:.0f} s")
