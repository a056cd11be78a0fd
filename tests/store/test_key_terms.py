"""Scope, expiry, limits and rotation of keys."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from glmscope.errors import UsageError
from glmscope.store import keytext, migrations
from glmscope.store.database import open_database
from glmscope.store.keyinfo import NO_LIMIT, KeyLimits, KeyTerms, Role
from glmscope.store.keys import KeyStore


def in_seconds(seconds: int) -> datetime:
    return datetime.fromtimestamp(int(time.time()) + seconds, timezone.utc)


def test_terms_are_kept_as_given(keys: KeyStore) -> None:
    terms = KeyTerms(
        Role.ADMIN,
        frozenset({"chatglm3-6b", "底座"}),
        in_seconds(60),
        KeyLimits(60, 2**40, NO_LIMIT),
    )
    new = keys.create("laptop", terms)
    found = keys.verify(new.key)
    assert found is not None
    assert found.terms == new.terms == terms
    assert found.may_use("底座")
    assert not found.may_use("chatglm-6b-v2")
    ordinary = keys.create("ordinary")
    assert ordinary.terms == KeyTerms()
    assert ordinary.may_use("anything")


def test_an_expired_key_opens_nothing(keys: KeyStore, monkeypatch: pytest.MonkeyPatch) -> None:
    key = keys.create("short", KeyTerms(expires_at=in_seconds(60)))
    assert keys.verify(key.key) is not None
    now = time.time()
    monkeypatch.setattr("time.time", lambda: now + 61)
    assert keys.verify(key.key) is None
    [listed] = keys.list()
    assert listed.state == "expired"
    with pytest.raises(UsageError, match="is expired"):
        keys.rotate(key.id)
    keys.change(key.id, key.name, replace(key.terms, expires_at=in_seconds(120)))
    assert keys.verify(key.key) is not None


def test_limits_of_a_key_stand_before_the_defaults() -> None:
    own = KeyLimits(requests_per_minute=5, tokens_per_minute=NO_LIMIT)
    defaults = KeyLimits(60, 1000, tokens_per_month=7)
    assert own.completed_by(defaults) == KeyLimits(5, NO_LIMIT, None, 7)
    assert KeyLimits().completed_by(defaults) == defaults


@pytest.mark.parametrize("wrong", [-1, 2**63])
def test_a_limit_that_cannot_be_kept(wrong: int) -> None:
    with pytest.raises(UsageError, match="tokens_per_minute is a whole number"):
        KeyLimits(tokens_per_minute=wrong)


def test_a_role_stays(keys: KeyStore) -> None:
    key = keys.create("laptop")
    with pytest.raises(UsageError, match="role cannot be changed"):
        keys.change(key.id, key.name, KeyTerms(role=Role.ADMIN))
    assert keys.find(key.id).terms.role is Role.USER


def test_rotation_keeps_everything_but_the_text(keys: KeyStore) -> None:
    old = keys.create("laptop", KeyTerms(limits=KeyLimits(5)))
    new = keys.rotate(old.last4)
    assert (new.id, new.name, new.terms, new.created_at) == (
        old.id,
        old.name,
        old.terms,
        old.created_at,
    )
    assert new.key != old.key
    assert new.key.endswith(new.last4)
    assert keys.verify(old.key) is None
    assert keys.verify(new.key) == keys.find(old.id)
    assert [key.id for key in keys.list()] == [old.id]


def test_the_old_text_opens_for_the_grace_and_no_longer(
    keys: KeyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = keys.create("laptop")
    second = keys.rotate(first.id, timedelta(hours=1))
    assert keys.verify(first.key) == keys.verify(second.key) == keys.find(first.id)
    with pytest.raises(UsageError, match="here already"):
        keys.add("again", first.key)
    now = time.time()
    monkeypatch.setattr("time.time", lambda: now + 3601)
    assert keys.verify(first.key) is None
    assert keys.verify(second.key) is not None


def test_a_second_rotation_ends_the_grace_of_the_first(keys: KeyStore) -> None:
    first = keys.create("laptop")
    second = keys.rotate(first.id, timedelta(hours=1))
    third = keys.rotate(first.id, timedelta(hours=1))
    assert [keys.verify(key.key) is not None for key in (first, second, third)] == [
        False,
        True,
        True,
    ]


def test_revoking_refuses_old_and_new_text(keys: KeyStore) -> None:
    first = keys.create("laptop")
    second = keys.rotate(first.id, timedelta(hours=1))
    keys.revoke(first.id)
    assert keys.verify(first.key) is None
    assert keys.verify(second.key) is None
    with pytest.raises(UsageError, match="is revoked"):
        keys.rotate(first.id)


def test_keys_of_the_first_schema_stay_ordinary_and_unlimited(target: str) -> None:
    text = keytext.make_key()
    with _at_schema("0001", target) as connection:
        connection.execute(
            sa.text(
                "INSERT INTO api_keys (id, name, digest, last4, created_at) "
                "VALUES ('older', 'laptop', :digest, :last4, 5)"
            ),
            {"digest": hashlib.sha256(text.encode()).digest(), "last4": text[-4:]},
        )
    with open_database(target) as database:
        older = KeyStore(database).verify(text)
    assert older is not None
    assert (older.id, older.terms, older.old_until) == ("older", KeyTerms(), None)


@contextmanager
def _at_schema(revision: str, target: str) -> Iterator[sa.Connection]:
    """A new database as an older version left it."""
    if "://" in target:
        url = target.replace("postgresql://", "postgresql+psycopg://")
    else:
        Path(target).parent.mkdir()
        url = f"sqlite:///{target}"
    engine = sa.create_engine(url)
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        yield connection
    engine.dispose()
