"""`glmscope parity`: is this network the original's, number for number?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from glmscope.cli.console import out, say

if TYPE_CHECKING:
    from glmscope.parity.row import Row


def parity(
    directories: Annotated[
        list[Path],
        typer.Argument(
            metavar="DIR…",
            help="Golden directories: a model (config.json, weights, golden.npz), components/ or "
            "tokenizer/.",
        ),
    ],
    tokenizer: Annotated[
        Path | None,
        typer.Option(help="The tokenizer.model for text; by default the one in the directory."),
    ] = None,
) -> None:
    """Compare the code that serves with recorded outputs of the original; exit status 1 on a miss.

    Networks run through OpenVINO in float32, greedy ids through the serving engine.
    """
    from glmscope.parity.check import check_directory

    passed = failed = 0
    for directory in directories:
        rows = list(check_directory(directory, tokenizer))
        _print(directory.name, rows)
        passed += sum(row.passed for row in rows)
        failed += sum(not row.passed for row in rows)
    say(f"{passed} passed, {failed} failed")
    if failed:
        raise typer.Exit(1)


def _print(title: str, rows: list[Row]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table("case", "compared", title=title, title_justify="left")
    table.add_column("difference", justify="right")
    table.add_column("tolerance", justify="right")
    table.add_column("")
    for row in rows:
        verdict = Text("pass", "green") if row.passed else Text("FAIL", "bold red")
        case, compared = Text(row.case), Text(row.compared)
        table.add_row(case, compared, f"{row.difference:.3g}", f"{row.tolerance:.3g}", verdict)
    out.print(table)
