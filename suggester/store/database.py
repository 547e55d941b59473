"""Connections: SQLite as we want it (WAL, synchronous FULL), SQLCipher on top of it, or PostgreSQL.

One writer at a time on either database: SQLite by a lock on a file beside it and ``BEGIN IMMEDIATE``,
PostgreSQL by an advisory lock at the start of each writing transaction. Every write also appends to the one
audit trail, which orders them anyway. Both locks are given in the order of asking; SQLite's own waiting is
not, and lets a writer starve among eight.
"""

from __future__ import annotations

import fcntl
import importlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError

from suggester.errors import DatabaseError

__all__ = ["TURN_FILE", "Connection", "made_engine", "plain_errors", "reading", "shown_url", "writing"]

_WRITER_LOCK = 0x5D66_6573_7472
"""Number of the advisory lock that makes writers of one PostgreSQL database take turns."""

_BUSY_MS = 30_000

TURN_FILE = "-turn"
"""What the name of the file ends with on which writers of an SQLite store take turns."""


def made_engine(url: str, *, passphrase: str | None = None) -> Engine:
    """An engine for ``sqlite:///…`` or ``postgresql+psycopg://…``.

    Parameters
    ----------
    url
        Where the database is.
    passphrase
        For an SQLite database encrypted with SQLCipher.

    Raises
    ------
    DatabaseError
        If the address is of another kind, or a driver is not installed.
    """
    with plain_errors():
        try:
            address = sa.make_url(url)
        except ArgumentError:
            address = None
    kind = address.get_backend_name() if address is not None else None
    if address is None or kind not in ("sqlite", "postgresql"):
        raise DatabaseError("the database must be sqlite:///FILE or postgresql+psycopg://HOST/NAME")
    if kind == "postgresql":
        if passphrase is not None:
            raise DatabaseError("a passphrase is for SQLite; PostgreSQL encrypts its disk by other means")
        try:
            engine = sa.create_engine(
                address.set(drivername="postgresql+psycopg"),
                hide_parameters=True,
                pool_pre_ping=True,
                isolation_level="READ COMMITTED",
            )
        except (NoSuchModuleError, ModuleNotFoundError):
            raise DatabaseError(
                "PostgreSQL needs the extra `postgres`: pip install suggester[postgres]"
            ) from None
        event.listen(engine, "connect", _prepare_postgres)
        event.listen(engine, "begin", _begin_postgres)
        return engine
    if not address.database or address.database == ":memory:":
        raise DatabaseError("an SQLite store needs a file: sqlite:///FILE")
    options: dict[str, Any] = {}
    if passphrase is not None:
        try:
            cipher = importlib.import_module("sqlcipher3.dbapi2")
        except ModuleNotFoundError:
            raise DatabaseError(
                "an encrypted store needs the extra `sqlcipher`: pip install suggester[sqlcipher]"
            ) from None
        options["module"] = cipher
    engine = sa.create_engine(address, hide_parameters=True, **options)

    def prepare(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # we begin transactions ourselves
        cursor = connection.cursor()
        if passphrase is not None:
            cursor.execute(f"pragma key = \"x'{passphrase.encode().hex()}'\"")
        cursor.execute(f"pragma busy_timeout = {_BUSY_MS}")
        cursor.execute("pragma journal_mode = wal")
        cursor.execute("pragma synchronous = full")
        cursor.execute("pragma foreign_keys = on")
        cursor.close()

    event.listen(engine, "connect", prepare)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _begin_sqlite(connection: Connection) -> None:
    wanted = connection.get_execution_options().get("writing", False)
    connection.exec_driver_sql("begin immediate" if wanted else "begin")


def _prepare_postgres(connection: Any, _record: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute("set synchronous_commit = on")
        cursor.execute("set client_min_messages = warning")
    connection.commit()


def _begin_postgres(connection: Connection) -> None:
    if connection.get_execution_options().get("writing", False):
        connection.execute(sa.text("select pg_advisory_xact_lock(:lock)"), {"lock": _WRITER_LOCK})


@contextmanager
def plain_errors() -> Iterator[None]:
    """Turn errors of the database into ours: kind and state only, never a statement or its values."""
    problem = None
    try:
        yield
    except DBAPIError as error:
        problem = _described(error)
    except SQLAlchemyError as error:
        problem = f"the database refused the work ({type(error).__name__})"
    except UnicodeEncodeError:
        problem = "a text holds characters that the database does not take"
    if problem is not None:
        raise DatabaseError(problem)


def _described(error: DBAPIError) -> str:
    original = error.orig
    name = getattr(original, "sqlite_errorname", None) or getattr(original, "sqlstate", None)
    known = {
        "SQLITE_FULL": "the disk of the database is full",
        "53100": "the disk of the database is full",
        "SQLITE_BUSY": "the database is busy",
        "SQLITE_NOTADB": "the file is no database, or encrypted with another passphrase",
        "SQLITE_CANTOPEN": "the database file cannot be opened",
        "SQLITE_CORRUPT": "the database file is damaged",
        "SQLITE_CONSTRAINT_TRIGGER": "decisions and the audit trail are append-only",
    }
    return f"{known.get(str(name), 'the database refused the work')} ({name or type(error).__name__})"


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A connection that sees one state of the database. Errors: `DatabaseError`."""
    with plain_errors(), engine.connect() as connection:
        yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A connection that alone writes; committed at the end, rolled back on any error. Errors as `reading`."""
    with plain_errors(), _turn(engine), engine.connect() as connection:
        connection = connection.execution_options(writing=True)
        with connection.begin():
            yield connection


@contextmanager
def _turn(engine: Engine) -> Iterator[None]:
    """Wait for one's turn among the writers of an SQLite file; it ends with the process that has it."""
    if engine.dialect.name != "sqlite":
        yield
        return
    path = f"{engine.url.database}{TURN_FILE}"
    problem = None
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        problem = error.strerror or type(error).__name__
    if problem is not None:
        raise DatabaseError(f"{Path(path).name} cannot be opened: {problem}")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def shown_url(url: str) -> str:
    """The address of a database without its password, for messages."""
    address = sa.make_url(url)
    name = Path(address.database or "").name
    return f"{address.get_backend_name()} {name}".strip()
