"""What leaves review: codes of an encounter for a claim, coded notes to learn from, the audit trail."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from typing import Any

from suggester.errors import DecisionError, NotFoundError, VersionError
from suggester.review.base import at
from suggester.review.dashboards import DashboardPart
from suggester.review.keeping import note_of
from suggester.review.types import (
    EncounterCodes,
    ExportRecord,
    SavedClaim,
    TrailEntry,
    TrailFault,
    TrailReport,
)
from suggester.review.viewing import system_of
from suggester.store import claims, decisions, notes, trail
from suggester.store.claims import ClaimRow, ExportRow
from suggester.store.database import Connection
from suggester.types import GoldCode, GoldNote, Span

__all__ = ["HandPart"]

_MOST_ENTRIES = 5000
_IN_ONE_GO = 200
_MOST_RECORD = 5_000_000


class HandPart(DashboardPart):
    """What leaves review: codes of an encounter for a claim, coded notes to learn from, the audit trail."""

    # --- claims ---------------------------------------------------------------------------------------

    def encounters(
        self, token: str, *, since: date | None = None, until: date | None = None
    ) -> tuple[str, ...]:
        """Ids of encounters whose days overlap these, sorted."""
        with self._reading(token, "claim.read") as (connection, _):
            return tuple(
                claims.encounters(
                    connection,
                    since=None if since is None else since.isoformat(),
                    until=None if until is None else until.isoformat(),
                )
            )

    def encounter_codes(self, token: str, encounter_id: str) -> EncounterCodes:
        """Finished codes of all notes of an encounter, and which notes are still open.

        Raises
        ------
        NotFoundError
            If there is no such encounter.
        """
        with self._reading(token, "claim.read") as (connection, _):
            rows = notes.of_encounter(connection, encounter_id)
            if not rows:
                raise NotFoundError("there is no such encounter")
            done = [row for row in rows if row.status == "finished"]
            return EncounterCodes(
                encounter_id=encounter_id,
                notes=tuple(note_of(row, notes.reading(connection, row.id).text) for row in done),
                summaries=tuple(self._final_summary(connection, row.id) for row in done),
                open_notes=tuple(row.id for row in rows if row.status != "finished"),
            )

    def claim(self, token: str, encounter_id: str) -> SavedClaim | None:
        """The saved claim draft of an encounter."""
        with self._reading(token, "claim.read") as (connection, _):
            row = claims.claim(connection, encounter_id)
            return None if row is None else _saved(row)

    def save_claim(
        self, token: str, encounter_id: str, record: dict[str, Any], *, version: int
    ) -> SavedClaim:
        """Keep a claim draft (JSON) in place of version ``version``; 0 where none was saved.

        Raises
        ------
        VersionError
            If somebody saved it since.
        NotFoundError
            If there is no such encounter.
        """
        try:
            size = len(json.dumps(record, allow_nan=False))
        except (TypeError, ValueError):
            size = 0
        if not 0 < size <= _MOST_RECORD:
            raise DecisionError("a claim is a JSON object of at most 5 MB", reason="record")
        with self._writing(token, "claim.write") as (work, actor):
            self._encounter(work.connection, encounter_id)
            found = claims.claim(work.connection, encounter_id)
            if (found.version if found else 0) != version:
                raise VersionError("the claim was changed since it was shown: load it again")
            row = ClaimRow(
                encounter_id=encounter_id,
                version=version + 1,
                record=record,
                user_id=actor.user_id,
                at=work.now,
                display_name=actor.display_name,
            )
            claims.put(work.connection, row)
            work.record(actor.user_id, "claim.save", encounter_id, version=row.version)
            return _saved(row)

    def record_export(self, token: str, encounter_id: str, *, format: str, sha256: str) -> ExportRecord:
        """Note in the trail that a claim left; the same bytes again give the first record.

        Raises
        ------
        NotFoundError
            If there is no such encounter.
        DecisionError
            If ``sha256`` is no hash, or the format's name is too long.
        """
        if len(sha256) != 64 or set(sha256) - set("0123456789abcdef") or not 1 <= len(format) <= 20:
            raise DecisionError("an export has a format and a SHA-256 in lower case", reason="export")
        with self._writing(token, "claim.write") as (work, actor):
            self._encounter(work.connection, encounter_id)
            for row in claims.exports(work.connection, encounter_id):
                if (row.format, row.sha256) == (format, sha256):
                    return _exported(row)
            row = ExportRow(
                encounter_id=encounter_id,
                format=format,
                sha256=sha256,
                user_id=actor.user_id,
                at=work.now,
                display_name=actor.display_name,
            )
            claims.add_export(work.connection, row)
            work.record(actor.user_id, "claim.export", encounter_id, format=format, sha256=sha256)
            return _exported(row)

    def exports(self, token: str, encounter_id: str) -> tuple[ExportRecord, ...]:
        """Exports of an encounter, oldest first."""
        with self._reading(token, "claim.read") as (connection, _):
            return tuple(_exported(row) for row in claims.exports(connection, encounter_id))

    @staticmethod
    def _encounter(connection: Connection, encounter_id: str) -> None:
        if not claims.encounter_exists(connection, encounter_id):
            raise NotFoundError("there is no such encounter")

    # --- learning -------------------------------------------------------------------------------------

    def coded_notes(self, token: str) -> Iterator[GoldNote]:
        """Finished notes as gold notes, in order of their ids, for `suggester train --from-store`."""
        with self._reading(token, "notes.learn"):
            pass
        return self.gold_notes()

    def gold_notes(self) -> Iterator[GoldNote]:
        """Finished notes with their codes and evidence; for who has the store at hand, without a session.

        Planted suggestions are not among the codes.
        """
        after = ""
        while True:
            with self.store.read() as connection:
                ids = notes.note_ids(connection, status="finished", after=after, limit=_IN_ONE_GO)
                finals = decisions.finals(connection, ids, "primary")
                found = [
                    (note_of(self._note(connection, i), notes.reading(connection, i).text), finals.get(i, []))
                    for i in ids
                ]
            for note, codes in found:
                yield GoldNote(
                    note=note,
                    codes=tuple(
                        GoldCode(
                            system=system_of(code.system),
                            code=code.code,
                            evidence=tuple(Span(start=start, end=end) for start, end in code.evidence),
                            modifiers=tuple(code.modifiers),
                            units=code.units,
                        )
                        for code in codes
                    ),
                )
            if len(ids) < _IN_ONE_GO:
                return
            after = ids[-1]

    # --- the trail ------------------------------------------------------------------------------------

    def verify_trail(self, token: str) -> TrailReport:
        """Verify the audit trail, the decisions against it, and the texts of notes."""
        with self._reading(token, "trail.verify"):
            pass
        report = self.store.verify()
        return TrailReport(
            entries=report.entries,
            decisions=report.decisions,
            anchors=report.anchors,
            faults=tuple(
                TrailFault(seq=fault.seq, kind=fault.kind, message=fault.message) for fault in report.faults
            ),
        )

    def trail(self, token: str, *, after: int = 0, limit: int = 500) -> tuple[TrailEntry, ...]:
        """Entries of the trail in order, after a sequence number; at most 5000."""
        with self._reading(token, "trail.read") as (connection, _):
            return tuple(
                TrailEntry(
                    seq=entry.seq,
                    at=at(entry.at),
                    actor=entry.actor,
                    action=entry.action,
                    subject=entry.subject,
                    detail=json.loads(entry.detail),
                )
                for entry in trail.entries(connection, after=after, limit=min(max(limit, 1), _MOST_ENTRIES))
            )


def _saved(row: ClaimRow) -> SavedClaim:
    return SavedClaim(
        encounter_id=row.encounter_id,
        version=row.version,
        record=row.record,
        saved_by=row.display_name,
        saved_at=at(row.at),
    )


def _exported(row: ExportRow) -> ExportRecord:
    return ExportRecord(
        encounter_id=row.encounter_id,
        format=row.format,
        sha256=row.sha256,
        by=row.display_name,
        at=at(row.at),
    )
