"""A note as the review page shows it."""

from __future__ import annotations

from suggester.review.base import at
from suggester.review.keeping import KeepPart, Loaded, note_of
from suggester.review.machine import NoteNow, RowNow, undoable
from suggester.review.records import (
    evidence_from,
    flags_from,
    marks_from,
    modifiers_from,
    not_coded_from,
    sections_from,
)
from suggester.review.types import (
    Actor,
    CodeRef,
    FinalCode,
    Lease,
    NoteView,
    PhysicianQuery,
    Row,
)
from suggester.store import decisions, leases, notes, queries
from suggester.store.database import Connection
from suggester.store.decisions import DecisionRow, OverrideRow
from suggester.store.notes import ReadingRow, RunRow
from suggester.store.queries import QueryRow
from suggester.types import SYSTEMS, Assertion, Evidence, Override, Run, Span, System

__all__ = ["ViewPart", "override_of", "query_of", "run_of", "system_of"]


def system_of(value: str) -> System:
    """A code system by its name, which the store keeps."""
    return next(system for system in SYSTEMS if system == value)


def run_of(row: RunRow) -> Run:
    """What produced a note's suggestions."""
    return Run(
        version=row.version,
        model=row.model,
        codesets=tuple((system_of(system), release) for system, release in row.codesets),
        config_hash=row.config_hash,
    )


def query_of(row: QueryRow) -> PhysicianQuery:
    """A question as it is shown."""
    return PhysicianQuery(
        id=row.id,
        note_id=row.note_id,
        row_id=row.row_id,
        kind=row.kind,  # type: ignore[arg-type]  # kept by us
        text=row.text,
        status=row.status,  # type: ignore[arg-type]
        answer=row.answer,
        asked_by=row.display_name,
        asked_at=at(row.at),
        closed_at=None if row.closed_at is None else at(row.closed_at),
    )


def override_of(row: OverrideRow) -> Override:
    """A flag that was set aside."""
    return Override(
        rule_id=row.rule_id,
        codes=tuple(row.codes),
        reason=row.reason,
        by=row.display_name,
        at=at(row.at),
    )


def _section_at(reading: ReadingRow, span: Span) -> str:
    for kind, _, start, end in reading.sections:
        if start <= span.start < end:
            return str(kind)
    return "header"


class ViewPart(KeepPart):
    """A note as the review page shows it."""

    def _view(self, connection: Connection, actor: Actor, note_id: str, track: str, *, now: int) -> NoteView:
        loaded = self._loaded(connection, note_id, track)
        reading = notes.reading(connection, note_id)
        state = loaded.now()
        held = leases.held(connection, note_id, track)
        lease = None
        if held is not None and held.user_id == actor.user_id and held.until > now:
            lease = Lease(note_id=note_id, track=track, user_id=actor.user_id, until=at(held.until))
        return NoteView(
            id=note_id,
            note=note_of(loaded.note, reading.text),
            status=state.status,
            track=track,
            version=loaded.version,
            rows=self._rows(loaded, state, reading),
            codes=self._codes(
                loaded, state, without=loaded.planted if state.status == "finished" else frozenset()
            ),
            not_coded=not_coded_from(reading.not_coded),
            flags=flags_from(reading.flags),
            overrides=tuple(override_of(row) for row in decisions.overrides(connection, note_id, track)),
            sections=sections_from(reading.sections),
            marks=marks_from(reading.marks),
            queries=tuple(query_of(row) for row in queries.of_note(connection, note_id)),
            run=run_of(notes.run(connection, loaded.note.run_id)),
            em=reading.em,
            lease=lease,
            can_undo=bool(undoable(loaded.steps, actor.user_id)),
            imported_at=at(loaded.note.imported_at),
        )

    def _rows(self, loaded: Loaded, state: NoteNow, reading: ReadingRow) -> tuple[Row, ...]:
        """Suggestions by rank, then added codes in the order added."""
        decided = {row.id: row for row in loaded.kept}
        places = {row_id: place for place, row_id in enumerate(state.order, 1)}
        rows: list[Row] = []
        for source in loaded.suggestions:
            now = state.rows[source.id]
            replacement = None
            if now.state == "replaced":
                replacement = CodeRef(system=now.system, code=now.code, display=now.display)
            rows.append(
                Row(
                    id=source.id,
                    system=system_of(source.system),
                    code=source.code,
                    display=source.display,
                    confidence=source.confidence,
                    rank=source.rank,
                    added=False,
                    state=now.state,
                    replacement=replacement,
                    reason=now.reason,
                    evidence=evidence_from(source.evidence),
                    reasons=tuple(source.reasons),
                    flags=flags_from(source.flags),
                    modifiers=modifiers_from(source.modifiers),
                    units=source.units,
                    position=places.get(source.id),
                    decision_id=now.decided.id if now.decided else None,
                    decided_by=decided[now.decided.id].display_name if now.decided else None,
                    decided_at=at(decided[now.decided.id].at) if now.decided else None,
                )
            )
        rank = len(rows)
        for now in state.rows.values():
            if now.added:
                rank += 1
                rows.append(self._added(now, decided, reading, rank, places.get(now.id)))
        return tuple(rows)

    @staticmethod
    def _added(
        now: RowNow,
        decided: dict[str, DecisionRow],
        reading: ReadingRow,
        rank: int,
        position: int | None,
    ) -> Row:
        evidence: tuple[Evidence, ...] = ()
        if now.span is not None:
            evidence = (
                Evidence(
                    span=now.span,
                    quote=reading.text[now.span.start : now.span.end],
                    section=_section_at(reading, now.span),
                    assertion=Assertion(),
                ),
            )
        return Row(
            id=now.id,
            system=now.system,
            code=now.code,
            display=now.display,
            confidence=None,
            rank=rank,
            added=True,
            state=now.state,
            replacement=None,
            reason=now.reason,
            evidence=evidence,
            reasons=(),
            flags=(),
            modifiers=(),
            units=None,
            position=position,
            decision_id=now.decided.id if now.decided else None,
            decided_by=decided[now.decided.id].display_name if now.decided else None,
            decided_at=at(decided[now.decided.id].at) if now.decided else None,
        )

    @staticmethod
    def _codes(
        loaded: Loaded, state: NoteNow, *, without: frozenset[str] = frozenset()
    ) -> tuple[FinalCode, ...]:
        """The summary in order, ``without`` some rows."""
        sources = {row.id: row for row in loaded.suggestions}
        names = {row.id: row.display_name for row in loaded.kept}
        codes: list[FinalCode] = []
        for now in state.codes:
            if now.id in without or now.decided is None:
                continue
            spans: tuple[Span, ...] = ()
            if now.span is not None:
                spans = (now.span,)
            elif now.id in sources:
                spans = tuple(item.span for item in evidence_from(sources[now.id].evidence))
            source = sources.get(now.id) if now.state == "accepted" else None
            codes.append(
                FinalCode(
                    position=len(codes) + 1,
                    system=now.system,
                    code=now.code,
                    display=now.display,
                    row_id=now.id,
                    decision_id=now.decided.id,
                    reviewer=names[now.decided.id],
                    evidence=spans,
                    modifiers=tuple(item["modifier"] for item in source.modifiers) if source else (),
                    units=source.units if source else None,
                )
            )
        return tuple(codes)
