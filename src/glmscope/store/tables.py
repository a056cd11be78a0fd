"""The tables as the code uses them; `migrations/` is how a database gets there.

Times are whole seconds since 1970 in UTC: they compare, sort and survive a change of database
without a word about time zones.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Date, ForeignKey, LargeBinary, MetaData, String, Table

metadata = MetaData()

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("name", String(64), nullable=False),
    Column("digest", LargeBinary(32), nullable=False, unique=True),
    Column("last4", String(4), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("revoked_at", BigInteger),
    Column("role", String(8), nullable=False),
    Column("expires_at", BigInteger),
    # A JSON list of ids, sorted.
    Column("models", String),
    # Of the text that the last rotation replaced.
    Column("old_digest", LargeBinary(32)),
    Column("old_until", BigInteger),
    Column("requests_per_minute", BigInteger),
    Column("tokens_per_minute", BigInteger),
    Column("concurrent_requests", BigInteger),
    Column("tokens_per_month", BigInteger),
)

usage = Table(
    "usage",
    metadata,
    Column("key_id", String(16), ForeignKey(api_keys.c.id), primary_key=True),
    Column("model", String, primary_key=True),
    # In UTC.
    Column("day", Date, primary_key=True),
    Column("requests", BigInteger, nullable=False),
    Column("input_tokens", BigInteger, nullable=False),
    Column("output_tokens", BigInteger, nullable=False),
)
