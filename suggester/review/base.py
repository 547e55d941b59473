"""What all parts of the review service stand on: store, session, role, time, codes and engine."""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Protocol

from argon2 import PasswordHasher

from suggester.config import Settings
from suggester.errors import NotFoundError, SessionError
from suggester.review.codebook import CodeBook
from suggester.review.markings import Markings
from suggester.review.permissions import require
from suggester.review.types import ROLES, Actor, FinalCode, Role
from suggester.store import people
from suggester.store.database import Connection
from suggester.store.notes import NoteRow
from suggester.store.notes import note as note_by_id
from suggester.store.store import Store, Work
from suggester.types import Flag, Note, Suggestions

__all__ = ["Base", "Engine", "Rules", "at", "hashed", "role_of"]

log = logging.getLogger("suggester.review")

_TOUCH_MS = 10_000
"""Reading counts as activity, but is written down only so often."""

Rules = Callable[[Note, tuple[FinalCode, ...], tuple[str, ...]], tuple[Flag, ...]]
"""Rules on the coding summary of a note, for the flags that must be answered before it is finished.

The last are diagnoses that the note supports and that are not in the summary.
"""


class Engine(Protocol):
    """What makes suggestions and marks the words of a note."""

    def suggest(self, note: Note) -> Suggestions:
        """Suggestions for a note."""
        ...

    def markings(self, note: Note) -> Markings:
        """Sections of a note and words with a cue."""
        ...


def at(ms: int) -> datetime:
    """An aware time from milliseconds since 1970."""
    return datetime.fromtimestamp(ms / 1000, tz=UTC)


def hashed(token: str) -> str:
    """What the store keeps of a session's token."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def role_of(value: str) -> Role:
    """A role by name.

    Raises
    ------
    NotFoundError
        If there is none of this name; lists those there are.
    """
    for role in ROLES:
        if role == value:
            return role
    raise NotFoundError(f"there is no such role; allowed: {', '.join(ROLES)}")


@dataclass(slots=True)
class _Lazy[T]:
    """Something made at its first use, once."""

    make: Callable[[], T]
    lock: threading.Lock
    made: T | None = None

    def get(self) -> T:
        if self.made is None:
            with self.lock:
                if self.made is None:
                    self.made = self.make()
        return self.made


class Base:
    """What the parts of the service share.

    Parameters
    ----------
    store
        The opened store.
    settings
        Times of sessions and leases, share of planted suggestions.
    codebook
        Makes what knows the codes, at first use.
    engine
        Makes what reads notes, at first use.
    rules
        Rules on the summary, None for those that came with the suggestions only.
    hasher
        Hashes passwords.
    demo
        Whether the store is a demo: sign-in without password, from loopback.
    """

    def __init__(
        self,
        store: Store,
        *,
        settings: Settings,
        codebook: Callable[[], CodeBook],
        engine: Callable[[], Engine],
        rules: Rules | None = None,
        hasher: PasswordHasher | None = None,
        demo: bool = False,
    ) -> None:
        self.store = store
        self.settings = settings
        self.rules = rules
        self.is_demo = demo
        self._codebook = _Lazy(codebook, threading.Lock())
        self._engine = _Lazy(engine, threading.Lock())
        self._hasher = hasher or PasswordHasher()
        self._idle_ms = settings.session_idle_minutes * 60_000
        self._session_ms = settings.session_hours * 3_600_000
        self._lease_ms = settings.lease_minutes * 60_000

    @property
    def codebook(self) -> CodeBook:
        """What knows the codes."""
        return self._codebook.get()

    def warm_up(self) -> None:
        """Load code sets and engine now instead of at the first action that needs them."""
        self._codebook.get()
        self._engine.get()

    def _resolved(self, connection: Connection, token: str, now: int) -> tuple[Actor, people.SessionRow]:
        """Whose session it is at this moment.

        Raises
        ------
        SessionError
            If it does not hold any more.
        """
        row = people.session(connection, hashed(token))
        reason = None
        if row is None:
            raise SessionError("unknown")
        if row.user.disabled_at is not None:
            reason = "disabled"
        elif row.ended_at is not None:
            reason = "signed_out"
        elif now >= row.expires_at:
            reason = "expired"
        elif row.kind == "page" and now - row.seen_at >= self._idle_ms:
            reason = "idle"
        if reason is not None:
            raise SessionError(reason)
        actor = Actor(
            user_id=row.user.id,
            name=row.user.name,
            display_name=row.user.display_name,
            role=role_of(row.user.role),
            session_id=row.id,
            demo=self.is_demo,
        )
        return actor, row

    @contextmanager
    def _reading(
        self, token: str, permission: str, *, touch: bool = True
    ) -> Iterator[tuple[Connection, Actor]]:
        """A connection to read with, for who may; counts as activity unless ``touch`` is false."""
        now = self.store.clock()
        with self.store.read() as connection:
            actor, row = self._resolved(connection, token, now)
            require(actor.role, permission)
            stale = touch and now - row.seen_at >= _TOUCH_MS
            if not stale:
                yield connection, actor
                return
        with self.store.write() as work:
            people.touch_session(work.connection, actor.session_id, now)
        with self.store.read() as connection:
            yield connection, actor

    @contextmanager
    def _writing(self, token: str, permission: str, *, touch: bool = True) -> Iterator[tuple[Work, Actor]]:
        """A writing transaction for who may; session and role are looked up inside it."""
        with self.store.write() as work:
            actor, row = self._resolved(work.connection, token, work.now)
            require(actor.role, permission)
            if touch and row.seen_at < work.now:
                people.touch_session(work.connection, row.id, work.now)
            yield work, actor

    def _note(self, connection: Connection, note_id: str) -> NoteRow:
        row = note_by_id(connection, note_id)
        if row is None:
            raise NotFoundError("there is no such note")
        return row

    def _today(self) -> date:
        """The day at the place of the server."""
        return at(self.store.clock()).astimezone().date()

    @staticmethod
    def _day_range(since: date, until: date) -> tuple[int, int]:
        """The days from ``since`` to ``until`` at the place of the server, as milliseconds ``[from, to)``."""
        first = datetime(since.year, since.month, since.day).astimezone()
        after = until + timedelta(days=1)
        last = datetime(after.year, after.month, after.day).astimezone()
        return int(first.timestamp() * 1000), int(last.timestamp() * 1000)
