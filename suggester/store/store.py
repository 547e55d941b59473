"""The door of the store: open it, read, write, verify."""

from __future__ import annotations

import logging
import os
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import sqlalchemy as sa
from sqlalchemy import Connection, Engine

from suggester.config import Settings
from suggester.errors import DatabaseError, TrailKeyError
from suggester.store import tables, trail
from suggester.store.chain import Entry, mac_of_text
from suggester.store.database import made_engine, reading, shown_url, writing
from suggester.store.keyfiles import Anchors, read_key, read_or_make_key
from suggester.store.migrating import migrate, revision_of

__all__ = ["Clock", "Store", "Work", "new_id", "now_ms", "store_files"]

log = logging.getLogger("suggester.store")

Clock = Callable[[], int]
"""Milliseconds since 1970 UTC."""

_INFO = tables.store_info


def now_ms() -> int:
    """The time now."""
    return time.time_ns() // 1_000_000


def new_id(prefix: str) -> str:
    """A fresh opaque id that says nothing: ``n3f…``."""
    return prefix + secrets.token_hex(10)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreFiles:
    """Where a store is and what belongs to it."""

    url: str
    key_file: Path
    anchor_file: Path
    passphrase: str | None = None


def store_files(settings: Settings) -> StoreFiles:
    """Where the settings say the store is.

    Raises
    ------
    DatabaseError
        If the passphrase file cannot be read.
    """
    folder = settings.review_dir
    passphrase = problem = None
    if settings.database_key_file is not None:
        try:
            passphrase = settings.database_key_file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            problem = getattr(error, "strerror", None) or type(error).__name__
        if problem is None and not passphrase:
            problem = "it is empty"
        if problem is not None:
            raise DatabaseError(f"passphrase file {settings.database_key_file.name}: {problem}")
    return StoreFiles(
        url=settings.database_url or f"sqlite:///{folder / 'review.sqlite'}",
        key_file=settings.audit_key_file or folder / "audit.key",
        anchor_file=settings.audit_anchor_file or folder / "audit.anchor",
        passphrase=passphrase,
    )


class Work:
    """One writing transaction: its connection, its time, and the trail to append to.

    Parameters
    ----------
    connection
        The only writer.
    key
        Key of the trail.
    now
        Time of everything that is written, milliseconds since 1970 UTC.
    """

    def __init__(self, connection: Connection, key: bytes, now: int) -> None:
        self.connection = connection
        self.now = now
        self._key = key
        self._head: Entry | None = None
        self._known = False
        self.appended: Entry | None = None

    def record(self, actor: str, action: str, subject: str, **detail: object) -> Entry:
        """Append to the audit trail. Ids and numbers only: never words of a note."""
        if not self._known:
            self._head, self._known = trail.head(self.connection), True
        self._head = trail.append(
            self.connection,
            self._key,
            self._head,
            at=self.now,
            actor=actor,
            action=action,
            subject=subject,
            detail=detail,
        )
        self.appended = self._head
        return self._head

    def decide(self, values: dict[str, object]) -> None:
        """Append a decision, and its keyed hash to the trail. ``values`` are all columns of ``decisions``."""
        self.connection.execute(tables.decisions.insert().values(**values))
        self.record(
            str(values["user_id"]), "decision", str(values["id"]), mac=trail.decision_mac(self._key, values)
        )

    def text_mac(self, text: str) -> str:
        """Keyed hash of a text, by which the trail holds it."""
        return mac_of_text(self._key, text)


