"""What `glmscope bench` measured, as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glmscope.cli.console import out, printable, say

if TYPE_CHECKING:
    from glmscope.bench.load import LoadReport
    from glmscope.bench.machine import Machine
    from glmscope.bench.report import NetworkReport, Report, Row

_GIGA = 1e9
_HEADS = (
    "tok/s",
    "first\ntoken",
    "between tokens\nmedian",
    "\np95",
    "read",
    "GB/s",
    "of\nmemory",
    "GOP/s",
    "of\nint8",
)


def print_report(report: Report) -> None:
    """A table a network, and below them what they have in common."""
    for network in report.networks:
        _print_network(network, report.machine)
    machine = report.machine
    say(
        f"In the same run {machine.cores} cores read {machine.bytes_per_second / _GIGA:.1f} GB/s "
        f"and did {machine.int8_per_second / _GIGA:.0f} int8 GOP/s ({machine.processor})."
    )
    if report.memory is None:
        say("How much memory it took is not told on this system.")
    else:
        private, mapped = report.memory.private / _GIGA, report.memory.mapped / _GIGA
        say(f"Memory at most: {private:.2f} GB private, {mapped:.2f} GB of mapped files.")


def _print_network(network: NetworkReport, machine: Machine) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    title = f"{network.model}, {network.weights} weights, loaded in {network.load_seconds:.1f} s"
    table = Table(title=Text(title), title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("")
    for head in _HEADS:
        table.add_column(head, justify="right", no_wrap=True)
    for row in network.rows:
        table.add_row(row.name, *_cells(row, machine))
    out.print(table)
    for sentence in network.left_out:
        say(sentence)


def _cells(row: Row, machine: Machine) -> list[str]:
    return [
        f"{row.tokens_per_second:.1f}",
        _seconds(row.first_token_seconds),
        _seconds(row.gap_median_seconds),
        _seconds(row.gap_p95_seconds),
        _bytes(row.work.nbytes),
        f"{row.bytes_per_second / _GIGA:.1f}",
        f"{row.bandwidth_share(machine):.0%}",
        f"{row.operations_per_second / _GIGA:.0f}",
        f"{row.int8_share(machine):.0%}",
    ]


def print_load(model: str, report: LoadReport) -> None:
    """Percentiles, and what became of the requests."""
    from rich.table import Table
    from rich.text import Text

    from glmscope.bench.percentiles import SHOWN

    table = Table("", title=Text(printable(model)), title_justify="left")
    for rank in SHOWN:
        table.add_column(f"{rank} %", justify="right", no_wrap=True)
    for name, ranks in report.seconds_by_rank.items():
        table.add_row(name, *(_seconds(ranks.get(rank)) for rank in SHOWN))
    out.print(table)
    answered, seconds = len(report.answered), report.seconds
    say(
        f"{answered} of {len(report.replies)} answered in {seconds:.1f} s: "
        f"{answered / seconds:.2f} replies/s, {report.tokens_per_second:.1f} tok/s, "
        f"at most {report.most_at_once} at once."
    )
    for sentence, count in report.errors.most_common():
        say(f"{count} × {printable(sentence)}")


def _seconds(seconds: float | None) -> str:
    if seconds is None:
        return ""
    return f"{seconds:.2f} s" if seconds >= 1 else f"{1000 * seconds:.3g} ms"


def _bytes(nbytes: float) -> str:
    return f"{nbytes / 1e9:.2f} GB" if nbytes >= 1e9 else f"{nbytes / 1e6:.1f} MB"
