"""What a key may do, until when, how much; and the text that a rotation replaced."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the columns; keys that were there stay ordinary, unlimited keys of every model."""
    for column in (
        sa.Column("role", sa.String(8), nullable=False, server_default="user"),
        sa.Column("expires_at", sa.BigInteger),
        sa.Column("models", sa.String),
        sa.Column("old_digest", sa.LargeBinary(32)),
        sa.Column("old_until", sa.BigInteger),
        sa.Column("requests_per_minute", sa.BigInteger),
        sa.Column("tokens_per_minute", sa.BigInteger),
        sa.Column("concurrent_requests", sa.BigInteger),
        sa.Column("tokens_per_month", sa.BigInteger),
    ):
        op.add_column("api_keys", column)
