"""What `glmscope` can do. Each command lives in its own module and imports late what is heavy."""

from __future__ import annotations

from typing import Annotated

import typer

from glmscope import __version__
from glmscope.cli import evaluate, keys
from glmscope.cli.bench import bench
from glmscope.cli.chat import chat
from glmscope.cli.conform import conform
from glmscope.cli.console import say
from glmscope.cli.convert import convert
from glmscope.cli.models import models
from glmscope.cli.parity import parity
from glmscope.cli.pull import pull
from glmscope.cli.serve import serve
from glmscope.cli.trace import trace
from glmscope.cli.train import train
from glmscope.cli.usage import usage

app = typer.Typer(
    name="glmscope",
    help="ChatGLM2-6B and ChatGLM3-6B on your own machine, behind the DashScope API.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

for command in (
    serve,
    chat,
    models,
    pull,
    convert,
    bench,
    parity,
    conform,
    trace,
    usage,
    train,
):
    app.command()(command)
app.add_typer(keys.app, name="keys")
app.add_typer(evaluate.app, name="evaluate")


def _show_version(wanted: bool) -> None:
    if wanted:
        say(f"glmscope {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Print the version and end."
        ),
    ] = False,
) -> None:
    """Options that stand before any command."""
