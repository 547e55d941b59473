"""Notes with their readings and suggestions: insert and fetch."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from suggester.store import tables
from suggester.store.chain import canonical

__all__ = [
    "NewNote",
    "NoteRow",
    "ReadingRow",
    "RunRow",
    "SuggestionRow",
    "change_note",
    "known_names",
    "note",
    "note_ids",
    "of_encounter",
    "put_encounter",
    "put_note",
    "put_run",
    "reading",
    "run",
    "set_states",
    "suggestions",
]

_N, _R, _G = tables.notes, tables.readings, tables.suggestions
_IN_ONE_QUERY = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteRow:
    """A note without what is large. Times are milliseconds, days ISO text."""

    id: str
    name: str
    encounter_id: str | None
    kind: str | None
    setting: str | None
    service_date: str | None
    patient_id: str | None
    patient_sex: str | None
    patient_birth: str | None
    source: str | None
    run_id: str
    status: str
    version: int
    assigned_to: str | None
    risk: float
    lowest: float | None
    suggestions: int
    pending: int
    errors: int
    warnings: int
    characters: int
    open_queries: int
    worked_ms: int
    imported_at: int
    finished_at: int | None
    finished_by: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingRow:
    """What was read from a note; JSON as parsed."""

    text: str
    not_coded: list[Any]
    flags: list[Any]
    sections: list[Any]
    marks: list[Any]
    em: dict[str, Any] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SuggestionRow:
    """A suggestion as kept; JSON as parsed. ``state`` is where the primary track has brought it."""

    id: str
    note_id: str
    rank: int
    suggestion_id: str
    system: str
    code: str
    display: str
    chapter: str
    confidence: float
    band: int
    evidence: list[Any]
    reasons: list[str]
    flags: list[Any]
    units: int | None
    modifiers: list[Any]
    planted: bool
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """What produced suggestions."""

    id: str
    version: str
    model: str
    codesets: list[list[str]]
    config_hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NewNote:
    """Everything of a note to be kept, with the rules that flagged it (rule id to severity)."""

    row: NoteRow
    reading: ReadingRow
    suggestions: tuple[SuggestionRow, ...]
    flag_rules: Mapping[str, str]


def known_names(connection: Connection, names: Iterable[str]) -> set[str]:
    """Those of the names that notes in the store have."""
    wanted = list(names)
    known: set[str] = set()
    for start in range(0, len(wanted), _IN_ONE_QUERY):
        part = wanted[start : start + _IN_ONE_QUERY]
        known.update(connection.execute(sa.select(_N.c.name).where(_N.c.name.in_(part))).scalars())
    return known


def put_run(connection: Connection, row: RunRow, *, now: int) -> None:
    """Keep a run, once."""
    runs = tables.runs
    if connection.execute(sa.select(runs.c.id).where(runs.c.id == row.id)).first() is None:
        connection.execute(
            runs.insert().values(
                id=row.id,
                version=row.version,
                model=row.model,
                codesets=canonical(row.codesets),
                config_hash=row.config_hash,
                started_at=now,
            )
        )


def run(connection: Connection, run_id: str) -> RunRow:
    """A run that a note names."""
    runs = tables.runs
    row = connection.execute(sa.select(runs).where(runs.c.id == run_id)).one()
    return RunRow(
        id=row.id,
        version=row.version,
        model=row.model,
        codesets=json.loads(row.codesets),
        config_hash=row.config_hash,
    )


def put_encounter(connection: Connection, row: NoteRow) -> None:
    """Keep the encounter that a note names, or widen its days by the note's."""
    table = tables.encounters
    found = connection.execute(sa.select(table).where(table.c.id == row.encounter_id)).first()
    day = row.service_date
    if found is None:
        connection.execute(
            table.insert().values(
                id=row.encounter_id,
                patient_id=row.patient_id,
                setting=row.setting,
                service_from=day,
                service_to=day,
            )
        )
        return
    days = [d for d in (found.service_from, found.service_to, day) if d is not None]
    connection.execute(
        table.update()
        .where(table.c.id == row.encounter_id)
        .values(
            patient_id=found.patient_id or row.patient_id,
            setting=found.setting or row.setting,
            service_from=min(days, default=None),
            service_to=max(days, default=None),
        )
    )


