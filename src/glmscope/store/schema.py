"""Bring a database's schema up to what this version of GLMScope expects.

Alembic is imported when there is something to migrate: that takes longer than all else here.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, column, inspect, select, table, text

from glmscope.errors import StoreError

VERSION_TABLE = "glmscope_schema"

_MIGRATIONS = Path(__file__).parent / "migrations"

# Any constant will do as long as it never changes: it names the lock under which PostgreSQL lets
# one process at a time migrate.
_ADVISORY_LOCK = 0x474C4D53


def is_current(connection: Connection, name: str) -> bool:
    """Whether the schema is the newest that this version knows.

    `name` is what to call the database in an error. Raises StoreError when the schema is newer
    than that, or when an SQLite file belongs to another program.
    """
    known = known_versions()
    versions = _versions_of(connection)
    if unknown := versions - set(known):
        raise StoreError(
            f"The database {name} was made by a newer GLMScope (schema {', '.join(sorted(unknown))}"
            f", this version knows {known[-1]}); upgrade GLMScope or name another "
            "database."
        )
    if (
        not versions
        and connection.dialect.name == "sqlite"
        and inspect(connection).get_table_names()
    ):
        # A PostgreSQL database may well be shared; a file that is full of somebody else's tables
        # is a mistake on the command line.
        raise StoreError(f"The database {name} belongs to another program; name another file.")
    return versions == {known[-1]}


def known_versions() -> list[str]:
    """The schemas that this version knows, oldest first: each is a file `vVERSION_NAME.py`."""
    files = (_MIGRATIONS / "versions").glob("v*_*.py")
    return sorted(file.name[1:].partition("_")[0] for file in files)


def _versions_of(connection: Connection) -> set[str]:
    if not inspect(connection).has_table(VERSION_TABLE):
        return set()
    return set(connection.scalars(select(column("version_num")).select_from(table(VERSION_TABLE))))


def upgrade(connection: Connection, name: str) -> None:
    """Run the missing migrations inside the transaction that is open on `connection`.

    SQLite: the caller has begun it IMMEDIATE, so a second process waits at its own begin.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _ADVISORY_LOCK})
    if is_current(connection, name):
        return
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
