"""Who used what: requests and tokens of a key, a model and a day in UTC."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, astuple, dataclass, fields
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, select
from sqlalchemy.dialects import postgresql, sqlite

from glmscope.store.database import Database
from glmscope.store.tables import api_keys, usage

GROUPS = ("key", "model", "day")
"""What totals can be split by, in the order in which they are sorted."""


@dataclass(frozen=True, slots=True)
class UsageKey:
    """Whose account, for what, on which day."""

    key_id: str
    model: str
    day: date


@dataclass(frozen=True, slots=True)
class Amount:
    """Replies that were begun, and their tokens as `usage` told them."""

    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0

    @property
    def tokens(self) -> int:
        """In and out together, as limits count."""
        return self.input_tokens + self.output_tokens

    def __add__(self, other: Amount) -> Amount:
        return Amount(
            self.requests + other.requests,
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
        )

    def __sub__(self, other: Amount) -> Amount:
        return self + Amount(-other.requests, -other.input_tokens, -other.output_tokens)


@dataclass(frozen=True, slots=True)
class UsageTotal:
    """A sum over all that share what is given here; None where the question did not split."""

    amount: Amount
    key_id: str | None = None
    key_name: str | None = None
    model: str | None = None
    day: date | None = None

    def fields(self) -> dict[str, str | int]:
        """What is given, in a fixed order, as JSON and CSV show it."""
        split = (
            ("key_id", self.key_id),
            ("key_name", self.key_name),
            ("model", self.model),
            ("day", self.day and self.day.isoformat()),
        )
        given = {name: value for name, value in split if value is not None}
        return {**given, **asdict(self.amount), "total_tokens": self.amount.tokens}


_AMOUNTS = [entry.name for entry in fields(Amount)]


class UsageStore:
    """The usage accounts of one database; safe to use from several threads."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, amounts: Mapping[UsageKey, Amount]) -> None:
        """Add to the accounts, all of it or nothing. On disk when this returns.

        Raises StoreError, also for a key that is not in the store.
        """
        if not amounts:
            return
        # Sorted, so that two servers that write the same rows never wait for each other in a ring.
        rows = [
            {**asdict(account), **asdict(amounts[account])}
            for account in sorted(amounts, key=astuple)
        ]
        with self._database.write() as connection:
            connection.execute(_upsert(connection), rows)

    def totals(
        self,
        by: Collection[str] = GROUPS,
        since: date | None = None,
        until: date | None = None,
        key_id: str | None = None,
    ) -> list[UsageTotal]:
        """Sums split by some of `GROUPS`, sorted; a day without usage has no row.

        `since` and `until` are both included; `key_id` asks for one key alone.
        """
        columns: dict[str, list[ColumnElement[Any]]] = {
            "key": [usage.c.key_id, api_keys.c.name.label("key_name")],
            "model": [usage.c.model],
            "day": [usage.c.day],
        }
        split = [column for group in GROUPS if group in by for column in columns[group]]
        sums = [func.sum(usage.c[name]).label(name) for name in _AMOUNTS]
        query = select(*split, *sums).join_from(usage, api_keys).group_by(*split).order_by(*split)
        if since is not None:
            query = query.where(usage.c.day >= since)
        if until is not None:
            query = query.where(usage.c.day <= until)
        if key_id is not None:
            query = query.where(usage.c.key_id == key_id)
        with self._database.read() as connection:
            rows = connection.execute(query).mappings().all()
        # Asked for one sum of everything, SQL answers with a row even where nothing was used.
        return [_total(dict(row)) for row in rows if row["requests"] is not None]

    def tokens_since(self, key_id: str, day: date) -> int:
        """All tokens of a key from `day` on, in and out."""
        query = select(func.sum(usage.c.input_tokens + usage.c.output_tokens)).where(
            usage.c.key_id == key_id, usage.c.day >= day
        )
        with self._database.read() as connection:
            return int(connection.execute(query).scalar() or 0)


def _upsert(connection: Connection) -> sqlite.Insert | postgresql.Insert:
    # The same statement in both; SQLAlchemy has one class a dialect for it.
    statement: sqlite.Insert | postgresql.Insert
    if connection.dialect.name == "postgresql":
        statement = postgresql.insert(usage)
    else:
        statement = sqlite.insert(usage)
    return statement.on_conflict_do_update(
        index_elements=list(usage.primary_key),
        set_={name: usage.c[name] + statement.excluded[name] for name in _AMOUNTS},
    )


def _total(row: dict[str, Any]) -> UsageTotal:
    # PostgreSQL sums big integers as decimals.
    amount = Amount(*(int(row.pop(name)) for name in _AMOUNTS))
    return UsageTotal(amount, **row)
