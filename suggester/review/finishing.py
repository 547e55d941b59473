"""Finishing a note: coding summary, flags that need a reason, reopening, second review, export."""

from __future__ import annotations

import json
from typing import Any

from suggester.errors import DecisionError, ForbiddenError, StandingFlagsError, VersionError
from suggester.review.base import at
from suggester.review.cells import csv_bytes, safe_cell
from suggester.review.coding import CodingPart
from suggester.review.keeping import Loaded, day_of, note_of
from suggester.review.machine import NoteNow
from suggester.review.permissions import allows
from suggester.review.records import flags_from
from suggester.review.types import (
    PRIMARY,
    Actor,
    CodeRef,
    FinalCode,
    Finished,
    OverrideInput,
    Summary,
)
from suggester.review.viewing import override_of, run_of, system_of
from suggester.store import decisions, leases, notes, people, samples
from suggester.store.database import Connection
from suggester.store.decisions import FinalRow, FinishRow, OverrideRow
from suggester.store.store import Work, new_id
from suggester.types import Flag, Span

__all__ = ["FinishPart"]

_HEADER = (
    "note",
    "encounter",
    "service_date",
    "position",
    "system",
    "code",
    "title",
    "modifiers",
    "units",
    "reviewer",
    "finished_at",
    "decision",
)


_LIKELY = 0.5


