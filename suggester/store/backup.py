"""Backup of a store of either kind into one SQLite file, and restore of it into an empty one of either kind.

A backup is checked when it is made and again when it is restored: integrity of the file, number of rows of
every table, and the whole audit trail. The key of the trail is not in it and must be kept apart.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy import Connection, Engine

from suggester.errors import DatabaseError
from suggester.store import tables, trail
from suggester.store.chain import mac_of_text
from suggester.store.database import TURN_FILE, made_engine, plain_errors, shown_url, writing
from suggester.store.keyfiles import Anchors, read_key
from suggester.store.migrating import migrate, newest_revision, revision_of
from suggester.store.store import Clock, Store, StoreFiles, now_ms

__all__ = ["Restored", "backup", "restore"]

_ROWS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What a backup holds: rows by table, and the last entry of its audit trail.

    ``lost`` is how many entries were anchored after the backup was made; their work is not in it.
    """

    rows: dict[str, int]
    head: int
    lost: int = 0


def backup(store: Store, path: Path) -> Restored:
    """Write a store, as it is at one moment, to a new file that only its owner can read.

    Raises
    ------
    DatabaseError
        If the file is there already or cannot be written, or what was written does not verify.
    """
    part = path.with_name(f".{path.name}.part")
    if path.exists():
        raise DatabaseError(f"{path.name} is there already: give another name")
    _private(part)
    copy = made_engine(f"sqlite:///{part}", passphrase=store.files.passphrase)
    try:
        migrate(copy)
        with plain_errors(), store.engine.connect() as source:
            if source.dialect.name == "postgresql":
                source = source.execution_options(isolation_level="REPEATABLE READ")
            with source.begin(), writing(copy) as target:
                rows = _copy(source, target)
        found = _checked(copy, store.files.key_file, rows)
        copy.dispose()
        _settle(part)
        part.rename(path)
    finally:
        copy.dispose()
        _remove(part)
    return found


def restore(path: Path, files: StoreFiles, *, clock: Clock = now_ms) -> Restored:
    """Bring a backup back into a store that is not there yet (or a PostgreSQL database without tables).

    The anchors in use are set aside, since what they anchored after the backup is lost; a new file begins,
    and the trail says that the store was restored.

    Raises
    ------
    DatabaseError
        If the backup does not verify, was made with another key, or there is a store already.
    """
    if not path.is_file():
        raise DatabaseError(f"there is no backup {path.name}")
    source = made_engine(f"sqlite:///{path}", passphrase=files.passphrase)
    target = made_engine(files.url, passphrase=files.passphrase)
    place = Path(str(target.url.database)) if target.dialect.name == "sqlite" else None
    made = False
    try:
        if revision_of(source) != newest_revision():
            raise DatabaseError("the backup was made by another version of Suggester: restore it with that")
        if place is not None and place.exists() and place.stat().st_size:
            raise DatabaseError(f"there is a store in {shown_url(files.url)}: move it away first")
        if place is not None:
            _private(place)
            made = True
        elif revision_of(target) is not None:
            raise DatabaseError(f"there is a store in {shown_url(files.url)}: give an empty database")
        with plain_errors(), source.connect() as connection:
            wanted = {table.name: _count(connection, table) for table in tables.metadata.sorted_tables}
        _checked(source, files.key_file, wanted)
        migrate(target)
        with plain_errors(), source.connect() as reading, writing(target) as connection:
            _copy(reading, connection)
            _renumber(connection)
        found = _checked(target, files.key_file, wanted)
        made = False
    finally:
        source.dispose()
        target.dispose()
        if made and place is not None:
            _remove(place)
    anchors = Anchors(files.anchor_file)
    highest = anchors.highest()
    anchors.set_aside()
    store = Store.open(files, create=False, clock=clock)
    try:
        with store.write() as work:
            work.record("operator", "store.restore", path.name[:200], head=found.head, anchored=highest)
    finally:
        store.close()
    return replace(found, lost=max(highest - found.head, 0))


def _private(path: Path) -> None:
    """Make an empty file that only its owner can read, or say why not."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
    except OSError as error:
        problem = error.strerror or type(error).__name__
    else:
        return
    raise DatabaseError(f"{path.name} cannot be written: {problem}")


def _remove(path: Path) -> None:
    """Remove a database with all that SQLite and we keep beside it."""
    for end in ("", "-wal", "-shm", TURN_FILE):
        path.with_name(path.name + end).unlink(missing_ok=True)


def _settle(path: Path) -> None:
    """Have the file on disk before it gets its name."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _copy(source: Connection, target: Connection) -> dict[str, int]:
    """All rows of all tables; how many of each."""
    counts: dict[str, int] = {}
    for table in tables.metadata.sorted_tables:
        counts[table.name] = 0
        result = source.execute(sa.select(table).execution_options(yield_per=_ROWS))
        for part in result.mappings().partitions(_ROWS):
            target.execute(table.insert(), [dict(row) for row in part])
            counts[table.name] += len(part)
    return counts


def _renumber(connection: Connection) -> None:
    """Let PostgreSQL go on counting after the rows that came with their numbers."""
    if connection.dialect.name == "postgresql":
        connection.execute(
            sa.text(
                "select setval(pg_get_serial_sequence('finishes', 'id'),"
                " (select coalesce(max(id), 0) + 1 from finishes), false)"
            )
        )


def _count(connection: Connection, table: sa.Table) -> int:
    return connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()


def _checked(engine: Engine, key_file: Path, wanted: dict[str, int]) -> Restored:
    """Check a copy: the file, the number of rows, the audit trail."""
    key = read_key(key_file)
    with plain_errors(), engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            verdict = connection.execute(sa.text("pragma integrity_check")).scalar()
            if verdict != "ok":
                raise DatabaseError("the copy fails SQLite's integrity check")
        rows = {table.name: _count(connection, table) for table in tables.metadata.sorted_tables}
        different = sorted(name for name in rows if rows[name] != wanted[name])
        if different:
            raise DatabaseError(f"the copy has not as many rows in: {', '.join(different)}")
        info = tables.store_info
        check = connection.execute(sa.select(info.c.value).where(info.c.key == "key_check")).scalar()
        if check != mac_of_text(key, "key check"):
            raise DatabaseError("the key of the audit trail is not the one that the copy was made with")
        report = trail.verify(connection, key, {})
        if report.faults:
            raise DatabaseError(f"the audit trail of the copy is damaged: {report.faults[0].message}")
        head = trail.head(connection)
    return Restored(rows=rows, head=head.seq if head else 0)
