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
    assert listed["limits"] == dict.fromkeys(listed["limits"])
    assert (listed["state"], listed["role"], listed["models"]) == ("active", "user", None)


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


def listed(*arguments: str) -> dict[str, object]:
    [key] = json.loads(keys("list", "--json", *arguments).stdout)
    assert isinstance(key, dict)
    return key


def test_terms_are_given_changed_and_taken_back() -> None:
    keys("create", "--models", "chatglm3-6b, b", "--expires", "2999-12-31", "--rpm", "60")
    key = listed()
    assert key["models"] == ["b", "chatglm3-6b"]
    assert key["expires_at"] == "2999-12-31T23:59:59+00:00"
    assert key["limits"]["requests_per_minute"] == 60
    assert key["limits"]["tokens_per_minute"] is None

    changed = keys("set", key["id"], "--rpm", "none", "--tpm", "9000", "--name", "renamed")
    assert changed.exit_code == 0, changed.exception
    assert "renamed" in changed.stdout
    key = listed()
    assert key["limits"]["requests_per_minute"] == 0
    assert key["limits"]["tokens_per_minute"] == 9000
    assert key["models"] == ["b", "chatglm3-6b"]

    taken_back = ("--rpm", "default", "--models", "all", "--expires", "never")
    assert keys("set", str(key["last4"]), *taken_back).exit_code == 0
    key = listed()
    assert key["limits"]["requests_per_minute"] is None
    assert (key["models"], key["expires_at"]) == (None, None)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--rpm", "0"], "A limit is a whole number from 1 on"),
        (["--tpm", "-5"], "A limit is a whole number from 1 on"),
        (["--tpm", "९"], "A limit is a whole number from 1 on"),
        (["--monthly", "9" * 30], "tokens_per_month is a whole number"),
        (["--models", "a,,b"], "--models is a list of model ids"),
        (["--expires", "tomorrow"], "--expires is a span like 30d or a day"),
        (["--expires", "2020-01-01"], "2020-01-01 is over already"),
        (["--expires", "0d"], "0d is over already"),
    ],
)
def test_terms_that_make_no_sense(arguments: list[str], sentence: str) -> None:
    result = keys("create", *arguments)
    assert isinstance(result.exception, UsageError)
    assert sentence in result.exception.message
    assert keys("list", "--json").stdout.strip() == "[]"


def test_rotate_replaces_the_text_at_once_or_after_a_grace(home: Path) -> None:
    first = keys("create").stdout.strip()
    key_id = str(listed()["id"])
    rotated = keys("rotate", key_id)
    second = rotated.stdout.strip()
    assert "refused from now on" in rotated.stderr
    assert not opens(home / "glmscope.db", first)
    third = keys("rotate", key_id, "--grace", "24h").stdout.strip()
    assert opens(home / "glmscope.db", second)
    assert opens(home / "glmscope.db", third)
    assert listed()["old_until"] is not None
    assert listed()["id"] == key_id


def test_a_config_file_names_the_database_of_every_command(home: Path, tmp_path: Path) -> None:
    home.mkdir()
    (home / "glmscope.toml").write_text(f'database = "{tmp_path / "team.db"}"\n', "utf-8")
    key = keys("create").stdout.strip()
    assert opens(tmp_path / "team.db", key)
    by_option = keys("create", "--database", str(tmp_path / "other.db")).stdout.strip()
    assert opens(tmp_path / "other.db", by_option)
