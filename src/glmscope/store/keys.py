"""API keys: made, listed, revoked and checked; only their digests are kept."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
import unicodedata
from dataclasses import dataclass, field
from datetime import datetime, timezone

from sqlalchemy import RowMapping, insert, select, update

from glmscope.errors import UsageError
from glmscope.store import keytext
from glmscope.store.database import Database
from glmscope.store.tables import api_keys

_MAX_NAME = 64

# Showing four characters of a short key of the operator's own would give away too much of it.
_SHOWS_LAST4 = 16


@dataclass(frozen=True)
class KeyInfo:
    """What may be shown and logged about a key."""

    id: str
    name: str
    last4: str
    """The key's last four characters; empty for an own key too short to show them."""
    created_at: datetime
    revoked_at: datetime | None

    @property
    def active(self) -> bool:
        """Whether the key opens anything."""
        return self.revoked_at is None


@dataclass(frozen=True)
class NewKey(KeyInfo):
    """A key at the only moment when its text exists here."""

    key: str = field(repr=False)


class KeyStore:
    """The API keys of one database; safe to use from several threads.

    Nothing is cached: every `verify` asks the database, so a key that another process revoked is
    refused by the very next request. `scripts/measure_verify.py` found 0.15 to 0.3 ms with
    SQLite; a cache checked against `PRAGMA data_version` would take a few, but would hold for
    SQLite alone and be one more thing that must never be stale.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, name: str) -> NewKey:
        """Make a key and return its text, which cannot be had again. On disk when this returns.

        `name`: 1 to 64 printable characters, there to tell keys apart; need not be unique.
        Raises UsageError for another name.
        """
        return self._insert(name, keytext.make_key())

    def add(self, name: str, key: str) -> NewKey:
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
        return self._insert(name, key)

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
        """Refuse the key from now on; revoking it again changes nothing.

        `id_or_last4`: an id, or the last four characters of exactly one active key. Raises
        UsageError when that names no key or several.
        """
        by_id = select(api_keys).where(api_keys.c.id == id_or_last4)
        by_last4 = select(api_keys).where(
            api_keys.c.last4 == id_or_last4, api_keys.c.last4 != "", api_keys.c.revoked_at.is_(None)
        )
        with self._database.write() as connection:
            rows = connection.execute(by_id).mappings().all()
            rows = rows or connection.execute(by_last4).mappings().all()
            if not rows:
                raise UsageError(
                    "No key has that id, and no active key ends in it; "
                    "`glmscope keys list` shows both."
                )
            if len(rows) > 1:
                ids = ", ".join(sorted(row["id"] for row in rows))
                raise UsageError(f"Several active keys end in {id_or_last4}; give an id: {ids}.")
            key = _key_info(rows[0])
            if key.active:
                connection.execute(
                    update(api_keys).where(api_keys.c.id == key.id).values(revoked_at=_now())
                )
            return _key_info(
                connection.execute(select(api_keys).where(api_keys.c.id == key.id)).mappings().one()
            )

    def verify(self, presented: str) -> KeyInfo | None:
        """The active key whose text is `presented`, or None. Total: any string may be asked.

        The time taken depends on the digest, which nobody can steer without knowing a key, and
        not on how much of a key was guessed right.
        """
        if not keytext.is_token(presented) or keytext.is_mistyped(presented):
            return None
        digest = _digest(presented)
        query = select(api_keys).where(api_keys.c.digest == digest)
        with self._database.read() as connection:
            row = connection.execute(query).mappings().first()
        if row is None or not hmac.compare_digest(row["digest"], digest):
            return None
        key = _key_info(row)
        return key if key.active else None

    def _insert(self, name: str, key: str) -> NewKey:
        name = _checked_name(name)
        digest = _digest(key)
        now = _now()
        new = NewKey(
            id=secrets.token_hex(6),
            name=name,
            last4=key[-4:] if len(key) >= _SHOWS_LAST4 else "",
            created_at=_moment(now),
            revoked_at=None,
            key=key,
        )
        with self._database.write() as connection:
            known = select(api_keys.c.id).where(api_keys.c.digest == digest)
            found = connection.execute(known).scalar()
            if found is not None:
                raise UsageError(f"That key is here already, as {found}.")
            connection.execute(
                insert(api_keys).values(
                    id=new.id, name=name, digest=digest, last4=new.last4, created_at=now
                )
            )
        return new


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


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, timezone.utc)


def _key_info(row: RowMapping) -> KeyInfo:
    revoked_at = row["revoked_at"]
    return KeyInfo(
        id=row["id"],
        name=row["name"],
        last4=row["last4"],
        created_at=_moment(row["created_at"]),
        revoked_at=None if revoked_at is None else _moment(revoked_at),
    )
