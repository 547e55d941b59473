"""The worklist: filters, order and pages in SQL, and which free note comes next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy import Connection

from suggester.store import tables
from suggester.store.notes import NoteRow, note_row

__all__ = ["Order", "PageRow", "Wanted", "assign", "counts", "free_note", "open_count", "page"]

Order = Literal["risk", "age", "service_date", "confidence"]

_N, _L, _U, _F = tables.notes, tables.leases, tables.users, tables.note_flags
_SEVERITIES = ("error", "warning", "info")
_HOLDER = _U.alias("holder")
_ASSIGNED = _U.alias("assigned")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Restrictions of the worklist; None and empty mean none. ``assigned`` may be ``none``: nobody."""

    statuses: Sequence[str] = ()
    kinds: Sequence[str] = ()
    settings: Sequence[str] = ()
    service_from: str | None = None
    service_to: str | None = None
    assigned: str | None = None
    below: float | None = None
    flag: str | None = None
    encounter: str | None = None
    name: str | None = None
    queried: bool | None = None
    free: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRow:
    """A note with who it is assigned to and who holds it now."""

    note: NoteRow
    assigned_name: str | None
    holder_id: str | None
    holder_name: str | None


def _conditions(wanted: Wanted, now: int) -> list[sa.ColumnElement[bool]]:
    found: list[sa.ColumnElement[bool]] = []
    if wanted.statuses:
        found.append(_N.c.status.in_(list(wanted.statuses)))
    if wanted.kinds:
        found.append(_N.c.kind.in_(list(wanted.kinds)))
    if wanted.settings:
        found.append(_N.c.setting.in_(list(wanted.settings)))
    if wanted.service_from is not None:
        found.append(_N.c.service_date >= wanted.service_from)
    if wanted.service_to is not None:
        found.append(_N.c.service_date <= wanted.service_to)
    if wanted.assigned is not None:
        assigned = _N.c.assigned_to
        found.append(assigned.is_(None) if wanted.assigned == "none" else assigned == wanted.assigned)
    if wanted.below is not None:
        found.append(_N.c.lowest < wanted.below)
    if wanted.flag is not None:
        column = _F.c.severity if wanted.flag in _SEVERITIES else _F.c.rule_id
        found.append(sa.exists().where(_F.c.note_id == _N.c.id, column == wanted.flag))
    if wanted.encounter is not None:
        found.append(_N.c.encounter_id == wanted.encounter)
    if wanted.name is not None:
        found.append(_N.c.name.startswith(wanted.name, autoescape=True))
    if wanted.queried is not None:
        found.append(_N.c.open_queries > 0 if wanted.queried else _N.c.open_queries == 0)
    if wanted.free:
        found.append(~_held(now))
    return found


def _held(now: int) -> sa.ColumnElement[bool]:
    return sa.exists().where(_L.c.note_id == _N.c.id, _L.c.track == "primary", _L.c.until > now)


def _order(order: Order) -> tuple[Any, ...]:
    return {
        "risk": (_N.c.risk.desc(), _N.c.id.desc()),
        "age": (_N.c.imported_at, _N.c.id),
        "service_date": (_N.c.service_date.is_(None), _N.c.service_date, _N.c.id),
        "confidence": (_N.c.lowest.is_(None), _N.c.lowest, _N.c.id),
    }[order]


def page(
    connection: Connection, wanted: Wanted, *, order: Order, offset: int, limit: int, now: int
) -> tuple[list[PageRow], int]:
    """A page of notes, and how many there are in all."""
    conditions = _conditions(wanted, now)
    total = connection.execute(sa.select(sa.func.count()).select_from(_N).where(*conditions)).scalar_one()
    chosen = sa.select(_N).where(*conditions).order_by(*_order(order)).offset(offset).limit(limit)
    rows = [note_row(row) for row in connection.execute(chosen)]
    people = _people(connection, rows, now)
    return [PageRow(note=row, **people[row.id]) for row in rows], total


