"""Alembic's entry point: run the migrations on the connection that `schema.upgrade` hands over."""

from __future__ import annotations

from alembic import context

from glmscope.store.schema import VERSION_TABLE

context.configure(
    connection=context.config.attributes["connection"],
    version_table=VERSION_TABLE,
    transactional_ddl=True,
)
# No transaction is opened here: the caller's covers the version check and all steps, so that a
# process killed between two steps leaves the old schema, and a second process waits for the first.
context.run_migrations()
