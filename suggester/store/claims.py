"""Claim drafts of encounters as JSON, and what was exported."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from suggester.store import tables
from suggester.store.chain import canonical

__all__ = ["ClaimRow", "ExportRow", "add_export", "claim", "encounter_exists", "encounters", "exports", "put"]

_C, _X, _E, _U = tables.claims, tables.exports, tables.encounters, tables.users


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimRow:
    """A saved draft; ``record`` is parsed JSON."""

    encounter_id: str
    version: int
    record: dict[str, Any]
    user_id: str
    at: int
    display_name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportRow:
    """One export of a claim."""

    encounter_id: str
    format: str
    sha256: str
    user_id: str
    at: int
    display_name: str = ""


def encounters(connection: Connection, *, since: str | None, until: str | None) -> list[str]:
    """Ids of encounters whose days overlap ``[since, until]``, sorted."""
    query = sa.select(_E.c.id).order_by(_E.c.id)
    if since is not None:
        query = query.where(_E.c.service_to >= since)
    if until is not None:
        query = query.where(_E.c.service_from <= until)
    return list(connection.execute(query).scalars())


def encounter_exists(connection: Connection, encounter_id: str) -> bool:
    """Whether any note belongs to an encounter of this id."""
    return connection.execute(sa.select(_E.c.id).where(_E.c.id == encounter_id)).first() is not None


def claim(connection: Connection, encounter_id: str) -> ClaimRow | None:
    """The saved draft of an encounter."""
    query = (
        sa.select(_C, _U.c.display_name)
        .join_from(_C, _U, _C.c.user_id == _U.c.id)
        .where(_C.c.encounter_id == encounter_id)
    )
    row = connection.execute(query).first()
    if row is None:
        return None
    return ClaimRow(
        **{name: getattr(row, name) for name in ClaimRow.__slots__} | {"record": json.loads(row.record)}
    )


def put(connection: Connection, row: ClaimRow) -> None:
    """Keep a draft in place of the one before."""
    connection.execute(_C.delete().where(_C.c.encounter_id == row.encounter_id))
    connection.execute(
        _C.insert().values(
            encounter_id=row.encounter_id,
            version=row.version,
            record=canonical(row.record),
            user_id=row.user_id,
            at=row.at,
        )
    )


def exports(connection: Connection, encounter_id: str) -> list[ExportRow]:
    """Exports of an encounter, oldest first."""
    query = (
        sa.select(_X, _U.c.display_name)
        .join_from(_X, _U, _X.c.user_id == _U.c.id)
        .where(_X.c.encounter_id == encounter_id)
        .order_by(_X.c.at, _X.c.format, _X.c.sha256)
    )
    return [
        ExportRow(**{name: getattr(row, name) for name in ExportRow.__slots__})
        for row in connection.execute(query)
    ]


def add_export(connection: Connection, row: ExportRow) -> None:
    """Keep that a claim was exported."""
    connection.execute(
        _X.insert().values(
            **{name: getattr(row, name) for name in ExportRow.__slots__ if name != "display_name"}
        )
    )
