"""The database behind keys, usage and traces: SQLite in a file, or PostgreSQL by URL."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from glmscope.errors import StoreError
from glmscope.store import schema

_BUSY_SECONDS = 10.0
_POSTGRES_DRIVERS = ("psycopg", "psycopg2")


class Database:
    """An open database of the current schema; safe to use from several threads.

    Whatever SQLAlchemy raises inside `read` and `write` leaves them as a StoreError that names the
    database and never a password or a bound value.
    """

    def __init__(self, engine: Engine, name: str) -> None:
        self.name = name
        self._engine = engine
        self._writer = engine.execution_options(sqlite_begin="BEGIN IMMEDIATE")

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that only reads: it sees everything committed before it began."""
        with _store_errors(self.name), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that is on disk when the block ends, or undone when the block raises."""
        with _store_errors(self.name), self._writer.begin() as connection:
            yield connection

    def close(self) -> None:
        """Close every pooled connection."""
        self._engine.dispose()

    def __enter__(self) -> Database:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def open_database(target: str | Path) -> Database:
    """Open the database at a path or URL, creating and migrating it as needed.

    `target`: a file path, `sqlite:///PATH` or `postgresql://USER:PASSWORD@HOST/NAME`. A new SQLite
    file gets mode 0600, a directory made for it 0700. Raises StoreError when it cannot be opened,
    is no database, belongs to another program or was made by a newer GLMScope.
    """
    url = _url(target)
    if url.drivername == "sqlite":
        return _open_sqlite(Path(str(url.database)))
    name = url.set(query={}).render_as_string(hide_password=True)
    engine = create_engine(url, hide_parameters=True, pool_pre_ping=True)
    return _prepare(engine, name)


def _url(target: str | Path) -> URL:
    """Parse `target` into a URL whose drivername is `sqlite` or an installed PostgreSQL driver."""
    if isinstance(target, Path) or "://" not in target:
        if not str(target).strip():
            raise StoreError("The database's path is empty; name a file or a postgresql:// URL.")
        return URL.create("sqlite", database=str(Path(target).expanduser().absolute()))
    try:
        url = make_url(target)
    except (ArgumentError, ValueError):
        # The text itself may hold a password, so it is not repeated.
        raise StoreError(
            "The database URL cannot be read; write it as postgresql://USER:PASSWORD@HOST/NAME."
        ) from None
    backend, _, driver = url.drivername.partition("+")
    if url.drivername == "sqlite":
        if not url.database or url.database == ":memory:" or url.query:
            raise StoreError(
                "An SQLite URL must be sqlite:///PATH, with a file and without options."
            )
        return url.set(database=str(Path(url.database).absolute()))
    if backend not in ("postgresql", "postgres") or driver not in ("", *_POSTGRES_DRIVERS):
        raise StoreError(
            f"A database of kind {url.drivername} is not supported; use a file path or a "
            "postgresql:// URL."
        )
    return url.set(drivername=f"postgresql+{_postgres_driver(driver)}")


def _postgres_driver(wanted: str) -> str:
    for driver in [wanted] if wanted else _POSTGRES_DRIVERS:
        if importlib.util.find_spec(driver):
            return driver
    raise StoreError(
        f"A PostgreSQL database needs the driver {wanted or 'psycopg'}, which is not installed; "
        "run: pip install 'psycopg[binary]'"
    )


def _open_sqlite(path: Path) -> Database:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Made here with its final mode: SQLite would take the umask's, and its -wal and -shm files
        # copy whatever mode the main file has.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise StoreError(f"The database {path} cannot be opened: {error.strerror}.") from error
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        # No implicit transactions of the driver's: `_begin` says how each one starts.
        connect_args={"timeout": _BUSY_SECONDS, "isolation_level": None},
        hide_parameters=True,
    )
    event.listen(engine, "connect", _configure_sqlite)
    event.listen(engine, "begin", _begin)
    database = _prepare(engine, str(path))
    _make_private(path)
    return database


def _prepare(engine: Engine, name: str) -> Database:
    """Check what the database is before changing anything in it, then bring it up to date."""
    database = Database(engine, name)
    try:
        with database.read() as connection:
            current = schema.is_current(connection, name)
        if engine.dialect.name == "sqlite":
            _use_write_ahead_log(engine, name)
        if not current:
            with database.write() as connection:
                schema.upgrade(connection, name)
    except BaseException:
        database.close()
        raise
    return database


def _configure_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.execute("PRAGMA foreign_keys = ON")


def _begin(connection: Connection) -> None:
    # A transaction that will write takes the lock at once: one that reads first and then upgrades
    # fails without waiting when another process wrote in between.
    connection.exec_driver_sql(connection.get_execution_options().get("sqlite_begin", "BEGIN"))


def _use_write_ahead_log(engine: Engine, name: str) -> None:
    """Let readers go on while another process writes.

    The mode is kept in the file, so this changes something once in its life. SQLite does not honor
    the busy timeout while it switches, hence the loop. Where a file system cannot share memory
    SQLite keeps its old journal, which is slower and just as safe.
    """
    give_up = time.monotonic() + _BUSY_SECONDS
    with _store_errors(name):
        while True:
            driver = engine.raw_connection()
            try:
                driver.cursor().execute("PRAGMA journal_mode = WAL")
                return
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or time.monotonic() > give_up:
                    raise
            finally:
                driver.close()
            time.sleep(0.02)


def _make_private(path: Path) -> None:
    """Take group's and others' rights off a file that was made elsewhere or copied."""
    for name in (path, Path(f"{path}-wal"), Path(f"{path}-shm")):
        # The side files come and go with other processes' connections.
        with contextlib.suppress(FileNotFoundError, PermissionError):
            if name.stat().st_mode & 0o077:
                name.chmod(0o600)


@contextmanager
def _store_errors(name: str) -> Iterator[None]:
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error) as error:
        cause = str(getattr(error, "orig", None) or error).splitlines()
        reason = cause[0] if cause else type(error).__name__
        raise StoreError(f"The database {name} cannot be used: {reason}.") from error
