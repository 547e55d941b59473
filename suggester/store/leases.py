"""Leases: who holds which note, and until when. All functions expect to run inside a writing transaction."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy import Connection

from suggester.store import tables

__all__ = ["LeaseRow", "drop", "drop_session", "drop_user", "held", "put", "renew"]

_L, _N, _U = tables.leases, tables.notes, tables.users


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseRow:
    """A lease, lapsed or not. Times are milliseconds."""

    note_id: str
    track: str
    user_id: str
    display_name: str
    session_id: str
    taken_at: int
    renewed_at: int
    until: int


def held(connection: Connection, note_id: str, track: str) -> LeaseRow | None:
    """The lease on a note, also one that has lapsed."""
    query = (
        sa.select(_L, _U.c.display_name)
        .join_from(_L, _U, _L.c.user_id == _U.c.id)
        .where(_L.c.note_id == note_id, _L.c.track == track)
    )
    row = connection.execute(query).first()
    if row is None:
        return None
    return LeaseRow(**{name: getattr(row, name) for name in LeaseRow.__slots__})


def put(
    connection: Connection,
    *,
    note_id: str,
    track: str,
    user_id: str,
    session_id: str,
    now: int,
    until: int,
) -> None:
    """Give the lease to a user, whoever had it; the time the one before worked is kept on the note."""
    drop(connection, note_id, track)
    connection.execute(
        _L.insert().values(
            note_id=note_id,
            track=track,
            user_id=user_id,
            session_id=session_id,
            taken_at=now,
            renewed_at=now,
            until=until,
        )
    )


def renew(connection: Connection, *, note_id: str, track: str, session_id: str, now: int, until: int) -> None:
    """Prolong a lease, which from now on belongs to this session."""
    connection.execute(
        _L.update()
        .where(_L.c.note_id == note_id, _L.c.track == track)
        .values(renewed_at=now, until=until, session_id=session_id)
    )


def drop(connection: Connection, note_id: str, track: str) -> int:
    """End the lease; the milliseconds from taking to the last sign of life, which are added to the note."""
    row = connection.execute(
        sa.select(_L.c.taken_at, _L.c.renewed_at).where(_L.c.note_id == note_id, _L.c.track == track)
    ).first()
    if row is None:
        return 0
    worked: int = max(row.renewed_at - row.taken_at, 0)
    connection.execute(_L.delete().where(_L.c.note_id == note_id, _L.c.track == track))
    if track == "primary":
        connection.execute(_N.update().where(_N.c.id == note_id).values(worked_ms=_N.c.worked_ms + worked))
    return worked


def drop_session(connection: Connection, session_id: str) -> None:
    """End all leases of a session."""
    _drop_all(connection, _L.c.session_id == session_id)


def drop_user(connection: Connection, user_id: str) -> None:
    """End all leases of a user."""
    _drop_all(connection, _L.c.user_id == user_id)


def _drop_all(connection: Connection, condition: sa.ColumnElement[bool]) -> None:
    for row in connection.execute(sa.select(_L.c.note_id, _L.c.track).where(condition)).all():
        drop(connection, row.note_id, row.track)
