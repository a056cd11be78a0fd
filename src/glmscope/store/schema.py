"""Bring a database's schema up to what this version of GLMScope expects."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text

from glmscope.errors import StoreError

VERSION_TABLE = "glmscope_schema"

# Any constant will do as long as it never changes: it names the lock under which PostgreSQL lets
# one process at a time migrate.
_ADVISORY_LOCK = 0x474C4D53


def is_current(connection: Connection, name: str) -> bool:
    """Whether the schema is the newest that this version knows.

    `name` is what to call the database in an error. Raises StoreError when the schema is newer
    than that, or when an SQLite file belongs to another program.
    """
    script = ScriptDirectory.from_config(_config())
    versions = MigrationContext.configure(
        connection, opts={"version_table": VERSION_TABLE}
    ).get_current_heads()
    unknown = set(versions) - {step.revision for step in script.walk_revisions()}
    if unknown:
        raise StoreError(
            f"The database {name} was made by a newer GLMScope (schema {', '.join(sorted(unknown))}"
            f", this version knows {script.get_current_head()}); upgrade GLMScope or name another "
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
    return set(versions) == set(script.get_heads())


def upgrade(connection: Connection, name: str) -> None:
    """Run the missing migrations inside the transaction that is open on `connection`.

    SQLite: the caller has begun it IMMEDIATE, so a second process waits at its own begin.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _ADVISORY_LOCK})
    if is_current(connection, name):
        return
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _config() -> Config:
    config = Config()
    migrations = str(Path(__file__).parent / "migrations")
    config.set_main_option("script_location", migrations.replace("%", "%%"))
    return config