class FinishPart(CodingPart):
    """Finishing a note: coding summary, flags that need a reason, reopening, second review, export."""

    def summary(self, token: str, note_id: str, *, track: str = PRIMARY) -> Summary:
        """The coding summary as it stands, with flags that need a reason before the note can be finished."""
        with self._reading(token, "note.read") as (connection, actor):
            self._note(connection, note_id)
            self._may_see_track(actor, track)
            self._stay_blind(connection, actor, note_id, track)
            return self._summary(connection, self._loaded(connection, note_id, track))

    def _summary(self, connection: Connection, loaded: Loaded) -> Summary:
        """The summary; of a finished note without what was planted."""
        row = loaded.note
        state = loaded.now()
        done = state.status == "finished"
        codes = self._codes(loaded, state, without=loaded.planted if done else frozenset())
        reading = notes.reading(connection, row.id)
        counting = {code.row_id for code in codes if state.rows[code.row_id].state == "accepted"}
        present = {code.code for code in codes}
        flags = [
            flag
            for source in (
                flags_from(reading.flags),
                *(flags_from(s.flags) for s in loaded.suggestions if s.id in counting),
            )
            for flag in source
            # What joins several codes matters only if all of them were chosen.
            if len(flag.codes) < 2 or present.issuperset(flag.codes)
        ]
        if self.rules is not None:
            flags += self.rules(note_of(row, reading.text), codes, _supported(loaded, state))
        kept = decisions.overrides(connection, row.id, loaded.track)
        answered = {_key(o.rule_id, o.codes) for o in kept}
        unique = tuple({(f.rule_id, f.codes, f.message): f for f in flags}.values())
        by = people.user(connection, row.finished_by) if row.finished_by else None
        return Summary(
            note_id=row.id,
            name=row.name,
            encounter_id=row.encounter_id,
            service_date=day_of(row.service_date),
            status=state.status,
            version=loaded.version,
            codes=codes,
            flags=unique,
            standing=tuple(flag for flag in unique if _stands(flag, answered)),
            overrides=tuple(override_of(o) for o in kept),
            pending=state.pending,
            run=run_of(notes.run(connection, row.run_id)),
            finished_by=by.display_name if by and loaded.track == PRIMARY else None,
            finished_at=at(row.finished_at) if row.finished_at and loaded.track == PRIMARY else None,
        )

    def finish(
        self,
        token: str,
        note_id: str,
        *,
        overrides: tuple[OverrideInput, ...] = (),
        version: int | None = None,
        track: str = PRIMARY,
    ) -> Finished:
        """Finish a note and give it back; it is assigned to the coder who finished it from now on.

        Suggestions nobody decided on are left out of the summary. Codes that were planted to test attention
        are taken out and named in ``planted``.

        Raises
        ------
        StandingFlagsError
            If an error or a warning has no reason, or an error cannot be set aside at all. Not on an audit
            track.
        HeldError
            If the caller does not hold the note.
        VersionError
            If ``version`` is given and not the note's.
        """
        with self._writing(token, "note.take") as (work, actor):
            row = self._note(work.connection, note_id)
            self._require_coding(work, actor, row, track)
            self._own_lease(work, actor, note_id, track)
            loaded = self._loaded(work.connection, note_id, track)
            if version is not None and version != loaded.version:
                raise VersionError("the note was changed since it was shown: load it again")
            if track == PRIMARY:
                self._override(work, actor, loaded, overrides)
                standing = self._summary(work.connection, loaded).standing
                if standing:
                    raise StandingFlagsError(standing)
            state = self._walk(work, actor, loaded, "finish", uuid=new_id("d"), overrides=overrides)
            codes = self._codes(loaded, state, without=loaded.planted)
            caught = sum(state.rows[row_id].state != "accepted" for row_id in loaded.planted)
            seconds = self._close(work, actor, loaded, codes, caught)
            planted = tuple(
                CodeRef(system=now.system, code=now.code, display=now.display)
                for now in state.codes
                if now.id in loaded.planted
            )
            loaded.note = self._note(work.connection, note_id)
            return Finished(summary=self._summary(work.connection, loaded), seconds=seconds, planted=planted)

    def _override(self, work: Work, actor: Actor, loaded: Loaded, given: tuple[OverrideInput, ...]) -> None:
        """Keep the reasons for flags, those given before included."""
        kept = {
            _key(o.rule_id, o.codes): o
            for o in decisions.overrides(work.connection, loaded.note.id, loaded.track)
        }
        for item in given:
            if item.reason.strip():
                kept[_key(item.rule_id, item.codes)] = OverrideRow(
                    id=new_id("o"),
                    note_id=loaded.note.id,
                    track=loaded.track,
                    rule_id=item.rule_id,
                    codes=list(item.codes),
                    reason=item.reason.strip(),
                    user_id=actor.user_id,
                    at=work.now,
                )
        decisions.put_overrides(work.connection, loaded.note.id, loaded.track, list(kept.values()))

    def _close(
        self, work: Work, actor: Actor, loaded: Loaded, codes: tuple[FinalCode, ...], caught: int
    ) -> float:
        """Keep the summary and the figures of a finished note, give back the lease; seconds of work."""
        note_id, track = loaded.note.id, loaded.track
        leases.renew(
            work.connection,
            note_id=note_id,
            track=track,
            session_id=actor.session_id,
            now=work.now,
            until=work.now,
        )
        worked = self._drop_lease(work, actor, note_id, track)
        reviewers = {row.id: row.user_id for row in loaded.kept}
        finals = [
            FinalRow(
                note_id=note_id,
                track=track,
                position=code.position,
                system=code.system,
                code=code.code,
                display=code.display,
                row_id=code.row_id,
                decision_id=code.decision_id,
                user_id=reviewers[code.decision_id],
                evidence=[[span.start, span.end] for span in code.evidence],
                modifiers=list(code.modifiers),
                units=code.units,
            )
            for code in codes
        ]
        decisions.put_finals(work.connection, note_id, track, finals)
        if track == PRIMARY:
            worked = self._note(work.connection, note_id).worked_ms
            notes.change_note(
                work.connection, note_id, finished_at=work.now, finished_by=actor.user_id, worked_ms=0
            )
            if allows(actor.role, "note.code"):  # not an auditor, who could not take it again once reopened
                notes.change_note(work.connection, note_id, assigned_to=actor.user_id)
        else:
            samples.mark_done(work.connection, track.removeprefix("audit:"), note_id, work.now)
        decisions.add_finish(
            work.connection,
            FinishRow(
                note_id=note_id,
                track=track,
                user_id=actor.user_id,
                at=work.now,
                worked_ms=worked,
                codes=len(codes),
                planted=len(loaded.planted) if track == PRIMARY else 0,
                caught=caught if track == PRIMARY else 0,
            ),
        )
        return worked / 1000

    def reopen(self, token: str, note_id: str, *, reason: str) -> None:
        """Reopen a finished note; it is back in the worklist, its decisions as they were.

        Raises
        ------
        ForbiddenError
            If a coder would reopen another's note.
        DecisionError
            If it is not finished, or there is no reason.
        """
        with self._writing(token, "note.reopen") as (work, actor):
            row = self._note(work.connection, note_id)
            if row.finished_by != actor.user_id and not allows(actor.role, "note.reopen_any"):
                raise ForbiddenError("a coder reopens only their own notes: ask an auditor or a manager")
            self._back(work, actor, note_id, "reopen", reason)

    def send_to_second_review(self, token: str, note_id: str, *, reason: str) -> None:
        """Hand a note to an auditor: one at work that the caller holds, or a finished one (own, if a coder).

        Raises
        ------
        HeldError
            If it is at work and the caller does not hold it.
        ForbiddenError
            If a coder would hand over another's finished note.
        """
        with self._writing(token, "note.send") as (work, actor):
            row = self._note(work.connection, note_id)
            if row.status != "finished":
                self._own_lease(work, actor, note_id, PRIMARY)
                self._drop_lease(work, actor, note_id, PRIMARY)
            elif row.finished_by != actor.user_id and not allows(actor.role, "note.reopen_any"):
                raise ForbiddenError("a coder hands over only their own notes")
            self._back(work, actor, note_id, "second_review", reason)
            notes.change_note(work.connection, note_id, assigned_to=None)

    def _back(self, work: Work, actor: Actor, note_id: str, action: Any, reason: str) -> None:
        if not reason.strip():
            raise DecisionError("a reason is needed", reason="reason_missing")
        loaded = self._loaded(work.connection, note_id, PRIMARY)
        self._walk(work, actor, loaded, action, uuid=new_id("d"), reason=reason.strip())
        decisions.put_finals(work.connection, note_id, PRIMARY, [])
        notes.change_note(work.connection, note_id, finished_at=None, finished_by=None)

    # --- export ---------------------------------------------------------------------------------------

    def export_rows(
        self, token: str, note_ids: tuple[str, ...]
    ) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
        """Header and rows of the coding summaries of finished notes, cells safe from formulas.

        Raises
        ------
        DecisionError
            If one of the notes is not finished.
        """
        rows: list[tuple[str, ...]] = []
        for summary in self._exported(token, note_ids, "csv"):
            for code in summary.codes:
                values = (
                    summary.name,
                    summary.encounter_id,
                    summary.service_date,
                    code.position,
                    code.system,
                    code.code,
                    code.display,
                    " ".join(code.modifiers),
                    code.units,
                    code.reviewer,
                    summary.finished_at.isoformat() if summary.finished_at else None,
                    code.decision_id,
                )
                rows.append(tuple(safe_cell(value) for value in values))
        return _HEADER, tuple(rows)

    def export_csv(self, token: str, note_ids: tuple[str, ...]) -> bytes:
        """The coding summary of finished notes as CSV (UTF-8). Errors as `export_rows`."""
        header, rows = self.export_rows(token, note_ids)
        return csv_bytes(header, rows)

    def export_json(self, token: str, note_ids: tuple[str, ...]) -> bytes:
        """The coding summary of finished notes as JSON (UTF-8). Errors as `export_rows`."""
        records = [
            {
                "note": summary.name,
                "encounter": summary.encounter_id,
                "service_date": summary.service_date.isoformat() if summary.service_date else None,
                "run": {
                    "version": summary.run.version,
                    "model": summary.run.model,
                    "codesets": dict(summary.run.codesets),
                },
                "finished_by": summary.finished_by,
                "finished_at": summary.finished_at.isoformat() if summary.finished_at else None,
                "codes": [
                    {
                        "position": code.position,
                        "system": code.system,
                        "code": code.code,
                        "display": code.display,
                        "modifiers": list(code.modifiers),
                        "units": code.units,
                        "decision": code.decision_id,
                        "reviewer": code.reviewer,
                        "evidence": [[span.start, span.end] for span in code.evidence],
                    }
                    for code in summary.codes
                ],
                "overrides": [
                    {"rule": o.rule_id, "codes": list(o.codes), "reason": o.reason, "by": o.by}
                    for o in summary.overrides
                ],
            }
            for summary in self._exported(token, note_ids, "json")
        ]
        return json.dumps({"notes": records}, ensure_ascii=False, indent=2).encode("utf-8", "replace")

    def _exported(self, token: str, note_ids: tuple[str, ...], form: str) -> list[Summary]:
        with self._writing(token, "summary.export") as (work, actor):
            found = []
            for note_id in note_ids:
                row = self._note(work.connection, note_id)
                self._stay_blind(work.connection, actor, note_id, PRIMARY)
                if row.status != "finished":
                    raise DecisionError("only finished notes can be exported", reason="status")
                found.append(self._final_summary(work.connection, note_id))
                work.record(actor.user_id, "summary.export", note_id, form=form)
            return found

    def _final_summary(self, connection: Connection, note_id: str) -> Summary:
        """The summary of a finished note as it was kept, without looking at rules again."""
        row = self._note(connection, note_id)
        finals = decisions.finals(connection, [note_id], PRIMARY).get(note_id, [])
        by = people.user(connection, row.finished_by) if row.finished_by else None
        return Summary(
            note_id=row.id,
            name=row.name,
            encounter_id=row.encounter_id,
            service_date=day_of(row.service_date),
            status="finished",
            version=row.version,
            codes=tuple(
                FinalCode(
                    position=final.position,
                    system=system_of(final.system),
                    code=final.code,
                    display=final.display,
                    row_id=final.row_id,
                    decision_id=final.decision_id,
                    reviewer=final.display_name,
                    evidence=tuple(Span(start=start, end=end) for start, end in final.evidence),
                    modifiers=tuple(final.modifiers),
                    units=final.units,
                )
                for final in finals
            ),
            flags=(),
            standing=(),
            overrides=tuple(override_of(o) for o in decisions.overrides(connection, note_id, PRIMARY)),
            pending=row.pending,
            run=run_of(notes.run(connection, row.run_id)),
            finished_by=by.display_name if by else None,
            finished_at=None if row.finished_at is None else at(row.finished_at),
        )


def _supported(loaded: Loaded, state: NoteNow) -> tuple[str, ...]:
    """Diagnoses that the note supports likely enough and that nobody has put into the summary."""
    chosen = {row.code for row in state.codes}
    return tuple(
        row.code
        for row in loaded.suggestions
        if row.system == "ICD-10-CM"
        and row.confidence >= _LIKELY
        and not row.planted
        and row.code not in chosen
    )


def _key(rule_id: str, codes: tuple[str, ...] | list[str]) -> tuple[str, tuple[str, ...]]:
    return rule_id, tuple(sorted(codes))


def _stands(flag: Flag, answered: set[tuple[str, tuple[str, ...]]]) -> bool:
    """Whether a flag still needs a reason: errors and warnings do, unless one was given and may be."""
    if flag.severity == "info":
        return False
    return not flag.overridable or _key(flag.rule_id, flag.codes) not in answered
