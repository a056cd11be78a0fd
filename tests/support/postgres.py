"""A PostgreSQL server of the tests' own, reached through a socket file that only they know."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_WAIT = 30.0


class Postgres:
    """A running server."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._numbers = itertools.count()

    def url(self, name: str) -> str:
        return f"postgresql://glmscope@/{name}?host={self._directory}"

    def new_database(self) -> str:
        """The URL of a new, empty database."""
        import psycopg

        name = f"test{next(self._numbers)}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE template0")
        return self.url(name)


@contextmanager
def postgres_server() -> Iterator[Postgres]:
    """Start a server, and end it with the block; skips, with the reason, where there is none."""
    pytest.importorskip("psycopg", reason="the extra postgres is not installed")
    binaries = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not binaries or not (binaries[-1] / "initdb").exists():
        pytest.skip("PostgreSQL is not installed (Debian package postgresql)")
    directory = Path(tempfile.mkdtemp(prefix="glmscope-pg-"))
    try:
        if os.getuid() == 0:
            shutil.chown(directory, _account())
        data = directory / "data"
        _as_other([binaries[-1] / "initdb", "-D", data, "-U", "glmscope", "-A", "trust", "-N"])
        with (directory / "log").open("w") as log:
            process = subprocess.Popen(
                _command([binaries[-1] / "postgres", "-D", data, "-k", directory, "-F", "-h", ""]),
                stdout=log,
                stderr=log,
                cwd="/",
            )
            try:
                server = Postgres(directory)
                _wait_for(server)
                yield server
            finally:
                process.terminate()
                process.wait(_WAIT)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _account() -> str:
    """Who runs the server when root runs the tests: PostgreSQL refuses to be run by root."""
    import pwd  # not there on Windows, nor needed

    return "postgres" if any(user.pw_name == "postgres" for user in pwd.getpwall()) else "nobody"


def _command(command: list[object]) -> list[str]:
    prefix = ["runuser", "-u", _account(), "--"] if os.getuid() == 0 else []
    return [*prefix, *map(str, command)]


def _as_other(command: list[object]) -> None:
    subprocess.run(_command(command), check=True, capture_output=True, cwd="/", timeout=_WAIT)


def _wait_for(server: Postgres) -> None:
    import psycopg

    deadline = time.monotonic() + _WAIT
    while True:
        try:
            psycopg.connect(server.url("postgres")).close()
            return
        except psycopg.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
