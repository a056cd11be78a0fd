"""`glmscope keys`: make, list, change, rotate and revoke API keys."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from glmscope import paths
from glmscope.cli.config import ConfigOption
from glmscope.cli.console import note, out, say
from glmscope.cli.key_terms import TermOptions, described
from glmscope.cli.moments import read_span
from glmscope.cli.option_groups import grouped
from glmscope.store.keyinfo import KeyTerms, Role

if TYPE_CHECKING:
    from glmscope.store.keys import KeyInfo, KeyStore, NewKey

app = typer.Typer(no_args_is_help=True, help="Make, list, change, rotate and revoke API keys.")

DatabaseOption = Annotated[
    str | None,
    typer.Option(
        "--database",
        envvar="GLMSCOPE_DATABASE",
        help="SQLite file or postgresql:// URL; by default a file in the data directory.",
    ),
]


@dataclass(frozen=True)
class StoreOptions:
    """Where keys are kept."""

    database: DatabaseOption = None
    config: ConfigOption = None

    @contextmanager
    def keys(self) -> Iterator[KeyStore]:
        """The keys, for the time of a command."""
        # SQLAlchemy and Alembic take half a second to import, which `glmscope --help` need not pay.
        from glmscope.store.database import open_database
        from glmscope.store.keys import KeyStore

        with open_database(self.database or paths.database_path()) as opened:
            yield KeyStore(opened)


_GUESSABLE = 20  # characters: a shorter token of one's own can be found by trying

ServerOption = Annotated[
    str | None,
    typer.Option(help="Server address; prints the export lines for the DashScope SDKs."),
]
KeyArgument = Annotated[str, typer.Argument(metavar="ID", help="The key's id, or its last four.")]


@app.command()
@grouped
def create(
    *,
    name: Annotated[str, typer.Option(help="What to call the key in lists and logs.")] = "default",
    admin: Annotated[
        bool,
        typer.Option(
            "--admin", help="For the server's accounts under /api/admin/v1, and nothing else."
        ),
    ] = False,
    own: Annotated[
        bool, typer.Option("--own", help="Read a key of your own from standard input instead.")
    ] = False,
    server: ServerOption = None,
    given: TermOptions,
    store: StoreOptions,
) -> None:
    """Make a key and print it, this once."""
    terms = given.applied_to(KeyTerms(role=Role.ADMIN if admin else Role.USER))
    with store.keys() as keys:
        new = keys.add(name, _read_own_key(), terms) if own else keys.create(name, terms)
    _show(new, server)
    if len(new.key) < _GUESSABLE:
        note("It is short enough to be guessed; keep it off any network you do not own.")


@app.command("list")
@grouped
def list_keys(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
    store: StoreOptions,
) -> None:
    """Show every key's id, name, last four characters, terms and state."""
    with store.keys() as keys:
        known = keys.list()
    if as_json:
        say(json.dumps([_as_json(key) for key in known], ensure_ascii=False, indent=2))
    else:
        out.print(_table(known))


@app.command("set")
@grouped
def set_terms(
    *,
    key: KeyArgument,
    name: Annotated[str | None, typer.Option(help="A new name.")] = None,
    given: TermOptions,
    store: StoreOptions,
) -> None:
    """Change what a key may do, from its next request on; the rest stays as it is."""
    with store.keys() as keys:
        found = keys.find(key)
        changed = keys.change(found.id, name or found.name, given.applied_to(found.terms))
    out.print(_table([changed]))


@app.command()
@grouped
def rotate(
    *,
    key: KeyArgument,
    grace: Annotated[
        str | None,
        typer.Option(metavar="24h", help=r"How long the old text still works.  \[default: not]"),
    ] = None,
    server: ServerOption = None,
    store: StoreOptions,
) -> None:
    """Give a key a new text and print it, this once; id, terms and usage stay."""
    with store.keys() as keys:
        new = keys.rotate(key, timedelta(0) if grace is None else read_span(grace, "--grace"))
    _show(new, server)
    if new.old_until is None:
        note("The old text is refused from now on.")
    else:
        note(f"The old text works until {_local(new.old_until)}.")


@app.command()
@grouped
def revoke(
    *,
    key: KeyArgument,
    store: StoreOptions,
) -> None:
    """Refuse a key from now on, in running servers too."""
    with store.keys() as keys:
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


def _show(new: NewKey, server: str | None) -> None:
    say(new.key if server is None else "\n".join(export_lines(server, new.key)))
    note(f"Key {new.id} ({new.name}) is ready. It is not shown again.")


def _read_own_key() -> str:
    # Never an argument: those are kept in the shell's history and shown to every user of the
    # machine in the process list.
    if sys.stdin.isatty():
        return str(typer.prompt("Key", hide_input=True))
    return sys.stdin.readline().strip()


def _table(keys: list[KeyInfo]) -> Table:
    table = Table("id", "name", "ends in", "made", "terms", "state")
    for key in keys:
        # Text, because a name may look like Rich's markup.
        table.add_row(
            key.id,
            Text(key.name),
            Text(key.last4),
            _local(key.created_at),
            Text(described(key.terms)),
            _state(key),
        )
    return table


def _state(key: KeyInfo) -> str:
    if key.revoked_at is not None:
        return f"revoked {_local(key.revoked_at)}"
    if key.terms.expires_at is None:
        return key.state
    return f"{'expired' if key.state == 'expired' else 'until'} {_local(key.terms.expires_at)}"


def _as_json(key: KeyInfo) -> dict[str, object]:
    terms = key.terms
    return {
        "id": key.id,
        "name": key.name,
        "last4": key.last4,
        "state": key.state,
        "created_at": key.created_at.isoformat(),
        "revoked_at": _iso(key.revoked_at),
        "expires_at": _iso(terms.expires_at),
        "old_until": _iso(key.old_until),
        "role": terms.role.value,
        "models": None if terms.models is None else sorted(terms.models),
        "limits": asdict(terms.limits),
    }


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _local(moment: datetime | None) -> str:
    return moment.astimezone().strftime("%Y-%m-%d %H:%M") if moment else ""