class Store:
    """An opened store. Safe to use from threads.

    Parameters
    ----------
    engine
        Connections to a migrated database.
    key
        Key of the audit trail.
    anchors
        Where its heads are anchored.
    files
        Where all that is.
    clock
        What time it is.
    """

    def __init__(
        self, engine: Engine, *, key: bytes, anchors: Anchors, files: StoreFiles, clock: Clock = now_ms
    ) -> None:
        self.engine = engine
        self.files = files
        self.anchors = anchors
        self.clock = clock
        self._key = key

    @classmethod
    def open(cls, files: StoreFiles, *, create: bool = True, clock: Clock = now_ms) -> Self:
        """Open a store, made or migrated first where needed.

        Parameters
        ----------
        files
            Where it is.
        create
            Make it where there is none.
        clock
            What time it is.

        Raises
        ------
        DatabaseError
            If it cannot be opened, is of a newer version, or is not there and ``create`` is false.
        TrailKeyError
            If the key of its audit trail is missing or another one.
        """
        engine = made_engine(files.url, passphrase=files.passphrase)
        try:
            if engine.dialect.name == "sqlite":
                _prepare_file(Path(str(engine.url.database)), create=create)
            elif not create and revision_of(engine) is None:
                raise DatabaseError(f"there is no review store in {shown_url(files.url)}")
            migrate(engine)
            key = _checked_key(engine, files.key_file)
            files.anchor_file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            store = cls(engine, key=key, anchors=Anchors(files.anchor_file), files=files, clock=clock)
            store._catch_up()
        except BaseException:
            engine.dispose()
            raise
        return store

    def close(self) -> None:
        """Give back all connections."""
        self.engine.dispose()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection to read with."""
        with reading(self.engine) as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Work]:
        """A writing transaction: durable and anchored when the block has ended, undone if it raised."""
        with writing(self.engine) as connection:
            work = Work(connection, self._key, self.clock())
            yield work
        if work.appended is not None:
            self.anchors.append(work.appended.seq, work.appended.mac)

    def verify(self) -> trail.Report:
        """Verify the audit trail, its anchors, the decisions and the texts of notes."""
        with self.read() as connection:
            return trail.verify(connection, self._key, dict(self.anchors.heads()))

    def keyed_share(self, text: str) -> float:
        """A number in [0, 1) that follows from a text and the store's key, for draws that repeat."""
        return int(mac_of_text(self._key, f"draw {text}")[:13], 16) / 16**13

    def _catch_up(self) -> None:
        """Anchor what was committed by a process that died before it could."""
        self.anchors.mend()
        highest = self.anchors.highest()
        with self.read() as connection:
            head = trail.head(connection)
            if head is None or head.seq <= highest:
                return
            sound = trail.verify_tail(connection, self._key, after=highest)
        if sound:
            self.anchors.append(head.seq, head.mac)
        else:
            log.error("the audit trail is damaged after entry %d: run `suggester audit verify`", highest)


def _prepare_file(path: Path, *, create: bool) -> None:
    """Make the file for the owner only, before SQLite would make it for everybody."""
    if path.exists():
        return
    if not create:
        raise DatabaseError(f"there is no review store {path.name}: make it with `suggester store init`")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
    except OSError as error:
        problem = error.strerror or type(error).__name__
    else:
        return
    raise DatabaseError(f"the review store {path.name} cannot be made: {problem}")


def _checked_key(engine: Engine, key_file: Path) -> bytes:
    """The key of the trail; a new store gets a new one and remembers by a keyed hash which it is."""
    with writing(engine) as connection:
        found = connection.execute(sa.select(_INFO.c.value).where(_INFO.c.key == "key_check")).scalar()
        if found is None:
            key = read_or_make_key(key_file)
            rows = {"store_id": secrets.token_hex(16), "key_check": mac_of_text(key, "key check")}
            connection.execute(_INFO.insert(), [{"key": k, "value": v} for k, v in rows.items()])
            return key
    if not key_file.exists():
        raise TrailKeyError(
            f"the key of the audit trail, {key_file.name}, is missing: put it back from its backup"
        )
    key = read_key(key_file)
    if mac_of_text(key, "key check") != found:
        raise TrailKeyError(f"{key_file.name} is not the key that this store's audit trail was made with")
    return key
