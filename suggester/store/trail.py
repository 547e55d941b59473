"""The audit trail in the database: append, read, verify."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy import Connection

from suggester.store import tables
from suggester.store.chain import START, Entry, canonical, mac_of, mac_of_text, mac_of_values, sealed
from suggester.store.keyfiles import Anchors

__all__ = ["Fault", "Report", "append", "decision_mac", "entries", "head", "verify", "verify_tail"]

FaultKind = Literal["edited", "deleted", "reordered", "cut", "decision", "note", "anchor"]

_MOST_FAULTS = 100
_A = tables.audit
_D = tables.decisions
_DECISION_COLUMNS = tuple(column.name for column in _D.columns)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Where the trail is broken. ``seq`` is the first entry concerned."""

    seq: int
    kind: FaultKind
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a verification looked at and what it found, in order of place; at most the first 100 faults."""

    entries: int
    decisions: int
    notes: int
    anchors: int
    faults: tuple[Fault, ...]


def _entry(row: Any) -> Entry:
    return Entry(
        seq=row.seq,
        at=row.at,
        actor=row.actor,
        action=row.action,
        subject=row.subject,
        detail=row.detail,
        prev=row.prev,
        mac=row.mac,
    )


def head(connection: Connection) -> Entry | None:
    """The last entry, None for an empty trail."""
    row = connection.execute(sa.select(_A).order_by(_A.c.seq.desc()).limit(1)).first()
    return None if row is None else _entry(row)


def append(
    connection: Connection,
    key: bytes,
    previous: Entry | None,
    *,
    at: int,
    actor: str,
    action: str,
    subject: str,
    detail: Mapping[str, object],
) -> Entry:
    """Add an entry after ``previous``, the head as this writing transaction sees it."""
    entry = sealed(
        key, previous, at=at, actor=actor, action=action, subject=subject, detail=canonical(detail)
    )
    connection.execute(
        _A.insert().values(
            seq=entry.seq,
            at=entry.at,
            actor=entry.actor,
            action=entry.action,
            subject=entry.subject,
            detail=entry.detail,
            prev=entry.prev,
            mac=entry.mac,
        )
    )
    return entry


def entries(connection: Connection, *, after: int = 0, limit: int | None = None) -> Iterator[Entry]:
    """Entries in order, after a sequence number."""
    query = sa.select(_A).where(_A.c.seq > after).order_by(_A.c.seq)
    if limit is not None:
        query = query.limit(limit)
    with connection.execute(query.execution_options(yield_per=1000)) as rows:
        for row in rows:
            yield _entry(row)


def decision_mac(key: bytes, values: Mapping[str, object]) -> str:
    """The keyed hash by which the trail holds a decision: over all its columns."""
    return mac_of_values(key, {name: values.get(name) for name in _DECISION_COLUMNS})


def verify_tail(connection: Connection, key: bytes, *, after: int) -> bool:
    """Whether the entries from ``after`` (included, where there is one) to the head hang together."""
    previous: Entry | None = None
    for entry in entries(connection, after=max(after - 1, 0)):
        if mac_of(key, entry) != entry.mac:
            return False
        if previous is None:
            if entry.seq == 1 and entry.prev != START:
                return False
        elif entry.seq != previous.seq + 1 or entry.prev != previous.mac:
            return False
        previous = entry
    return True


def verify(connection: Connection, key: bytes, anchored: Mapping[int, str]) -> Report:
    """Check every entry, every anchor (sequence number to mac), every decision and the text of every note.

    Finds any single edit, removal, exchange of places and cut end of the trail, and any decision or note text
    that was changed, removed or slipped in past the trail.
    """
    faults: list[Fault] = []
    count, last = _verify_chain(connection, key, anchored, faults)
    highest = max(anchored, default=0)
    if highest > last:
        faults.append(
            Fault(seq=last + 1, kind="cut", message=f"the end is cut off: entries {last + 1} to {highest}")
        )
    decisions = _verify_decisions(connection, key, faults)
    notes = _verify_notes(connection, key, faults)
    faults.sort(key=lambda fault: fault.seq)
    return Report(
        entries=count,
        decisions=decisions,
        notes=notes,
        anchors=len(anchored),
        faults=tuple(faults[:_MOST_FAULTS]),
    )


def _verify_chain(
    connection: Connection, key: bytes, anchored: Mapping[int, str], faults: list[Fault]
) -> tuple[int, int]:
    """Number of entries and the last sequence number; faults are added to the list."""
    wrong: list[Entry] = []
    count = last = 0
    mac, sound = START, True
    for entry in entries(connection):
        count += 1
        gap = entry.seq != last + 1
        if gap:
            where = f"entry {last + 1}" if entry.seq == last + 2 else f"entries {last + 1} to {entry.seq - 1}"
            faults.append(Fault(seq=last + 1, kind="deleted", message=f"missing: {where}"))
        fits = mac_of(key, entry) == entry.mac
        if not fits:
            wrong.append(entry)
        elif sound and not gap and entry.prev != mac:
            faults.append(
                Fault(seq=last, kind="edited", message=f"entry {last} is not what entry {entry.seq} follows")
            )
        if fits and entry.seq in anchored and not Anchors.fits(entry.mac, anchored[entry.seq]):
            faults.append(
                Fault(seq=entry.seq, kind="anchor", message=f"entry {entry.seq} is not the anchored one")
            )
        last, mac, sound = entry.seq, entry.mac, fits
    places = [entry.seq for entry in wrong[:_MOST_FAULTS]]
    for entry in wrong[:_MOST_FAULTS]:
        home = next((p for p in places if mac_of(key, replace(entry, seq=p)) == entry.mac), None)
        if home is None:
            faults.append(Fault(seq=entry.seq, kind="edited", message=f"entry {entry.seq} was changed"))
        else:
            faults.append(
                Fault(seq=entry.seq, kind="reordered", message=f"at {entry.seq} stands what was entry {home}")
            )
    return count, last


def _verify_decisions(connection: Connection, key: bytes, faults: list[Fault]) -> int:
    query = (
        sa.select(_D, _A.c.seq.label("seq"), _A.c.detail.label("audit_detail"))
        .select_from(_D.outerjoin(_A, sa.and_(_A.c.subject == _D.c.id, _A.c.action == "decision")))
        .order_by(_A.c.seq)
    )
    count = 0
    for row in connection.execute(query.execution_options(yield_per=1000)):
        count += 1
        if row.seq is None:
            faults.append(Fault(seq=0, kind="decision", message=f"decision {row.id} is not in the trail"))
        elif (
            canonical({"mac": decision_mac(key, {n: getattr(row, n) for n in _DECISION_COLUMNS})})
            != row.audit_detail
        ):
            faults.append(Fault(seq=row.seq, kind="decision", message=f"decision {row.id} was changed"))
    lost = (
        sa.select(_A.c.seq, _A.c.subject)
        .where(_A.c.action == "decision", ~sa.exists().where(_D.c.id == _A.c.subject))
        .order_by(_A.c.seq)
        .limit(_MOST_FAULTS)
    )
    for row in connection.execute(lost):
        faults.append(Fault(seq=row.seq, kind="decision", message=f"decision {row.subject} is missing"))
    return count


def _verify_notes(connection: Connection, key: bytes, faults: list[Fault]) -> int:
    texts = tables.readings
    query = (
        sa.select(_A.c.seq, _A.c.subject, _A.c.detail, texts.c.text)
        .select_from(_A.outerjoin(texts, texts.c.note_id == _A.c.subject))
        .where(_A.c.action == "note.import")
        .order_by(_A.c.seq)
    )
    count = 0
    for row in connection.execute(query.execution_options(yield_per=200)):
        count += 1
        if row.text is None:
            faults.append(Fault(seq=row.seq, kind="note", message=f"note {row.subject} is missing"))
        elif f'"text":"{mac_of_text(key, row.text)}"' not in row.detail:
            faults.append(
                Fault(seq=row.seq, kind="note", message=f"the text of note {row.subject} was changed")
            )
    return count
