"""Samples of finished notes for a second, blind coding."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from suggester.store import tables
from suggester.store.chain import canonical

__all__ = ["ItemRow", "SampleRow", "finished", "items", "mark_done", "put", "sample", "samples", "waiting"]

_S, _I, _N, _U = tables.samples, tables.sample_items, tables.notes, tables.users


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleRow:
    """A drawn sample."""

    id: str
    user_id: str
    at: int
    population: int
    confidence: float
    margin: float
    expected_rate: float
    size: int
    coder_id: str | None
    since: str | None
    until: str | None
    display_name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemRow:
    """A sampled note. ``first_codes`` is ``[[system, code, display], …]`` in order, as it was when drawn."""

    sample_id: str
    note_id: str
    place: int
    coder_id: str
    first_codes: list[list[str]]
    done_at: int | None
    note_name: str = ""
    coder_name: str = ""


def finished(
    connection: Connection, *, coder_id: str | None, since: int | None, until: int | None
) -> list[tuple[str, str]]:
    """Id and coder of every finished note, by id; finished in ``[since, until)``."""
    query = sa.select(_N.c.id, _N.c.finished_by).where(_N.c.status == "finished").order_by(_N.c.id)
    if coder_id is not None:
        query = query.where(_N.c.finished_by == coder_id)
    if since is not None:
        query = query.where(_N.c.finished_at >= since)
    if until is not None:
        query = query.where(_N.c.finished_at < until)
    return [(row.id, row.finished_by) for row in connection.execute(query)]


def put(connection: Connection, row: SampleRow, rows: Sequence[ItemRow]) -> None:
    """Keep a sample with its notes."""
    connection.execute(
        _S.insert().values(
            **{name: getattr(row, name) for name in SampleRow.__slots__ if name != "display_name"}
        )
    )
    if rows:
        connection.execute(
            _I.insert(),
            [
                {
                    "sample_id": item.sample_id,
                    "note_id": item.note_id,
                    "place": item.place,
                    "coder_id": item.coder_id,
                    "first_codes": canonical(item.first_codes),
                    "done_at": item.done_at,
                }
                for item in rows
            ],
        )


def _sample(row: Any) -> SampleRow:
    return SampleRow(**{name: getattr(row, name) for name in SampleRow.__slots__})


def samples(connection: Connection) -> list[SampleRow]:
    """All samples, newest first."""
    query = (
        sa.select(_S, _U.c.display_name)
        .join_from(_S, _U, _S.c.user_id == _U.c.id)
        .order_by(_S.c.at.desc(), _S.c.id)
    )
    return [_sample(row) for row in connection.execute(query)]


def sample(connection: Connection, sample_id: str) -> SampleRow | None:
    """One sample."""
    query = (
        sa.select(_S, _U.c.display_name)
        .join_from(_S, _U, _S.c.user_id == _U.c.id)
        .where(_S.c.id == sample_id)
    )
    row = connection.execute(query).first()
    return None if row is None else _sample(row)


def items(connection: Connection, sample_id: str) -> list[ItemRow]:
    """Notes of a sample in the order drawn."""
    query = (
        sa.select(_I, _N.c.name.label("note_name"), _U.c.display_name.label("coder_name"))
        .select_from(_I.join(_N, _N.c.id == _I.c.note_id).join(_U, _U.c.id == _I.c.coder_id))
        .where(_I.c.sample_id == sample_id)
        .order_by(_I.c.place)
    )
    return [
        ItemRow(
            sample_id=row.sample_id,
            note_id=row.note_id,
            place=row.place,
            coder_id=row.coder_id,
            first_codes=json.loads(row.first_codes),
            done_at=row.done_at,
            note_name=row.note_name,
            coder_name=row.coder_name,
        )
        for row in connection.execute(query)
    ]


def mark_done(connection: Connection, sample_id: str, note_id: str, now: int) -> None:
    """Note that a sampled note was coded a second time."""
    connection.execute(
        _I.update().where(_I.c.sample_id == sample_id, _I.c.note_id == note_id).values(done_at=now)
    )


def waiting(connection: Connection, note_id: str) -> bool:
    """Whether a note is in a sample and was not coded a second time yet."""
    query = sa.select(_I.c.note_id).where(_I.c.note_id == note_id, _I.c.done_at.is_(None)).limit(1)
    return connection.execute(query).first() is not None