def put_note(connection: Connection, new: NewNote) -> None:
    """Keep a note with all that belongs to it; its run is there already."""
    if new.row.encounter_id is not None:
        put_encounter(connection, new.row)
    connection.execute(_N.insert().values(**_values(new.row)))
    reading = new.reading
    connection.execute(
        _R.insert().values(
            note_id=new.row.id,
            text=reading.text,
            not_coded=canonical(reading.not_coded),
            flags=canonical(reading.flags),
            sections=canonical(reading.sections),
            marks=canonical(reading.marks),
            em=None if reading.em is None else canonical(reading.em),
        )
    )
    if new.suggestions:
        connection.execute(
            _G.insert(),
            [
                _values(row)
                | {
                    name: canonical(getattr(row, name))
                    for name in ("evidence", "reasons", "flags", "modifiers")
                }
                for row in new.suggestions
            ],
        )
    if new.flag_rules:
        connection.execute(
            tables.note_flags.insert(),
            [
                {"note_id": new.row.id, "rule_id": rule, "severity": severity}
                for rule, severity in sorted(new.flag_rules.items())
            ],
        )


def _values(row: NoteRow | SuggestionRow) -> dict[str, Any]:
    return {name: getattr(row, name) for name in type(row).__slots__}


def note(connection: Connection, note_id: str) -> NoteRow | None:
    """A note by id."""
    row = connection.execute(sa.select(_N).where(_N.c.id == note_id)).first()
    return None if row is None else note_row(row)


def note_row(row: Any) -> NoteRow:
    """A note out of a row that holds all its columns."""
    return NoteRow(**{name: getattr(row, name) for name in NoteRow.__slots__})


def note_ids(connection: Connection, *, status: str, after: str = "", limit: int = 500) -> list[str]:
    """Ids of notes of a status in order of id, after one."""
    query = sa.select(_N.c.id).where(_N.c.status == status, _N.c.id > after).order_by(_N.c.id).limit(limit)
    return list(connection.execute(query).scalars())


def of_encounter(connection: Connection, encounter_id: str) -> list[NoteRow]:
    """Notes of an encounter, by service date and name."""
    query = sa.select(_N).where(_N.c.encounter_id == encounter_id).order_by(_N.c.service_date, _N.c.name)
    return [note_row(row) for row in connection.execute(query)]


def change_note(connection: Connection, note_id: str, **values: object) -> None:
    """Change columns of a note."""
    connection.execute(_N.update().where(_N.c.id == note_id).values(**values))


def reading(connection: Connection, note_id: str) -> ReadingRow:
    """What was read from a note that is there."""
    row = connection.execute(sa.select(_R).where(_R.c.note_id == note_id)).one()
    return ReadingRow(
        text=row.text,
        not_coded=json.loads(row.not_coded),
        flags=json.loads(row.flags),
        sections=json.loads(row.sections),
        marks=json.loads(row.marks),
        em=None if row.em is None else json.loads(row.em),
    )


def suggestions(connection: Connection, note_id: str) -> tuple[SuggestionRow, ...]:
    """Suggestions of a note by rank."""
    rows = connection.execute(sa.select(_G).where(_G.c.note_id == note_id).order_by(_G.c.rank))
    return tuple(
        SuggestionRow(
            **{name: getattr(row, name) for name in SuggestionRow.__slots__}
            | {name: json.loads(getattr(row, name)) for name in ("evidence", "reasons", "flags", "modifiers")}
        )
        for row in rows
    )


def set_states(connection: Connection, states: Mapping[str, str]) -> None:
    """Keep where decisions have brought suggestions (id to state)."""
    for row_id, state in sorted(states.items()):
        connection.execute(_G.update().where(_G.c.id == row_id).values(state=state))
