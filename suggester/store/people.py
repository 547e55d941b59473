"""Users, their sessions and their favourite codes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from suggester.store import tables

__all__ = [
    "SessionRow",
    "UserRow",
    "add_session",
    "add_user",
    "change_user",
    "end_session",
    "end_sessions",
    "favourites",
    "session",
    "set_favourite",
    "touch_session",
    "user",
    "user_by",
    "users",
]

_U, _S, _F = tables.users, tables.sessions, tables.favourites


@dataclass(frozen=True, slots=True, kw_only=True)
class UserRow:
    """A user. Times are milliseconds."""

    id: str
    name: str
    display_name: str
    role: str
    email: str | None
    identity: str | None
    password_hash: str | None
    failures: int
    locked_until: int | None
    disabled_at: int | None
    created_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRow:
    """A session with its user."""

    id: str
    kind: str
    seen_at: int
    expires_at: int
    ended_at: int | None
    user: UserRow


def _user(row: Any) -> UserRow:
    return UserRow(**{name: getattr(row, name) for name in UserRow.__slots__})


def users(connection: Connection) -> tuple[UserRow, ...]:
    """All users by name."""
    return tuple(_user(row) for row in connection.execute(sa.select(_U).order_by(_U.c.name)))


def user(connection: Connection, user_id: str) -> UserRow | None:
    """A user by id."""
    return user_by(connection, "id", user_id)


def user_by(connection: Connection, column: str, value: str) -> UserRow | None:
    """A user by a unique column: ``id``, ``name``, ``email`` or ``identity``."""
    row = connection.execute(sa.select(_U).where(_U.c[column] == value)).first()
    return None if row is None else _user(row)


def add_user(connection: Connection, row: UserRow) -> None:
    """Keep a new user."""
    connection.execute(_U.insert().values(**{name: getattr(row, name) for name in UserRow.__slots__}))


def change_user(connection: Connection, user_id: str, **values: object) -> None:
    """Change columns of a user."""
    connection.execute(_U.update().where(_U.c.id == user_id).values(**values))


def add_session(
    connection: Connection,
    *,
    session_id: str,
    token_hash: str,
    user_id: str,
    kind: str,
    now: int,
    expires_at: int,
) -> None:
    """Keep a new session: the hash of its token only."""
    connection.execute(
        _S.insert().values(
            id=session_id,
            token_hash=token_hash,
            user_id=user_id,
            kind=kind,
            created_at=now,
            seen_at=now,
            expires_at=expires_at,
        )
    )


def session(connection: Connection, token_hash: str) -> SessionRow | None:
    """A session by the hash of its token, with its user as they are now."""
    query = (
        sa.select(
            _U,
            _S.c.id.label("session_id"),
            _S.c.kind,
            _S.c.seen_at,
            _S.c.expires_at,
            _S.c.ended_at,
        )
        .join_from(_S, _U, _S.c.user_id == _U.c.id)
        .where(_S.c.token_hash == token_hash)
    )
    row = connection.execute(query).first()
    if row is None:
        return None
    return SessionRow(
        id=row.session_id,
        kind=row.kind,
        seen_at=row.seen_at,
        expires_at=row.expires_at,
        ended_at=row.ended_at,
        user=_user(row),
    )


def touch_session(connection: Connection, session_id: str, now: int) -> None:
    """Note activity."""
    connection.execute(_S.update().where(_S.c.id == session_id, _S.c.seen_at < now).values(seen_at=now))


def end_session(connection: Connection, session_id: str, now: int) -> None:
    """End one session."""
    connection.execute(_S.update().where(_S.c.id == session_id, _S.c.ended_at.is_(None)).values(ended_at=now))


def end_sessions(connection: Connection, user_id: str, now: int, *, but: str | None = None) -> int:
    """End all sessions of a user but one; how many ended."""
    query = _S.update().where(_S.c.user_id == user_id, _S.c.ended_at.is_(None))
    if but is not None:
        query = query.where(_S.c.id != but)
    return connection.execute(query.values(ended_at=now)).rowcount


def favourites(connection: Connection, user_id: str) -> list[tuple[str, str]]:
    """System and code of a user's favourites, newest first."""
    query = (
        sa.select(_F.c.system, _F.c.code)
        .where(_F.c.user_id == user_id)
        .order_by(_F.c.at.desc(), _F.c.system, _F.c.code)
    )
    return [(row.system, row.code) for row in connection.execute(query)]


def set_favourite(
    connection: Connection, user_id: str, system: str, code: str, *, favourite: bool, now: int
) -> None:
    """Mark or unmark a favourite."""
    at = (_F.c.user_id == user_id, _F.c.system == system, _F.c.code == code)
    connection.execute(_F.delete().where(*at))
    if favourite:
        connection.execute(_F.insert().values(user_id=user_id, system=system, code=code, at=now))
