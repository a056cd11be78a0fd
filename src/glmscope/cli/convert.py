"""`glmscope convert`: from a published checkpoint to a directory that the server opens."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from glmscope.cli.console import note, say
from glmscope.cli.options import FamilyOption, PrefixOption
from glmscope.cli.progress import byte_progress
from glmscope.errors import UsageError
from glmscope.family import Family

if TYPE_CHECKING:
    from glmscope.cli.calibration_texts import CalibrationTexts

_TEXTS, _TOKENS = 128, 512


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
    calibrate: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.jsonl",
            help='Round int4 by what the network does with these texts, lines of {"messages": […]} '
            'or {"text": "…"}. Needs the extra calibrate, and hours for a 6B.',
        ),
    ] = None,
    calibration_texts: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help=rf"How many of them, spread over the file.  \[default: {_TEXTS}]",
        ),
    ] = None,
    calibration_tokens: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help=rf"How much of each: its first N tokens.  \[default: {_TOKENS}]",
        ),
    ] = None,
) -> None:
    """Convert a checkpoint for serving. Interrupted, it leaves nothing that could be loaded."""
    from glmscope.model.convert import convert as convert_checkpoint
    from glmscope.model.convert import is_converted

    if not source.is_dir():
        raise UsageError(f"{source} is not a directory.")
    if is_converted(destination):
        note(f"{destination} was converted before; it is checked and left as it is.")
    texts = None
    if calibrate is not None:
        count, tokens = calibration_texts or _TEXTS, calibration_tokens or _TOKENS
        texts = _read_texts(calibrate, source, family, count, tokens)
        note(str(texts))
    elif calibration_texts or calibration_tokens:
        raise UsageError("--calibration-texts and --calibration-tokens go with --calibrate FILE.")
    with byte_progress(f"{source.name} → {destination.name}") as report:
        manifest = convert_checkpoint(
            source,
            destination,
            weights=weights,
            family=family,
            prefix=prefix,
            calibration_texts=None if texts is None else texts.ids,
            progress=report,
        )
    gigabytes = manifest.nbytes / 1e9
    how = manifest.weights + (", calibrated" if manifest.calibration else "")
    say(f"{destination}: {manifest.family.value}, {how}, {gigabytes:.2f} GB")


def _read_texts(
    path: Path, source: Path, family: Family | None, count: int, tokens: int
) -> CalibrationTexts:
    from glmscope.cli.calibration_texts import read_calibration_texts
    from glmscope.engine.machine_memory import machine_memory
    from glmscope.model.calibration import calibration_bytes
    from glmscope.model.config import load_config
    from glmscope.model.manifest import TOKENIZER_FILE
    from glmscope.text.tokenizer import Tokenizer

    config = load_config(source, family)
    tokenizer = Tokenizer.from_file(source / TOKENIZER_FILE, config.family)
    texts = read_calibration_texts(path, tokenizer, count, min(tokens, config.seq_length))
    need = calibration_bytes(config, texts.tokens)
    memory = machine_memory()
    if memory is not None and need > memory.available:
        raise UsageError(
            f"Calibrating on {texts.tokens} tokens takes {need / 1e9:.1f} GB of memory, and "
            f"{memory.limit} has {memory.available / 1e9:.1f} GB free: give it fewer, by "
            "--calibration-texts or --calibration-tokens."
        )
    return texts
