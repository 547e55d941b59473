"""How Alembic runs our migrations: on the connection it is given, inside the caller's transaction."""

from __future__ import annotations

from alembic import context

from suggester.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
)
context.run_migrations()
