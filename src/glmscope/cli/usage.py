"""`glmscope usage`: who used what."""

from __future__ import annotations

import csv
import enum
import io
import json
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from glmscope import paths
from glmscope.cli.config import ConfigOption
from glmscope.cli.console import out, say
from glmscope.cli.keys import DatabaseOption
from glmscope.cli.moments import read_day
from glmscope.names import check_known

_COLUMNS = {"key": ("key_id", "key_name"), "model": ("model",), "day": ("day",)}
_AMOUNTS = ("requests", "input_tokens", "output_tokens", "total_tokens")


class Format(enum.Enum):
    """How the accounts are printed."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


def usage(
    by: Annotated[
        str, typer.Option(metavar="key,model,day", help="What to split the sums by.")
    ] = "key,model,day",
    since: Annotated[str | None, typer.Option(metavar="DAY|30d", help="First day, in UTC.")] = None,
    until: Annotated[str | None, typer.Option(metavar="DAY", help="Last day, in UTC.")] = None,
    key: Annotated[
        str | None, typer.Option(metavar="ID", help="One key alone: its id, or its last four.")
    ] = None,
    as_format: Annotated[Format, typer.Option("--format", help="How to print it.")] = Format.TABLE,
    database: DatabaseOption = None,
    config: ConfigOption = None,
) -> None:
    """Show requests and tokens of each key, model and day."""
    from glmscope.store.database import open_database
    from glmscope.store.keys import KeyStore
    from glmscope.store.usage import GROUPS, UsageStore

    groups = [group.strip() for group in by.split(",")]
    check_known(groups, GROUPS, "--by: unknown name")
    first = None if since is None else read_day(since, "--since")
    last = None if until is None else read_day(until, "--until")
    with open_database(database or paths.database_path()) as opened:
        key_id = None if key is None else KeyStore(opened).find(key).id
        totals = UsageStore(opened).totals(groups, first, last, key_id)
    rows = [total.fields() for total in totals]
    if as_format is Format.JSON:
        say(json.dumps(rows, ensure_ascii=False, indent=2))
    elif as_format is Format.CSV:
        say(_csv(groups, rows))
    elif rows:
        out.print(_table(rows))
    else:
        say("Nothing was used.")


def _csv(groups: list[str], rows: list[dict[str, str | int]]) -> str:
    text = io.StringIO()
    split = [column for group, columns in _COLUMNS.items() if group in groups for column in columns]
    writer = csv.DictWriter(text, [*split, *_AMOUNTS], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().rstrip("\n")


def _table(rows: list[dict[str, str | int]]) -> Table:
    table = Table()
    for name, value in rows[0].items():
        table.add_column(
            name.replace("_", " "),
            justify="right" if isinstance(value, int) else "left",
            no_wrap=name in ("key_id", "day"),  # else a narrow terminal gets half an id
            overflow="fold",
        )
    for row in rows:
        # Text, because a name may look like Rich's markup.
        cells = (f"{value:,}" if isinstance(value, int) else value for value in row.values())
        table.add_row(*(Text(cell) for cell in cells))
    return table
