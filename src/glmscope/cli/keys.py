"""`glmscope keys`: make, list and revoke API keys."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from glmscope import paths
from glmscope.cli.console import note, out, say

if TYPE_CHECKING:
    from glmscope.store.keys import KeyInfo, KeyStore

app = typer.Typer(no_args_is_help=True, help="Make, list and revoke API keys.")

DatabaseOption = Annotated[
    str | None,
    typer.Option(
        "--database",
        envvar="GLMSCOPE_DATABASE",
        help="SQLite file or postgresql:// URL; by default a file in the data directory.",
    ),
]

_GUESSABLE = 20  # characters: a shorter token of one's own can be found by trying


@app.command()
def create(
    name: Annotated[str, typer.Option(help="What to call the key in lists and logs.")] = "default",
    own: Annotated[
        bool, typer.Option("--own", help="Read a key of your own from standard input instead.")
    ] = False,
    server: Annotated[
        str | None,
        typer.Option(help="Server address; prints the export lines for the DashScope SDKs."),
    ] = None,
    database: DatabaseOption = None,
) -> None:
    """Make a key and print it, this once."""
    with _key_store(database) as keys:
        new = keys.add(name, _read_own_key()) if own else keys.create(name)
    if server is None:
        say(new.key)
    else:
        say("\n".join(export_lines(server, new.key)))
    note(f"Key {new.id} ({new.name}) is ready. It is not shown again.")
    if len(new.key) < _GUESSABLE:
        note("It is short enough to be guessed; keep it off any network you do not own.")


@app.command("list")
def list_keys(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
    database: DatabaseOption = None,
) -> None:
    """Show every key's id, name, last four characters and state."""
    with _key_store(database) as keys:
        known = keys.list()
    if as_json:
        say(json.dumps([_as_json(key) for key in known], ensure_ascii=False, indent=2))
    else:
        out.print(_table(known))


@app.command()
def revoke(
    key: Annotated[str, typer.Argument(metavar="ID", help="The key's id, or its last four.")],
    database: DatabaseOption = None,
) -> None:
    """Refuse a key from now on, in running servers too."""
    with _key_store(database) as keys:
        revoked = keys.revoke(key)
    say(f"Key {revoked.id} ({revoked.name}) is revoked since {_local(revoked.revoked_at)}.")


def export_lines(server: str, key: str) -> list[str]:
    """The two shell lines after which DashScope code talks to `server`, an address like
    `http://127.0.0.1:8000`, with `key`."""
    base = server.rstrip("/")
    if not base.endswith("/api/v1"):
        base += "/api/v1"
    return [
        f"export DASHSCOPE_API_KEY={shlex.quote(key)}",
        f"export DASHSCOPE_HTTP_BASE_URL={shlex.quote(base)}",
    ]


@contextmanager
def _key_store(database: str | None) -> Iterator[KeyStore]:
    # SQLAlchemy and Alembic take half a second to import, which `glmscope --help` need not pay.
    from glmscope.store.database import open_database
    from glmscope.store.keys import KeyStore

    with open_database(database or paths.database_path()) as opened:
        yield KeyStore(opened)


def _read_own_key() -> str:
    # Never an argument: those are kept in the shell's history and shown to every user of the
    # machine in the process list.
    if sys.stdin.isatty():
        return str(typer.prompt("Key", hide_input=True))
    return sys.stdin.readline().strip()


def _table(keys: list[KeyInfo]) -> Table:
    table = Table("id", "name", "ends in", "made", "state")
    for key in keys:
        state = "active" if key.active else f"revoked {_local(key.revoked_at)}"
        # Text, because a name may look like Rich's markup.
        table.add_row(key.id, Text(key.name), Text(key.last4), _local(key.created_at), state)
    return table


def _as_json(key: KeyInfo) -> dict[str, str | None]:
    return {
        "id": key.id,
        "name": key.name,
        "last4": key.last4,
        "created_at": key.created_at.isoformat(),
        "revoked_at": key.revoked_at.isoformat() if key.revoked_at else None,
    }


def _local(moment: datetime | None) -> str:
    return moment.astimezone().strftime("%Y-%m-%d %H:%M") if moment else ""
