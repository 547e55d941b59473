"""Decisions and what they lead to: coding summaries, finishes, overrides."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from suggester.store import tables
from suggester.store.chain import canonical

__all__ = [
    "DecisionRow",
    "FinalRow",
    "FinishRow",
    "OverrideRow",
    "add_finish",
    "by_ids",
    "finals",
    "finishes",
    "of_note",
    "overrides",
    "put_finals",
    "put_overrides",
    "recent_codes",
]

_D, _C, _U, _O, _X = (
    tables.decisions,
    tables.final_codes,
    tables.users,
    tables.overrides,
    tables.finishes,
)
_IN_ONE_QUERY = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionRow:
    """A decision as kept. ``detail`` is parsed JSON; ``display_name`` is the reviewer's."""

    id: str
    note_id: str
    track: str
    version: int
    action: str
    row_id: str | None
    suggestion_id: str | None
    system: str | None
    code: str | None
    display: str | None
    replacement: str | None
    reason: str | None
    span_start: int | None
    span_end: int | None
    position: int | None
    target: str | None
    user_id: str
    client: str
    at: int
    detail: dict[str, Any]
    display_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FinalRow:
    """A code of a coding summary. ``evidence`` is a list of ``[start, end]``."""

    note_id: str
    track: str
    position: int
    system: str
    code: str
    display: str
    row_id: str
    decision_id: str
    user_id: str
    evidence: list[list[int]]
    modifiers: list[str]
    units: int | None
    display_name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OverrideRow:
    """A flag that was set aside."""

    id: str
    note_id: str
    track: str
    rule_id: str
    codes: list[str]
    reason: str
    user_id: str
    at: int
    display_name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishRow:
    """That a note was finished: when, by whom, after how many milliseconds of work, with how many codes."""

    note_id: str
    track: str
    user_id: str
    at: int
    worked_ms: int
    codes: int
    planted: int
    caught: int
    display_name: str = ""


def _decision(row: Any) -> DecisionRow:
    return DecisionRow(
        **{name: getattr(row, name) for name in DecisionRow.__slots__} | {"detail": json.loads(row.detail)}
    )


def _with_names() -> sa.Select[Any]:
    return sa.select(_D, _U.c.display_name).join_from(_D, _U, _D.c.user_id == _U.c.id)


def of_note(connection: Connection, note_id: str, track: str) -> list[DecisionRow]:
    """Decisions on a note in order."""
    query = _with_names().where(_D.c.note_id == note_id, _D.c.track == track).order_by(_D.c.version)
    return [_decision(row) for row in connection.execute(query)]


def by_ids(connection: Connection, ids: Sequence[str]) -> dict[str, DecisionRow]:
    """Those of the decisions that are kept already."""
    found: dict[str, DecisionRow] = {}
    for start in range(0, len(ids), _IN_ONE_QUERY):
        part = ids[start : start + _IN_ONE_QUERY]
        for row in connection.execute(_with_names().where(_D.c.id.in_(part))):
            found[row.id] = _decision(row)
    return found


def recent_codes(connection: Connection, user_id: str, *, limit: int) -> list[tuple[str, str]]:
    """System and code that a user chose last (accepted, added or put in place of another), newest first."""
    code = sa.func.coalesce(_D.c.replacement, _D.c.code)
    query = (
        sa.select(_D.c.system, code.label("chosen"), sa.func.max(_D.c.at).label("latest"))
        .where(
            _D.c.user_id == user_id,
            _D.c.action.in_(("accept", "add", "replace")),
            _D.c.code.is_not(None),
        )
        .group_by(_D.c.system, code)
        .order_by(sa.desc("latest"), _D.c.system, code)
        .limit(limit)
    )
    return [(row.system, row.chosen) for row in connection.execute(query)]


def put_finals(connection: Connection, note_id: str, track: str, rows: Sequence[FinalRow]) -> None:
    """Keep the coding summary in place of the one before."""
    connection.execute(_C.delete().where(_C.c.note_id == note_id, _C.c.track == track))
    if rows:
        connection.execute(
            _C.insert(),
            [
                {name: getattr(row, name) for name in FinalRow.__slots__ if name != "display_name"}
                | {"evidence": canonical(row.evidence), "modifiers": canonical(row.modifiers)}
                for row in rows
            ],
        )


def finals(connection: Connection, note_ids: Sequence[str], track: str) -> dict[str, list[FinalRow]]:
    """Coding summaries of notes, each in order; notes without one are left out."""
    found: dict[str, list[FinalRow]] = {}
    for start in range(0, len(note_ids), _IN_ONE_QUERY):
        part = note_ids[start : start + _IN_ONE_QUERY]
        query = (
            sa.select(_C, _U.c.display_name)
            .join_from(_C, _U, _C.c.user_id == _U.c.id)
            .where(_C.c.note_id.in_(part), _C.c.track == track)
            .order_by(_C.c.note_id, _C.c.position)
        )
        for row in connection.execute(query):
            values = {name: getattr(row, name) for name in FinalRow.__slots__}
            found.setdefault(row.note_id, []).append(
                FinalRow(
                    **values | {"evidence": json.loads(row.evidence), "modifiers": json.loads(row.modifiers)}
                )
            )
    return found


def add_finish(connection: Connection, row: FinishRow) -> None:
    """Keep that a note was finished."""
    connection.execute(
        _X.insert().values(
            **{name: getattr(row, name) for name in FinishRow.__slots__ if name != "display_name"}
        )
    )


def finishes(
    connection: Connection, *, since: int, until: int, user_id: str | None = None, limit: int | None = None
) -> list[FinishRow]:
    """Finishes of the primary track in ``[since, until)``, newest first."""
    query = (
        sa.select(_X, _U.c.display_name)
        .join_from(_X, _U, _X.c.user_id == _U.c.id)
        .where(_X.c.track == "primary", _X.c.at >= since, _X.c.at < until)
        .order_by(_X.c.at.desc(), _X.c.id.desc())
    )
    if user_id is not None:
        query = query.where(_X.c.user_id == user_id)
    if limit is not None:
        query = query.limit(limit)
    return [
        FinishRow(**{name: getattr(row, name) for name in FinishRow.__slots__})
        for row in connection.execute(query)
    ]


def put_overrides(connection: Connection, note_id: str, track: str, rows: Sequence[OverrideRow]) -> None:
    """Keep the overrides of a note in place of those before."""
    connection.execute(_O.delete().where(_O.c.note_id == note_id, _O.c.track == track))
    if rows:
        connection.execute(
            _O.insert(),
            [
                {name: getattr(row, name) for name in OverrideRow.__slots__ if name != "display_name"}
                | {"codes": canonical(row.codes)}
                for row in rows
            ],
        )


def overrides(connection: Connection, note_id: str, track: str) -> list[OverrideRow]:
    """Overrides of a note by rule."""
    query = (
        sa.select(_O, _U.c.display_name)
        .join_from(_O, _U, _O.c.user_id == _U.c.id)
        .where(_O.c.note_id == note_id, _O.c.track == track)
        .order_by(_O.c.rule_id, _O.c.id)
    )
    return [
        OverrideRow(
            **{name: getattr(row, name) for name in OverrideRow.__slots__} | {"codes": json.loads(row.codes)}
        )
        for row in connection.execute(query)
    ]
