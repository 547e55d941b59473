"""Bring a database to the newest schema, by Alembic."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine

from suggester.errors import DatabaseError
from suggester.store.database import plain_errors, writing

__all__ = ["migrate", "newest_revision", "revision_of"]


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config


@cache
def newest_revision() -> str:
    """The revision that this version of Suggester works with."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    assert head is not None  # noqa: S101  # the wheel carries the migrations
    return head


def revision_of(engine: Engine) -> str | None:
    """The revision of a database, None for an empty one."""
    with plain_errors(), engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def migrate(engine: Engine) -> bool:
    """Bring a database to the newest revision, in one transaction; whether anything was done.

    Raises
    ------
    DatabaseError
        If the database is of a newer version of Suggester, or the migration fails (nothing is changed then).
    """
    wanted = newest_revision()
    found = revision_of(engine)
    if found == wanted:
        return False
    known = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
    if found is not None and found not in known:
        raise DatabaseError("the review store was made by a newer version of Suggester: update Suggester")
    with writing(engine) as connection:
        # Another process may have migrated while we waited for our turn.
        if MigrationContext.configure(connection).get_current_revision() != wanted:
            command.upgrade(_config(connection), "head")
    return True
