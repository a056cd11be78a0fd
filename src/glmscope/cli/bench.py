"""`glmscope bench`: how fast, and how near to what the machine can do at best."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from glmscope.cli.bench_options import LoadOptions, SizeOptions
from glmscope.cli.bench_tables import print_load, print_report
from glmscope.cli.console import err, note
from glmscope.cli.option_groups import grouped
from glmscope.cli.options import ComputeOptions, ModelOptions, NetworkOptions
from glmscope.cli.remote_server import GENERATION, STREAM, RemoteServer, reply_events
from glmscope.errors import UsageError
from glmscope.model.catalog import NANO_ID, SERVICE_IDS

if TYPE_CHECKING:
    from glmscope.bench.load import Ask

_QUESTIONS = ("介绍下杭州", "Tell me about Paris.", "怎么学好英语？", "What is a prime number?")


@grouped
def bench(
    *,
    models: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="DIR|ID",
            help="Published or converted directories, or pulled models; several take turns. "
            "Without any, the built-in model is measured.",
        ),
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(metavar="DIR|ID", help="The same; with --server the id that is asked for."),
    ] = None,
    network: NetworkOptions,
    compute: ComputeOptions,
    sizes: SizeOptions,
    server: Annotated[
        str | None,
        typer.Option(
            help="Measure what answers at this address, with the key in DASHSCOPE_API_KEY.",
            rich_help_panel="Over a server",
        ),
    ] = None,
    load: LoadOptions,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write every number there.")
    ] = None,
    png: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Draw a roofline there; needs the extra bench."),
    ] = None,
) -> None:
    """Measure speed and memory, each number beside what limits it.

    Prompts and replies go through the engine that serves. Rounds alternate
    with what the machine itself reads and multiplies at best, and the best
    of all rounds counts. With --server, requests leave at random moments,
    whether earlier ones are answered or not, and times count from then.
    """
    named = (*(models or ()), *(model or ()))
    for file in filter(None, (json_file, png)):
        if not file.parent.is_dir():
            raise UsageError(f"{file.parent} is not a directory.")
        if file.is_dir():
            raise UsageError(f"{file} is a directory; name a file in it.")
    options = ModelOptions.of((), network, compute)
    if server is None:
        if load != LoadOptions():
            raise UsageError(
                "--rate, --requests, --seed, --max-tokens and --question go with --server."
            )
        _measure_here(named or (NANO_ID,), options, sizes, json_file, png)
    else:
        if options != ModelOptions() or sizes != SizeOptions() or png is not None:
            raise UsageError(
                "With --server go --model, --rate, --requests, --seed, --max-tokens, --question "
                "and --json alone: the server decides how its models are run."
            )
        _measure_server(server, named, load, json_file)


def _measure_here(
    models: Sequence[str],
    options: ModelOptions,
    sizes: SizeOptions,
    json_file: Path | None,
    png: Path | None,
) -> None:
    if png is not None and importlib.util.find_spec("matplotlib") is None:
        raise UsageError("--png needs matplotlib: pip install 'glmscope[bench]' installs it.")
    wanted = sizes.sizes()
    from rich.text import Text

    from glmscope.bench.machine import Gauge
    from glmscope.bench.roofline import draw_roofline
    from glmscope.bench.run import Subject, measure
    from glmscope.cli.networks import network_loader
    from glmscope.server.logs import configure_logs

    configure_logs()
    subjects = [
        Subject(*network_loader(dataclasses.replace(options, models=(each,)))) for each in models
    ]
    with err.status("Loading") as status:
        report = measure(
            subjects, wanted, sizes.rounds, Gauge(), lambda line: status.update(Text(line))
        )
    print_report(report)
    if json_file is not None:
        _write(json_file, report.as_json())
    if png is not None:
        draw_roofline(report, png)


def _measure_server(
    address: str, models: Sequence[str], load: LoadOptions, json_file: Path | None
) -> None:
    from glmscope.bench.load import put_load

    if len(models) > 1:
        raise UsageError("With --server one model is asked at a time.")
    model = models[0] if models else SERVICE_IDS[0]
    server = RemoteServer(address, os.environ.get("DASHSCOPE_API_KEY"))
    questions = load.question or _QUESTIONS
    note(f"Asking {model} {load.requests} times, {load.rate:g} times a second on average")
    ask = _asker(server, model, questions, load.max_tokens)
    report = put_load(ask, load.rate, load.requests, load.seed)
    print_load(model, report)
    if json_file is not None:
        _write(json_file, {"model": model, "seed": load.seed, **report.as_json()})
    if not report.answered:
        raise typer.Exit(1)


def _asker(
    server: RemoteServer, model: str, questions: Sequence[str], max_tokens: int | None
) -> Ask:
    """Asks the questions in turn."""
    parameters: dict[str, Any] = {"result_format": "message", "incremental_output": True}
    if max_tokens is not None:
        parameters["max_tokens"] = max_tokens

    def ask(number: int) -> Iterator[int]:
        question = questions[number % len(questions)]
        body = {"model": model, "input": {"prompt": question}, "parameters": parameters}
        with server.open(GENERATION, json.dumps(body).encode(), STREAM) as response:
            for data in reply_events(response):
                yield data["usage"]["output_tokens"]

    return ask


def _write(file: Path, fields: Mapping[str, Any]) -> None:
    text = json.dumps(fields, ensure_ascii=False, indent=1)
    file.write_text(f"{text}\n", encoding="utf-8")
