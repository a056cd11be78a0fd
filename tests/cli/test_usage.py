"""`glmscope usage`: the same sums in three forms."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from glmscope.cli.commands import app
from glmscope.errors import UsageError
from glmscope.store.database import open_database
from glmscope.store.keys import KeyStore
from glmscope.store.usage import Amount, UsageKey, UsageStore

TODAY = datetime.now(timezone.utc).date()


@pytest.fixture
def key_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("GLMSCOPE_HOME", str(tmp_path))
    monkeypatch.delenv("GLMSCOPE_DATABASE", raising=False)
    with open_database(tmp_path / "glmscope.db") as database:
        key = KeyStore(database).create("[b]团队")
        UsageStore(database).add(
            {
                UsageKey(key.id, "chatglm3-6b", date(2026, 1, 31)): Amount(2, 20, 2000),
                UsageKey(key.id, "chatglm3-6b", TODAY): Amount(1, 5, 7),
            }
        )
    return key.id


def usage(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["usage", *arguments])


def test_the_three_forms_tell_the_same(key_id: str) -> None:
    rows = json.loads(usage("--format", "json", "--until", "2026-01-31").stdout)
    assert rows == [
        {
            "key_id": key_id,
            "key_name": "[b]团队",
            "model": "chatglm3-6b",
            "day": "2026-01-31",
            "requests": 2,
            "input_tokens": 20,
            "output_tokens": 2000,
            "total_tokens": 2020,
        }
    ]
    csv = usage("--format", "csv", "--until", "2026-01-31").stdout.splitlines()
    assert csv[0] == ",".join(rows[0])
    assert csv[1] == ",".join(str(value) for value in rows[0].values())
    table = usage("--by", "key", "--until", "2026-01-31").stdout
    assert "[b]团队" in table
    assert "2,020" in table


def test_a_narrow_terminal_shows_whole_ids_and_days(key_id: str) -> None:
    table = usage("--until", "2026-01-31").stdout
    assert key_id in table
    assert "2026-01-31" in table
    assert "…" not in table


def test_sums_are_split_and_bounded_as_asked(key_id: str) -> None:
    (total,) = json.loads(usage("--by", "model", "--format", "json").stdout)
    assert total == {
        "model": "chatglm3-6b",
        "requests": 3,
        "input_tokens": 25,
        "output_tokens": 2007,
        "total_tokens": 2032,
    }
    (recent,) = json.loads(usage("--since", "1d", "--format", "json", "--key", key_id).stdout)
    assert recent["day"] == TODAY.isoformat()


def test_nothing_used_is_said(key_id: str) -> None:
    future = (TODAY + timedelta(days=2)).isoformat()
    assert usage("--since", future).stdout == "Nothing was used.\n"
    assert usage("--since", future, "--format", "json").stdout == "[]\n"
    header = usage("--since", future, "--format", "csv", "--by", "day").stdout
    assert header == "day,requests,input_tokens,output_tokens,total_tokens\n"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--by", "keys"], 'did you mean "key"?'),
        (["--since", "yesterday"], "--since is a day like"),
        (["--until", "2026-02-30"], "--until is a day like"),
        (["--key", "nobody"], "No key has that id"),
    ],
)
def test_questions_that_make_no_sense(key_id: str, arguments: list[str], sentence: str) -> None:
    result = usage(*arguments)
    assert isinstance(result.exception, UsageError)
    assert sentence in result.exception.message
