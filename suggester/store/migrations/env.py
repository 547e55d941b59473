"""How Alembic runs our migrations: on the connection it is given, inside the caller's transaction."""

from __future__ import annotations

from alembic import context

from suggester.store.tables import metadata

__all__ = ["run"]


def run() -> None:
    """Run the migrations that Alembic has chosen."""
    context.configure(
        connection=context.config.attributes["connection"],
        target_metadata=metadata,
        transactional_ddl=True,
    )
    context.run_migrations()


if hasattr(context, "config"):  # Alembic runs this file; to anybody else it is a module
    run()