def _people(connection: Connection, rows: Sequence[NoteRow], now: int) -> dict[str, dict[str, str | None]]:
    """For each note of a page, who it is assigned to and who holds it."""
    if not rows:
        return {}
    query = (
        sa.select(
            _N.c.id,
            _ASSIGNED.c.display_name.label("assigned_name"),
            _HOLDER.c.id.label("holder_id"),
            _HOLDER.c.display_name.label("holder_name"),
        )
        .select_from(
            _N.outerjoin(_ASSIGNED, _ASSIGNED.c.id == _N.c.assigned_to)
            .outerjoin(_L, sa.and_(_L.c.note_id == _N.c.id, _L.c.track == "primary", _L.c.until > now))
            .outerjoin(_HOLDER, _HOLDER.c.id == _L.c.user_id)
        )
        .where(_N.c.id.in_([row.id for row in rows]))
    )
    return {
        row.id: {
            "assigned_name": row.assigned_name,
            "holder_id": row.holder_id,
            "holder_name": row.holder_name,
        }
        for row in connection.execute(query)
    }


def counts(
    connection: Connection, wanted: Wanted, *, now: int
) -> tuple[dict[str, int], dict[str, int], dict[str, int]]:
    """Numbers of notes by status, by kind and by flag rule."""
    conditions = _conditions(wanted, now)

    def by(column: sa.Column[Any], source: sa.FromClause = _N) -> dict[str, int]:
        query = (
            sa.select(column, sa.func.count().label("notes"))
            .select_from(source)
            .where(*conditions, column.is_not(None))
            .group_by(column)
            .order_by(column)
        )
        return {row[0]: row[1] for row in connection.execute(query)}

    flagged = _N.join(_F, _F.c.note_id == _N.c.id)
    return by(_N.c.status), by(_N.c.kind), by(_F.c.rule_id, flagged)


def free_note(
    connection: Connection,
    wanted: Wanted,
    *,
    order: Order,
    user_id: str,
    skip: Sequence[str],
    now: int,
) -> str | None:
    """Id of the first note of the filters that a user may take: held by nobody else, assigned to nobody else.

    Runs inside a writing transaction, so that nobody takes it in between.
    """
    other = sa.exists().where(
        _L.c.note_id == _N.c.id, _L.c.track == "primary", _L.c.until > now, _L.c.user_id != user_id
    )
    query = (
        sa.select(_N.c.id)
        .where(
            *_conditions(wanted, now),
            ~other,
            sa.or_(_N.c.assigned_to.is_(None), _N.c.assigned_to == user_id),
        )
        .order_by(*_order(order))
        .limit(1)
    )
    if skip:
        query = query.where(_N.c.id.not_in(list(skip)))
    return connection.execute(query).scalar()


def open_count(connection: Connection, wanted: Wanted, *, user_id: str, now: int) -> int:
    """Notes of the filters that are free for a user or theirs."""
    other = sa.exists().where(
        _L.c.note_id == _N.c.id, _L.c.track == "primary", _L.c.until > now, _L.c.user_id != user_id
    )
    query = (
        sa.select(sa.func.count())
        .select_from(_N)
        .where(
            *_conditions(wanted, now),
            ~other,
            sa.or_(_N.c.assigned_to.is_(None), _N.c.assigned_to == user_id),
        )
    )
    return connection.execute(query).scalar_one()


def assign(connection: Connection, note_ids: Sequence[str], user_id: str | None) -> list[str]:
    """Assign notes that are not finished; ids of those that changed."""
    changed: list[str] = []
    for note_id in note_ids:
        done = connection.execute(
            _N.update()
            .where(
                _N.c.id == note_id,
                _N.c.status != "finished",
                _N.c.assigned_to.is_distinct_from(user_id),
            )
            .values(assigned_to=user_id)
        )
        if done.rowcount:
            changed.append(note_id)
    return changed
