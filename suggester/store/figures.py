"""Figures of finished work, counted in SQL."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy import Connection

from suggester.store import tables

__all__ = [
    "BandRow",
    "CodeRow",
    "ReplacedRow",
    "added",
    "bands",
    "open_notes",
    "rejected",
    "replaced",
]

_N, _G, _C = tables.notes, tables.suggestions, tables.final_codes


@dataclass(frozen=True, slots=True, kw_only=True)
class BandRow:
    """Suggestions of one system, chapter, step of confidence and state. ``total`` sums the confidences."""

    system: str
    chapter: str
    band: int
    state: str
    count: int
    total: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeRow:
    """How often a code."""

    system: str
    code: str
    display: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplacedRow:
    """How often one code was put in place of another."""

    system: str
    code: str
    display: str
    other: str
    count: int


def _finished(since: int, until: int) -> sa.ColumnElement[bool]:
    return sa.and_(_N.c.status == "finished", _N.c.finished_at >= since, _N.c.finished_at < until)


def bands(connection: Connection, *, since: int, until: int) -> list[BandRow]:
    """Decided suggestions of notes finished in ``[since, until)``, without planted ones."""
    query = (
        sa.select(
            _G.c.system,
            _G.c.chapter,
            _G.c.band,
            _G.c.state,
            sa.func.count().label("number"),
            sa.func.sum(_G.c.confidence).label("total"),
        )
        .join_from(_G, _N, _N.c.id == _G.c.note_id)
        .where(_finished(since, until), _G.c.state != "pending", ~_G.c.planted)
        .group_by(_G.c.system, _G.c.chapter, _G.c.band, _G.c.state)
        .order_by(_G.c.system, _G.c.chapter, _G.c.band, _G.c.state)
    )
    return [
        BandRow(
            system=row.system,
            chapter=row.chapter,
            band=row.band,
            state=row.state,
            count=row.number,
            total=row.total,
        )
        for row in connection.execute(query)
    ]


def rejected(connection: Connection, *, since: int, until: int, most: int) -> list[CodeRow]:
    """Codes rejected most in notes finished in ``[since, until)``, without planted ones."""
    number = sa.func.count().label("number")
    query = (
        sa.select(_G.c.system, _G.c.code, sa.func.min(_G.c.display).label("display"), number)
        .join_from(_G, _N, _N.c.id == _G.c.note_id)
        .where(_finished(since, until), _G.c.state == "rejected", ~_G.c.planted)
        .group_by(_G.c.system, _G.c.code)
        .order_by(number.desc(), _G.c.system, _G.c.code)
        .limit(most)
    )
    return [
        CodeRow(system=row.system, code=row.code, display=row.display, count=row.number)
        for row in connection.execute(query)
    ]


def added(connection: Connection, *, since: int, until: int, most: int) -> list[CodeRow]:
    """Codes that were not suggested and that people added most in notes finished in ``[since, until)``."""
    number = sa.func.count().label("number")
    suggested = sa.exists().where(_G.c.id == _C.c.row_id)
    query = (
        sa.select(_C.c.system, _C.c.code, sa.func.min(_C.c.display).label("display"), number)
        .join_from(_C, _N, _N.c.id == _C.c.note_id)
        .where(_finished(since, until), _C.c.track == "primary", ~suggested)
        .group_by(_C.c.system, _C.c.code)
        .order_by(number.desc(), _C.c.system, _C.c.code)
        .limit(most)
    )
    return [
        CodeRow(system=row.system, code=row.code, display=row.display, count=row.number)
        for row in connection.execute(query)
    ]


def replaced(connection: Connection, *, since: int, until: int, most: int) -> list[ReplacedRow]:
    """Codes replaced most by which other in notes finished in ``[since, until)``."""
    number = sa.func.count().label("number")
    query = (
        sa.select(
            _G.c.system,
            _G.c.code,
            sa.func.min(_G.c.display).label("display"),
            _C.c.code.label("other"),
            number,
        )
        .select_from(_G.join(_N, _N.c.id == _G.c.note_id).join(_C, _C.c.row_id == _G.c.id))
        .where(_finished(since, until), _G.c.state == "replaced", _C.c.track == "primary", ~_G.c.planted)
        .group_by(_G.c.system, _G.c.code, _C.c.code)
        .order_by(number.desc(), _G.c.system, _G.c.code, _C.c.code)
        .limit(most)
    )
    return [
        ReplacedRow(system=row.system, code=row.code, display=row.display, other=row.other, count=row.number)
        for row in connection.execute(query)
    ]


def open_notes(connection: Connection) -> int:
    """Notes that are not finished."""
    query = sa.select(sa.func.count()).select_from(_N).where(_N.c.status != "finished")
    return connection.execute(query).scalar_one()
