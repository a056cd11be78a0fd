"""API keys: made, listed, changed, rotated, revoked and checked; only their digests are kept."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import time
import unicodedata
from dataclasses import asdict, fields
from datetime import datetime, timedelta, timezone
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, and_, insert, or_, select, update

from glmscope.errors import UsageError
from glmscope.store import keytext
from glmscope.store.database import Database
from glmscope.store.keyinfo import KeyInfo, KeyLimits, KeyTerms, NewKey, Role
from glmscope.store.tables import api_keys

__all__ = ["KeyInfo", "KeyStore", "NewKey"]

_MAX_NAME = 64

# Showing four characters of a short key of the operator's own would give away too much of it.
_SHOWS_LAST4 = 16

_ANYTHING = KeyTerms()


class KeyStore:
    """The API keys of one database; safe to use from several threads.

    Nothing is cached: every `verify` asks the database, so a key that another process revoked is
    refused by the very next request. `scripts/measure_verify.py` found 0.15 to 0.3 ms with
    SQLite; a cache checked against `PRAGMA data_version` would take a few, but would hold for
    SQLite alone and be one more thing that must never be stale.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, name: str, terms: KeyTerms = _ANYTHING) -> NewKey:
        """Make a key and return its text, which cannot be had again. On disk when this returns.

        `name`: 1 to 64 printable characters, there to tell keys apart; need not be unique.
        Raises UsageError for another name.
        """
        return self._insert(name, keytext.make_key(), terms)

    def add(self, name: str, key: str, terms: KeyTerms = _ANYTHING) -> NewKey:
        """Accept a key that the operator chose or brought along, of visible ASCII characters.

        Raises UsageError when it is a key of the hosted service, cannot be sent in a header, is a
        damaged key of ours, or is here already.
        """
        if keytext.looks_like_cloud_key(key):
            raise UsageError(
                "That looks like a key of the hosted service, which must not be kept here; "
                "let GLMScope make one instead."
            )
        if not keytext.is_token(key):
            raise UsageError("A key is 1 to 512 visible ASCII characters without spaces.")
        if keytext.is_mistyped(key):
            raise UsageError(
                f"The key begins with {keytext.PREFIX} but its checksum is wrong: a character is "
                "missing or mistyped."
            )
        return self._insert(name, key, terms)

    def list(self) -> list[KeyInfo]:
        """All keys, revoked ones included, oldest first."""
        query = select(api_keys).order_by(api_keys.c.created_at, api_keys.c.id)
        with self._database.read() as connection:
            return [_key_info(row) for row in connection.execute(query).mappings()]

    def is_empty(self) -> bool:
        """Whether no key was ever made; a store of revoked keys is not empty."""
        with self._database.read() as connection:
            return connection.execute(select(api_keys.c.id).limit(1)).first() is None

    def revoke(self, id_or_last4: str) -> KeyInfo:
        """Refuse the key from now on, and what a rotation left of it; doing it again does nothing.

        `id_or_last4`: an id, or the last four characters of exactly one active key. Raises
        UsageError when that names no key or several.
        """
        with self._database.write() as connection:
            key = _named(connection, id_or_last4)
            if key.revoked_at is None:
                _update(connection, key, revoked_at=_now())
            return _named(connection, key.id)

    def rotate(self, id_or_last4: str, grace: timedelta = timedelta(0)) -> NewKey:
        """Give an active key a new text; id, name, terms, limits and usage stay.

        The text before opens for `grace` longer, and without one not at all; an even older one
        never. `id_or_last4` as for `revoke`. Raises UsageError for a key that is not active.
        """
        text = keytext.make_key()
        with self._database.write() as connection:
            key = _named(connection, id_or_last4)
            if not key.active:
                raise UsageError(f"Key {key.id} is {key.state}; make a new one instead.")
            digest = select(api_keys.c.digest).where(api_keys.c.id == key.id)
            lasting = grace > timedelta(0)
            _update(
                connection,
                key,
                digest=_digest(text),
                last4=text[-4:],
                old_digest=connection.execute(digest).scalar_one() if lasting else None,
                old_until=_now() + int(grace.total_seconds()) if lasting else None,
            )
            return _with_text(_named(connection, key.id), text)

    def change(self, id_or_last4: str, name: str, terms: KeyTerms) -> KeyInfo:
        """Give a key another name or other terms, in force from its next request on.

        `id_or_last4` as for `revoke`. Raises UsageError for another role: a key that lies in many
        programs would suddenly open the accounts.
        """
        with self._database.write() as connection:
            key = _named(connection, id_or_last4)
            if terms.role is not key.terms.role:
                raise UsageError("A key's role cannot be changed; make a new key.")
            _update(connection, key, name=_checked_name(name), **_term_columns(terms))
            return _named(connection, key.id)

    def find(self, id_or_last4: str) -> KeyInfo:
        """The key of that id, or the active one ending so. Raises UsageError as `revoke`."""
        with self._database.read() as connection:
            return _named(connection, id_or_last4)

    def verify(self, presented: str) -> KeyInfo | None:
        """The active key whose text is `presented`, or None. Total: any string may be asked.

        The time taken depends on the digest, which nobody can steer without knowing a key, and
        not on how much of a key was guessed right.
        """
        if not keytext.is_token(presented) or keytext.is_mistyped(presented):
            return None
        digest = _digest(presented)
        with self._database.read() as connection:
            row = connection.execute(select(api_keys).where(_opened_by(digest))).mappings().first()
        if row is None or not _matches(row, digest):
            return None
        key = _key_info(row)
        return key if key.active else None

    def _insert(self, name: str, key: str, terms: KeyTerms) -> NewKey:
        digest = _digest(key)
        values = {
            "id": secrets.token_hex(6),
            "name": _checked_name(name),
            "digest": digest,
            "last4": key[-4:] if len(key) >= _SHOWS_LAST4 else "",
            "created_at": _now(),
            "role": terms.role.value,
            **_term_columns(terms),
        }
        with self._database.write() as connection:
            known = select(api_keys.c.id).where(_opened_by(digest))
            found = connection.execute(known).scalar()
            if found is not None:
                raise UsageError(f"That key is here already, as {found}.")
            connection.execute(insert(api_keys).values(values))
            return _with_text(_named(connection, str(values["id"])), key)


