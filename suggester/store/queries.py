"""Questions put to physicians."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from suggester.store import tables

__all__ = ["QueryRow", "add", "close", "of_note", "query", "recent"]

_Q, _N, _U = tables.queries, tables.notes, tables.users


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryRow:
    """A question. Times are milliseconds."""

    id: str
    note_id: str
    row_id: str | None
    kind: str
    text: str
    status: str
    answer: str | None
    user_id: str
    at: int
    closed_at: int | None
    display_name: str = ""


def _row(row: Any) -> QueryRow:
    return QueryRow(**{name: getattr(row, name) for name in QueryRow.__slots__})


def _all() -> sa.Select[Any]:
    return sa.select(_Q, _U.c.display_name).join_from(_Q, _U, _Q.c.user_id == _U.c.id)


def add(connection: Connection, row: QueryRow) -> None:
    """Keep a question; the note counts it as open."""
    connection.execute(
        _Q.insert().values(
            **{name: getattr(row, name) for name in QueryRow.__slots__ if name != "display_name"}
        )
    )
    connection.execute(_N.update().where(_N.c.id == row.note_id).values(open_queries=_N.c.open_queries + 1))


def close(connection: Connection, row: QueryRow, *, status: str, answer: str | None, now: int) -> None:
    """Close an open question."""
    connection.execute(
        _Q.update().where(_Q.c.id == row.id).values(status=status, answer=answer, closed_at=now)
    )
    connection.execute(_N.update().where(_N.c.id == row.note_id).values(open_queries=_N.c.open_queries - 1))


def query(connection: Connection, query_id: str) -> QueryRow | None:
    """One question."""
    row = connection.execute(_all().where(_Q.c.id == query_id)).first()
    return None if row is None else _row(row)


def of_note(connection: Connection, note_id: str) -> list[QueryRow]:
    """Questions on a note, oldest first."""
    rows = connection.execute(_all().where(_Q.c.note_id == note_id).order_by(_Q.c.at, _Q.c.id))
    return [_row(row) for row in rows]


def recent(connection: Connection, *, open_only: bool, limit: int) -> list[QueryRow]:
    """Questions, newest first."""
    chosen = _all().order_by(_Q.c.at.desc(), _Q.c.id).limit(limit)
    if open_only:
        chosen = chosen.where(_Q.c.status == "open")
    return [_row(row) for row in connection.execute(chosen)]
