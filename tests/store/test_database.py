"""Opening: modes, migrations, processes at once, and everything that is no database of ours."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from glmscope.errors import StoreError
from glmscope.store import migrations
from glmscope.store.database import Database, open_database
from glmscope.store.schema import VERSION_TABLE, known_versions
from glmscope.store.tables import metadata

posix_modes = pytest.mark.skipif(os.name != "posix", reason="file modes are a POSIX notion")


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


@posix_modes
@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_new_files_are_their_owners_alone(tmp_path: Path, umask: int) -> None:
    path = tmp_path / "store" / "glmscope.db"
    before = os.umask(umask)
    try:
        with open_database(path) as database, database.write() as connection:
            connection.execute(text("CREATE TABLE t (a INTEGER)"))
            files = sorted(path.parent.iterdir())
            assert [file.name for file in files] == [
                "glmscope.db",
                "glmscope.db-shm",
                "glmscope.db-wal",
            ]
            assert {mode(file) for file in files} == {0o600}
    finally:
        os.umask(before)
    assert mode(path.parent) == 0o700


@posix_modes
def test_a_database_that_others_could_read_is_closed_to_them(tmp_path: Path) -> None:
    path = tmp_path / "glmscope.db"
    open_database(path).close()
    path.chmod(0o644)
    open_database(path).close()
    assert mode(path) == 0o600


@posix_modes
def test_a_directory_that_was_there_keeps_its_mode(tmp_path: Path) -> None:
    directory = tmp_path / "shared"
    directory.mkdir()
    directory.chmod(0o755)
    open_database(directory / "glmscope.db").close()
    assert mode(directory) == 0o755


def test_sqlite_is_set_up_as_promised(sqlite: Database) -> None:
    with sqlite.read() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "foreign_keys", "busy_timeout")
        }
    assert pragmas == {"journal_mode": "wal", "foreign_keys": 1, "busy_timeout": 10_000}


def test_the_migrations_make_the_tables_that_the_code_uses(database: Database) -> None:
    with database.read() as connection:
        context = MigrationContext.configure(
            connection,
            opts={"compare_type": True, "version_table": VERSION_TABLE},
        )
        assert compare_metadata(context, metadata) == []


def test_the_versions_are_those_that_alembic_finds() -> None:
    script = ScriptDirectory(str(Path(migrations.__file__).parent))
    assert known_versions() == [step.revision for step in script.walk_revisions()][::-1]
    assert script.get_heads() == [known_versions()[-1]]


def test_opening_again_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "glmscope.db"
    open_database(path).close()
    before = path.read_bytes()
    open_database(str(path)).close()
    open_database(f"sqlite:///{path}").close()
    assert path.read_bytes() == before


def test_a_write_that_fails_leaves_nothing(database: Database) -> None:
    with pytest.raises(RuntimeError), database.write() as connection:
        connection.execute(text("CREATE TABLE half (a INTEGER)"))
        raise RuntimeError
    with pytest.raises(StoreError, match="half"), database.read() as connection:
        connection.execute(text("SELECT * FROM half"))


OPENER = """
import sys
from glmscope.store.database import open_database
from glmscope.store.keys import KeyStore
print(flush=True)
sys.stdin.readline()
with open_database(sys.argv[1]) as database:
    for number in range(5):
        print(KeyStore(database).create(f"key {number}").key)
"""


def test_processes_that_open_a_new_database_at_once_all_succeed(tmp_path: Path) -> None:
    path = tmp_path / "glmscope.db"
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", OPENER, str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for process in processes:
        assert process.stdout is not None
        process.stdout.readline()
    for process in processes:  # all have started and wait: let them loose together
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    answers = [process.communicate(timeout=60) for process in processes]
    assert [errors for _, errors in answers] == [""] * 4
    assert [process.returncode for process in processes] == [0] * 4
    made = {key for output, _ in answers for key in output.split()}
    assert len(made) == 20
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM api_keys").fetchone() == (20,)
        assert connection.execute(f"SELECT count(*) FROM {VERSION_TABLE}").fetchone() == (1,)


def test_a_database_of_a_newer_version_is_refused_in_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "glmscope.db"
    open_database(path).close()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"UPDATE {VERSION_TABLE} SET version_num = '9000'")
    with pytest.raises(StoreError) as caught:
        open_database(path)
    assert "newer GLMScope (schema 9000" in caught.value.message
    assert str(path) in caught.value.message
    assert "\n" not in caught.value.message


def test_another_programs_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "photos.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE photos (id INTEGER)")
    before = path.read_bytes()
    with pytest.raises(StoreError, match="belongs to another program"):
        open_database(path)
    assert path.read_bytes() == before


def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(b"not a database at all, but long enough to look at" * 100)
    before = path.read_bytes()
    with pytest.raises(StoreError, match=r"notes\.txt cannot be used: file is not a database"):
        open_database(path)
    assert path.read_bytes() == before


def test_a_damaged_database_ends_in_a_store_error(tmp_path: Path) -> None:
    path = tmp_path / "glmscope.db"
    open_database(path).close()
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xaa" * (len(content) - 4096)
    path.write_bytes(content)
    with pytest.raises(StoreError, match=r"glmscope\.db cannot be used"):
        open_database(path)


def test_a_directory_is_no_database(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be opened"):
        open_database(tmp_path)


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("", "path is empty"),
        ("sqlite://", "sqlite:///PATH"),
        ("sqlite:///:memory:", "sqlite:///PATH"),
        ("sqlite:///a.db?mode=ro", "sqlite:///PATH"),
        ("mysql://u:hunter2@h/db", "kind mysql is not supported"),
        ("postgresql+pg8000://u:hunter2@h/db", "not supported"),
        ("://u:hunter2@h", "cannot be read"),
    ],
)
def test_targets_that_cannot_be_opened_say_why(target: str, message: str) -> None:
    with pytest.raises(StoreError, match=message) as caught:
        open_database(target)
    assert "hunter2" not in caught.value.message


def test_postgresql_without_a_driver_names_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(StoreError, match=r"psycopg\[binary\]") as caught:
        open_database("postgresql://u:hunter2@localhost/db")
    assert "hunter2" not in caught.value.message
