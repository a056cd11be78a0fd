"""`glmscope convert`: from a published checkpoint to a directory that the server opens."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from glmscope.cli.console import note, say
from glmscope.cli.options import FamilyOption, PrefixOption
from glmscope.cli.progress import byte_progress
from glmscope.errors import UsageError


def convert(
    source: Annotated[
        Path, typer.Argument(metavar="SRC", help="Directory of a published checkpoint.")
    ],
    destination: Annotated[
        Path, typer.Argument(metavar="DEST", help="Directory to make; one that exists is kept.")
    ],
    weights: Annotated[
        str,
        typer.Option(
            metavar="int4|int8|fp16|fp32",
            help="Format of the weights; official int8/int4 ones are carried over as they are.",
        ),
    ] = "int4",
    family: FamilyOption = None,
    prefix: PrefixOption = None,
) -> None:
    """Convert a checkpoint for serving. Interrupted, it leaves nothing that could be loaded."""
    from glmscope.model.convert import convert as convert_checkpoint
    from glmscope.model.convert import is_converted

    if not source.is_dir():
        raise UsageError(f"{source} is not a directory.")
    if is_converted(destination):
        note(f"{destination} was converted before; it is checked and left as it is.")
    with byte_progress(f"{source.name} → {destination.name}") as report:
        manifest = convert_checkpoint(
            source, destination, weights=weights, family=family, prefix=prefix, progress=report
        )
    gigabytes = manifest.nbytes / 1e9
    say(f"{destination}: {manifest.family.value}, {manifest.weights}, {gigabytes:.2f} GB")
