"""`glmscope evaluate`: what can a small model do, in figures?"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from glmscope.cli.console import err, out, say
from glmscope.cli.options import ModelOptions, WeightsOption
from glmscope.errors import UsageError
from glmscope.model.catalog import NANO_ID

if TYPE_CHECKING:
    from glmscope.chat.service import ServedModel
    from glmscope.evaluate.checks import Check
    from glmscope.evaluate.report import Figure, Report

app = typer.Typer(no_args_is_help=True, help="Measure what a model can do.")

_PERPLEXITY, _SPEED = "perplexity", "speed"


@app.callback()
def _group() -> None:
    """Keeps `nano` a word of its own, whatever else there is to evaluate."""


@app.command()
def nano(
    model: Annotated[
        str,
        typer.Option(metavar="DIR", help="A model directory, published or converted."),
    ] = NANO_ID,
    weights: WeightsOption = None,
    json_file: Annotated[
        Path | None,
        typer.Option("--json", metavar="FILE", help="Write figures and every answer there."),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KIND", help="One kind of question, perplexity or speed; may be repeated."
        ),
    ] = None,
    fp32: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="The same model in fp32, to compare perplexity with."),
    ] = None,
    checks: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Questions of your own, as KIND.jsonl."),
    ] = None,
    sample: Annotated[
        int | None, typer.Option(min=1, help="Ask only so many questions of each kind.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Which ones --sample draws.")] = 0,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with status 1 when a figure is missed.")
    ] = False,
) -> None:
    """Ask what the built-in model has to know, in words that it was not trained on, and count.

    Answers are greedy and run side by side, through the engine that serves.
    """
    from glmscope.evaluate.checks import BUILT_IN, HELD_OUT, draw_checks, read_checks

    kinds = _kinds(only)
    if checks is not None and not checks.is_dir():
        raise UsageError(f"{checks} is not a directory.")
    if json_file is not None and not json_file.parent.is_dir():
        raise UsageError(f"{json_file.parent} is not a directory.")
    directory = checks or BUILT_IN
    questions = [
        check for kind in kinds for check in draw_checks(read_checks(kind, directory), sample, seed)
    ]
    dialogues = read_checks(HELD_OUT, directory) if _PERPLEXITY in kinds else []
    report = _measure(model, weights, fp32, kinds, questions, dialogues)
    if json_file is not None:
        text = json.dumps(report.as_json(), ensure_ascii=False, indent=1)
        json_file.write_text(f"{text}\n", encoding="utf-8")
    _print(report)
    if strict and not report.passed:
        raise typer.Exit(1)


def _measure(
    model: str,
    weights: str | None,
    fp32: Path | None,
    kinds: Sequence[str],
    questions: Sequence[Check],
    dialogues: Sequence[Check],
) -> Report:
    from glmscope.evaluate.report import Report
    from glmscope.evaluate.run import run_checks
    from glmscope.evaluate.speed import measure_speed

    served = _open(model, weights)
    with _answer_progress(len(questions)) as progress:
        findings = run_checks(served, questions, dialogues, progress)
    exact = None
    if fp32 is not None and dialogues:
        exact = run_checks(_open(str(fp32), "fp32"), (), dialogues).perplexity
    # Last, when no engine of this process is left to take the cores.
    speed = measure_speed(_serve_command(model, weights)) if _SPEED in kinds else None
    return Report(
        model=f"{model}: {served[0].name}",
        kinds=frozenset(kinds),
        answers=findings.answers,
        served=findings.perplexity,
        fp32=exact,
        speed=speed,
    )


def _kinds(only: Sequence[str] | None) -> list[str]:
    """What is to be measured. Raises UsageError for what is no kind."""
    from glmscope.evaluate.checks import KINDS, ROUNDS

    known = [*KINDS, ROUNDS, _PERPLEXITY, _SPEED]
    if unknown := set(only or ()) - set(known):
        raise UsageError(f'--only takes {", ".join(known)}; "{min(unknown)}" is none of these.')
    return [kind for kind in known if not only or kind in only]


def _open(model: str, weights: str | None) -> list[ServedModel]:
    from glmscope.cli.networks import open_networks

    return open_networks(ModelOptions(models=(model,), weights=weights))


def _serve_command(model: str, weights: str | None) -> list[str]:
    command = [sys.executable, "-m", "glmscope.cli", "serve", "--port", "0", "--no-auth"]
    format_option = [] if weights is None else ["--weights", weights]
    return [*command, "--model", model, *format_option]


@contextmanager
def _answer_progress(total: int) -> Iterator[Callable[[], None]]:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (TextColumn("Answers"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=err, disable=not total) as progress:
        task = progress.add_task("", total=total)
        yield lambda: progress.advance(task)


def _print(report: Report) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table("what", title=report.model, title_justify="left")
    for name in ("of", "reached", "wanted"):
        table.add_column(name, justify="right")
    table.add_column("")
    for figure in report.figures:
        count = str(figure.count) if figure.count else "–"
        table.add_row(Text(figure.what), count, _reached(figure), _wanted(figure), _verdict(figure))
    out.print(table)
    judged = [figure.passed for figure in report.figures if figure.passed is not None]
    say(f"{sum(judged)} reached, {len(judged) - sum(judged)} missed")


def _reached(figure: Figure) -> str:
    return "not measured" if figure.reached is None else _number(figure.reached, figure.unit)


def _wanted(figure: Figure) -> str:
    if figure.wanted is None:
        return ""
    sign = "≥" if figure.wanted.kind == "at least" else "<"
    return f"{sign} {_number(figure.wanted.value, figure.unit)}"


def _verdict(figure: Figure) -> str:
    return {None: "", True: "[green]pass[/green]", False: "[bold red]FAIL[/bold red]"}[
        figure.passed
    ]


def _number(value: float, unit: str) -> str:
    return f"{100 * value:.1f} %" if unit == "%" else f"{value:.4g} {unit}".rstrip()
