"""`glmscope conform`: does a server speak the protocol as the official SDKs need it?"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from glmscope.cli.console import note, out, printable, say
from glmscope.errors import ServiceError, UsageError

if TYPE_CHECKING:
    from glmscope.conform.run import Absent, Result
    from glmscope.conform.sdk.sdk import Sdk
    from glmscope.conform.target import Target


def _print_script(wanted: bool) -> None:
    if wanted:
        from glmscope.conform.script import script_text

        sys.stdout.write(script_text())
        raise typer.Exit


def conform(
    url: Annotated[str, typer.Argument(metavar="URL", help="Such as http://127.0.0.1:8000.")],
    key: Annotated[
        str,
        typer.Option("--key", envvar="DASHSCOPE_API_KEY", help="A key that opens both models."),
    ],
    python: Annotated[
        list[Path] | None,
        typer.Option(
            "--python",
            help="An interpreter that has the dashscope SDK; may be repeated.  "
            r"\[default: this one, where it has]",
        ),
    ] = None,
    java: Annotated[
        Path | None, typer.Option("--java", help="A directory with the Java SDK's jars.")
    ] = None,
    only: Annotated[
        str | None, typer.Option("--only", metavar="1,5,30-40", help="These checks alone.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    script: Annotated[
        bool,
        typer.Option(
            "--print-script",
            callback=_print_script,
            is_eager=True,
            help="Print the script that most checks need the server to play, and end.",
        ),
    ] = False,
) -> None:
    """Run the protocol's numbered checks against a server; exit status 1 when one fails.

    Most need known replies: start the server with `glmscope conform --print-script > FILE` and
    `glmscope serve --engine scripted --script FILE`. Others run against any server, and the rest
    are skipped there.
    """
    from glmscope.conform.run import Outcome, run_checks
    from glmscope.conform.target import Target

    target = Target.at(url, key)
    numbers = None if only is None else _numbers(only)
    with _sdks(target, python, java) as (sdks, absent):
        try:
            results = run_checks(target, sdks, absent, numbers, _show_progress)
        except OSError as error:
            raise ServiceError(f"Nothing answers at {target.url}: {error}.") from None
    if as_json:
        sys.stdout.write(_json(results) + "\n")
    else:
        _print(results)
    if any(result.outcome is Outcome.FAILED for result in results):
        raise typer.Exit(1)


@contextlib.contextmanager
def _sdks(
    target: Target, python: Sequence[Path] | None, java: Path | None
) -> Iterator[tuple[list[Sdk], list[Absent]]]:
    from glmscope.conform.check import Lane
    from glmscope.conform.run import Absent
    from glmscope.conform.sdk.java import JavaSdk
    from glmscope.conform.sdk.python import PythonSdk

    if not python and importlib.util.find_spec("dashscope"):
        python = [Path(sys.executable)]
    absent = []
    with contextlib.ExitStack() as stack:
        sdks: list[Sdk] = [stack.enter_context(PythonSdk(target, path)) for path in python or ()]
        if not sdks:
            reason = "no interpreter with the dashscope SDK was given (--python)"
            absent.append(Absent(Lane.PYTHON, reason))
        if java:
            sdks.append(stack.enter_context(JavaSdk(target, java)))
        else:
            absent.append(Absent(Lane.JAVA, "no jars of the Java SDK were given (--java)"))
        yield sdks, absent


def _numbers(only: str) -> set[int]:
    """`1,5,30-40` as numbers. Raises UsageError."""
    from glmscope.conform.table import ROWS

    numbers: set[int] = set()
    for part in only.split(","):
        found = re.fullmatch(r"\s*(\d{1,3})(?:\s*-\s*(\d{1,3}))?\s*", part)
        if not found:
            raise UsageError(f"--only takes numbers and ranges like 1,5,30-40, not {part!r}.")
        first = int(found[1])
        numbers |= set(range(first, int(found[2] or first) + 1))
    unknown = numbers - {row.number for row in ROWS}
    if unknown or not numbers:
        raise UsageError(f"--only takes checks from 1 to {len(ROWS)}.")
    return numbers


def _show_progress(result: Result) -> None:
    note(f"{result.number:3} {result.client}: {result.outcome.value} {printable(result.reason)}")


def _json(results: Sequence[Result]) -> str:
    rows = [
        {**asdict(result), "outcome": result.outcome.value, "text": result.text}
        for result in results
    ]
    return json.dumps({"results": rows, "totals": _totals(results)}, ensure_ascii=False, indent=1)


def _totals(results: Sequence[Result]) -> dict[str, dict[str, int]]:
    """How often each client saw each outcome."""
    from glmscope.conform.run import Outcome

    return {
        client: {
            outcome.value: sum(
                result.client == client and result.outcome is outcome for result in results
            )
            for outcome in Outcome
        }
        for client in sorted({result.client for result in results})
    }


def _print(results: Sequence[Result]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table("", "who", "check", "client", "")
    styles = {"pass": "green", "fail": "bold red", "skip": "yellow"}
    for result in results:
        verdict = Text(result.outcome.value, styles[result.outcome.value])
        if result.reason:
            verdict.append(f": {printable(result.reason)}")
        table.add_row(str(result.number), result.who, Text(result.text), result.client, verdict)
    out.print(table)
    for client, counts in _totals(results).items():
        parts = (f"{count} {name}" for name, count in zip(_WORDS, counts.values(), strict=True))
        say(f"{client}: {', '.join(parts)}")


_WORDS = ("passed", "failed", "skipped")
