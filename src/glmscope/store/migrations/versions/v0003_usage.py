"""Tokens and requests a key, a model and a day."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Create `usage`."""
    op.create_table(
        "usage",
        sa.Column("key_id", sa.String(16), sa.ForeignKey("api_keys.id"), primary_key=True),
        sa.Column("model", sa.String, primary_key=True),
        sa.Column("day", sa.Date, primary_key=True),
        sa.Column("requests", sa.BigInteger, nullable=False),
        sa.Column("input_tokens", sa.BigInteger, nullable=False),
        sa.Column("output_tokens", sa.BigInteger, nullable=False),
    )