def _named(connection: Connection, id_or_last4: str) -> KeyInfo:
    """The key of that id, else the one active key with that ending."""
    by_id = select(api_keys).where(api_keys.c.id == id_or_last4)
    row = connection.execute(by_id).mappings().first()
    if row is not None:
        return _key_info(row)
    by_last4 = select(api_keys).where(api_keys.c.last4 == id_or_last4, api_keys.c.last4 != "")
    keys = [_key_info(row) for row in connection.execute(by_last4).mappings()]
    active = [key for key in keys if key.active]
    if not active:
        raise UsageError(
            "No key has that id, and no active key ends in it; `glmscope keys list` shows both."
        )
    if len(active) > 1:
        ids = ", ".join(sorted(key.id for key in active))
        raise UsageError(f"Several active keys end in {id_or_last4}; give an id: {ids}.")
    return active[0]


def _update(connection: Connection, key: KeyInfo, **values: object) -> None:
    connection.execute(update(api_keys).where(api_keys.c.id == key.id).values(values))


def _opened_by(digest: bytes) -> ColumnElement[bool]:
    replaced = and_(api_keys.c.old_digest == digest, api_keys.c.old_until > _now())
    return or_(api_keys.c.digest == digest, replaced)


def _matches(row: RowMapping, digest: bytes) -> bool:
    current = hmac.compare_digest(row["digest"], digest)
    return current | hmac.compare_digest(row["old_digest"] or b"", digest)


def _digest(key: str) -> bytes:
    # A slow, salted derivation (scrypt, argon2) protects secrets that people choose, because those
    # can be guessed. Ours have 190 random bits: guessing is hopeless at any speed, and a slow
    # function would only tax each request. Unsalted, the digest is also the index to look up by.
    return hashlib.sha256(key.encode("ascii")).digest()


def _checked_name(name: str) -> str:
    name = unicodedata.normalize("NFC", name.strip())
    if not 0 < len(name) <= _MAX_NAME or not name.isprintable():
        raise UsageError(f"A key's name is 1 to {_MAX_NAME} printable characters.")
    return name


def _now() -> int:
    return int(time.time())


def _moment(seconds: int | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, timezone.utc)


def _term_columns(terms: KeyTerms) -> dict[str, Any]:
    """All columns of what can be changed about a key."""
    return {
        "expires_at": None if terms.expires_at is None else int(terms.expires_at.timestamp()),
        "models": None if terms.models is None else json.dumps(sorted(terms.models)),
        **asdict(terms.limits),
    }


def _key_info(row: RowMapping) -> KeyInfo:
    return KeyInfo(
        id=row["id"],
        name=row["name"],
        last4=row["last4"],
        created_at=datetime.fromtimestamp(row["created_at"], timezone.utc),
        revoked_at=_moment(row["revoked_at"]),
        terms=KeyTerms(
            role=Role(row["role"]),
            models=None if row["models"] is None else frozenset(json.loads(row["models"])),
            expires_at=_moment(row["expires_at"]),
            limits=KeyLimits(**{limit.name: row[limit.name] for limit in fields(KeyLimits)}),
        ),
        old_until=_moment(row["old_until"]),
    )


def _with_text(info: KeyInfo, text: str) -> NewKey:
    known = {entry.name: getattr(info, entry.name) for entry in fields(KeyInfo)}
    return NewKey(**known, key=text)
