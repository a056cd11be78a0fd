from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from glmscope.cli.keys import app
from glmscope.errors import UsageError
from glmscope.store.database import open_database
from glmscope.store.keys import KeyStore


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GLMSCOPE_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("GLMSCOPE_DATABASE", raising=False)
    return tmp_path / "home"


def keys(*arguments: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(app, list(arguments), input=stdin)


def opens(path: Path, key: str) -> bool:
    with open_database(path) as database:
        return KeyStore(database).verify(key) is not None


def test_create_prints_the_key_alone_on_stdout(home: Path) -> None:
    result = keys("create", "--name", "laptop")
    assert result.exit_code == 0
    key = result.stdout.removesuffix("\n")
    assert key.startswith("glms-")
    assert opens(home / "glmscope.db", key)
    assert "laptop" in result.stderr
    assert key not in result.stderr


def test_create_with_a_server_prints_the_two_export_lines(home: Path) -> None:
    first, second = keys("create", "--server", "http://127.0.0.1:8000/").stdout.splitlines()
    assert second == "export DASHSCOPE_HTTP_BASE_URL=http://127.0.0.1:8000/api/v1"
    assert first.startswith("export DASHSCOPE_API_KEY=glms-")
    assert opens(home / "glmscope.db", first.partition("=")[2])


def test_an_own_key_comes_from_standard_input_and_is_quoted_for_the_shell(home: Path) -> None:
    result = keys(
        "create", "--own", "--server", "http://h:1/api/v1", stdin="it's-a-$house-token!\n"
    )
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        """export DASHSCOPE_API_KEY='it'"'"'s-a-$house-token!'""",
        "export DASHSCOPE_HTTP_BASE_URL=http://h:1/api/v1",
    ]
    assert opens(home / "glmscope.db", "it's-a-$house-token!")
    assert "guessed" not in result.stderr


def test_a_short_own_key_is_accepted_with_a_warning(home: Path) -> None:
    result = keys("create", "--own", stdin="short\n")
    assert "guessed" in result.stderr
    assert opens(home / "glmscope.db", "short")


def test_a_cloud_key_is_refused_and_not_repeated() -> None:
    cloud_key = "sk-" + "0123456789abcdef" * 2
    result = keys("create", "--own", stdin=f"{cloud_key}\n")
    assert isinstance(result.exception, UsageError)
    assert "hosted service" in result.exception.message
    assert cloud_key not in result.exception.message + result.output
    assert keys("list", "--json").stdout.strip() == "[]"


def test_list_shows_names_as_they_are_and_no_key() -> None:
    key = keys("create", "--name", "[red]团队[/red]").stdout.strip()
    table = keys("list").stdout
    assert "[red]团队[/red]" in table
    assert key[-4:] in table
    assert "active" in table
    assert key not in table
    [listed] = json.loads(keys("list", "--json").stdout)
    assert listed["name"] == "[red]团队[/red]"
    assert listed["last4"] == key[-4:]
    assert listed["revoked_at"] is None
    assert sorted(listed) == ["created_at", "id", "last4", "name", "revoked_at"]


def test_revoke_by_last_four(home: Path) -> None:
    key = keys("create").stdout.strip()
    result = keys("revoke", key[-4:])
    assert result.exit_code == 0
    assert "revoked since" in result.stdout
    assert not opens(home / "glmscope.db", key)
    assert "revoked" in keys("list").stdout


def test_revoke_of_nothing_is_an_error() -> None:
    result = keys("revoke", "nothing")
    assert isinstance(result.exception, UsageError)


def test_the_database_can_be_named(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_option = keys("create", "--database", str(tmp_path / "a.db")).stdout.strip()
    monkeypatch.setenv("GLMSCOPE_DATABASE", f"sqlite:///{tmp_path / 'b.db'}")
    by_environment = keys("create").stdout.strip()
    assert opens(tmp_path / "a.db", by_option)
    assert opens(tmp_path / "b.db", by_environment)
    assert not home.exists()
