"""A dataclass in place of the options that its fields are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from glmscope.cli.option_groups import grouped


@dataclass(frozen=True)
class Size:
    wide: Annotated[int, typer.Option("--wide", "-w")] = 1
    tall: Annotated[int | None, typer.Option("--tall")] = None


app = typer.Typer()


@app.command()
@grouped
def box(*, name: Annotated[str, typer.Argument()], size: Size, full: bool = False) -> None:
    """Say what was given."""
    typer.echo(f"{name} {size.wide} {size.tall} {full}")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["a"], "a 1 None False"),
        (["a", "-w", "3", "--full"], "a 3 None True"),
        (["--tall", "4", "a"], "a 1 4 False"),
    ],
)
def test_the_fields_are_options(given: list[str], said: str) -> None:
    result = CliRunner().invoke(app, given)
    assert (result.exit_code, result.output) == (0, f"{said}\n")


def test_they_are_checked_and_described_like_any_other() -> None:
    assert CliRunner().invoke(app, ["a", "--wide", "x"]).exit_code == 2
    shown = CliRunner().invoke(app, ["--help"]).output
    assert "--tall" in shown
    assert "--size" not in shown
    assert "Say what was given." in shown
