"""Loading what was decided on a note, and keeping one more step of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from typing import Any

from suggester.errors import ForbiddenError
from suggester.review.base import Base
from suggester.review.machine import NoteNow, Seed, Step, check, replay
from suggester.review.permissions import require
from suggester.review.types import PRIMARY, Action, Actor, OverrideInput
from suggester.store import decisions, leases, notes, samples
from suggester.store.database import Connection
from suggester.store.decisions import DecisionRow
from suggester.store.notes import NoteRow, SuggestionRow
from suggester.store.store import Work
from suggester.types import Note, Patient, Span

__all__ = ["KeepPart", "Loaded", "day_of", "note_of"]


def day_of(value: str | None) -> date | None:
    """A day from ISO text."""
    return None if value is None else date.fromisoformat(value)


def note_of(row: NoteRow, text: str) -> Note:
    """The note as it came in."""
    patient = None
    if row.patient_id is not None or row.patient_sex is not None or row.patient_birth is not None:
        patient = Patient(
            id=row.patient_id,
            sex=row.patient_sex,  # type: ignore[arg-type]  # came out of a Patient
            birth_date=day_of(row.patient_birth),
        )
    return Note(
        id=row.name,
        text=text,
        encounter_id=row.encounter_id,
        kind=row.kind,
        service_date=day_of(row.service_date),
        setting=row.setting,  # type: ignore[arg-type]
        patient=patient,
        source=row.source,
    )


@dataclass(slots=True)
class Loaded:
    """A note with its suggestions and what was decided on it so far."""

    note: NoteRow
    track: str
    suggestions: tuple[SuggestionRow, ...]
    kept: list[DecisionRow]
    steps: list[Step]

    @property
    def version(self) -> int:
        """Grows with each decision."""
        return len(self.kept)

    @property
    def seeds(self) -> list[Seed]:
        """The suggestions as the state machine takes them."""
        return [
            Seed(id=row.id, system=row.system, code=row.code, display=row.display)  # type: ignore[arg-type]
            for row in self.suggestions
        ]

    @property
    def planted(self) -> frozenset[str]:
        """Ids of the suggestions that were planted to test attention."""
        return frozenset(row.id for row in self.suggestions if row.planted)

    def now(self) -> NoteNow:
        """What the decisions add up to."""
        return replay(self.seeds, self.steps)


def _step(row: DecisionRow) -> Step:
    span = None
    if row.span_start is not None and row.span_end is not None:
        span = Span(start=row.span_start, end=row.span_end)
    return Step(
        id=row.id,
        note_id=row.note_id,
        action=row.action,  # type: ignore[arg-type]  # kept by us
        reviewer=row.user_id,
        row_id=row.row_id,
        system=row.system,  # type: ignore[arg-type]
        code=row.replacement if row.replacement is not None else row.code,
        display=row.display or "",
        reason=row.reason,
        span=span,
        position=row.position,
        target=row.target,
    )


class KeepPart(Base):
    """Loading what was decided on a note, and keeping one more step of it."""

    def _loaded(self, connection: Connection, note_id: str, track: str) -> Loaded:
        kept = decisions.of_note(connection, note_id, track)
        return Loaded(
            note=self._note(connection, note_id),
            track=track,
            suggestions=notes.suggestions(connection, note_id),
            kept=kept,
            steps=[_step(row) for row in kept],
        )

    def _keep(
        self,
        work: Work,
        actor: Actor,
        loaded: Loaded,
        new: Step,
        *,
        client: str = "",
        detail: dict[str, Any] | None = None,
    ) -> NoteNow:
        """Check a step, append it, and bring along what depends on it; ``loaded`` then holds it too.

        Raises
        ------
        DecisionError
            If the step is not allowed now; nothing was written then.
        """
        before = loaded.now()
        step, now = check(loaded.seeds, loaded.steps, new)
        old = before.rows.get(step.row_id or "")
        replaced = step.action == "replace"
        source = next((row for row in loaded.suggestions if row.id == step.row_id), None)
        row = DecisionRow(
            id=step.id,
            note_id=loaded.note.id,
            track=loaded.track,
            version=loaded.version + 1,
            action=step.action,
            row_id=step.row_id,
            suggestion_id=source.suggestion_id if source is not None else None,
            system=step.system,
            code=(source.code if source else old.code if old else None) if replaced else step.code,
            display=step.display or None,
            replacement=step.code if replaced else None,
            reason=step.reason,
            span_start=step.span.start if step.span else None,
            span_end=step.span.end if step.span else None,
            position=step.position,
            target=step.target,
            user_id=actor.user_id,
            client=client[:80],
            at=work.now,
            detail=detail or {},
            display_name=actor.display_name,
        )
        values = {name: getattr(row, name) for name in DecisionRow.__slots__ if name != "display_name"}
        work.decide(values | {"detail": json.dumps(row.detail, sort_keys=True)})
        loaded.kept.append(row)
        loaded.steps.append(step)
        if loaded.track == PRIMARY:
            self._follow(work, loaded, before, now)
        return now

    def _follow(self, work: Work, loaded: Loaded, before: NoteNow, now: NoteNow) -> None:
        """Keep with note and suggestions what SQL filters and counts by."""
        own = {row.id for row in loaded.suggestions}
        states = {
            row_id: row.state
            for row_id, row in now.rows.items()
            if row_id in own and before.rows[row_id].state != row.state
        }
        notes.set_states(work.connection, states)
        notes.change_note(
            work.connection,
            loaded.note.id,
            version=loaded.version,
            status=now.status,
            pending=now.pending,
        )

    def _walk(
        self,
        work: Work,
        actor: Actor,
        loaded: Loaded,
        action: Action,
        *,
        uuid: str,
        reason: str | None = None,
        overrides: tuple[OverrideInput, ...] = (),
    ) -> NoteNow:
        """Keep a step of the note itself: start, finish, reopen, second review."""
        detail: dict[str, Any] = {}
        if overrides:
            detail["overrides"] = [
                {"rule": item.rule_id, "codes": list(item.codes), "reason": item.reason} for item in overrides
            ]
        step = Step(id=uuid, note_id=loaded.note.id, action=action, reviewer=actor.user_id, reason=reason)
        return self._keep(work, actor, loaded, step, detail=detail)

    @staticmethod
    def _may_see_track(actor: Actor, track: str) -> None:
        """A blind second coding is the auditors' business."""
        if track != PRIMARY:
            require(actor.role, "audit.code")

    def _stay_blind(self, connection: Connection, actor: Actor, note_id: str, track: str) -> None:
        """Hide the first coding from auditors as long as a second, blind one is waiting."""
        if actor.role == "auditor" and track == PRIMARY and samples.waiting(connection, note_id):
            raise ForbiddenError("this note waits for a blind second coding: the first one is not shown")

    def _drop_lease(self, work: Work, actor: Actor, note_id: str, track: str) -> int:
        """Give back the lease; milliseconds that it was worked under."""
        worked = leases.drop(work.connection, note_id, track)
        work.record(actor.user_id, "note.release", note_id, track=track)
        return worked
