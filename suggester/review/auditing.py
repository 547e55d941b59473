"""Audit of coding: samples of finished notes, blind second coding, agreement."""

from __future__ import annotations

import secrets
from datetime import date

from suggester.errors import DecisionError, NotFoundError
from suggester.review.agreeing import Coded, kappa, needed, wilson
from suggester.review.base import at
from suggester.review.importing import ImportPart
from suggester.review.keeping import day_of
from suggester.review.types import (
    Agreement,
    AuditItem,
    AuditSample,
    Disagreement,
    NoteView,
    SampleSize,
)
from suggester.review.viewing import system_of
from suggester.store import decisions, leases, notes, people, samples
from suggester.store.database import Connection
from suggester.store.samples import ItemRow, SampleRow
from suggester.store.store import new_id

__all__ = ["AuditPart"]


def _track(sample_id: str) -> str:
    return f"audit:{sample_id}"


class AuditPart(ImportPart):
    """Audit of coding: samples of finished notes, blind second coding, agreement."""

    def _population(
        self,
        connection: Connection,
        *,
        confidence: float,
        margin: float,
        expected_rate: float,
        coder_id: str | None,
        since: date | None,
        until: date | None,
    ) -> tuple[list[tuple[str, str]], SampleSize]:
        if not (0 < confidence < 1 and 0 < margin < 1 and 0 < expected_rate < 1):
            raise DecisionError(
                "confidence, margin and expected rate are numbers between 0 and 1", reason="sample"
            )
        if coder_id is not None and people.user(connection, coder_id) is None:
            raise NotFoundError("there is no such coder")
        found = samples.finished(
            connection,
            coder_id=coder_id,
            since=None if since is None else self._day_range(since, since)[0],
            until=None if until is None else self._day_range(until, until)[1],
        )
        size = needed(len(found), confidence=confidence, margin=margin, expected_rate=expected_rate)
        return found, SampleSize(
            population=len(found),
            confidence=confidence,
            margin=margin,
            expected_rate=expected_rate,
            size=size,
        )

    def sample_size(
        self,
        token: str,
        *,
        confidence: float = 0.95,
        margin: float = 0.05,
        expected_rate: float = 0.5,
        coder_id: str | None = None,
        since: date | None = None,
        until: date | None = None,
    ) -> SampleSize:
        """Notes to audit so that the share that agrees is known to ± margin (finite population corrected).

        Raises
        ------
        DecisionError
            If a number is not between 0 and 1.
        """
        with self._reading(token, "audit.sample") as (connection, _):
            return self._population(
                connection,
                confidence=confidence,
                margin=margin,
                expected_rate=expected_rate,
                coder_id=coder_id,
                since=since,
                until=until,
            )[1]

    def draw_sample(
        self,
        token: str,
        *,
        confidence: float = 0.95,
        margin: float = 0.05,
        expected_rate: float = 0.5,
        size: int | None = None,
        coder_id: str | None = None,
        since: date | None = None,
        until: date | None = None,
    ) -> AuditSample:
        """Draw a random sample of finished notes (``size`` instead of the computed number).

        The codes of the first coder are kept as they are now: a later reopening does not change them.

        Raises
        ------
        DecisionError
            If a number is not between 0 and 1, or there is nothing to draw from.
        """
        with self._writing(token, "audit.sample") as (work, actor):
            found, computed = self._population(
                work.connection,
                confidence=confidence,
                margin=margin,
                expected_rate=expected_rate,
                coder_id=coder_id,
                since=since,
                until=until,
            )
            wanted = computed.size if size is None else size
            if not 1 <= wanted <= len(found):
                raise DecisionError(
                    f"a sample has 1 to {len(found)} notes, as many as are finished", reason="sample"
                )
            drawn = secrets.SystemRandom().sample(found, wanted)
            first = decisions.finals(work.connection, [note_id for note_id, _ in drawn], "primary")
            sample_id = new_id("a")
            samples.put(
                work.connection,
                SampleRow(
                    id=sample_id,
                    user_id=actor.user_id,
                    at=work.now,
                    population=computed.population,
                    confidence=confidence,
                    margin=margin,
                    expected_rate=expected_rate,
                    size=wanted,
                    coder_id=coder_id,
                    since=None if since is None else since.isoformat(),
                    until=None if until is None else until.isoformat(),
                ),
                [
                    ItemRow(
                        sample_id=sample_id,
                        note_id=note_id,
                        place=place,
                        coder_id=coder,
                        first_codes=[[c.system, c.code, c.display] for c in first.get(note_id, [])],
                        done_at=None,
                    )
                    for place, (note_id, coder) in enumerate(drawn, 1)
                ],
            )
            work.record(actor.user_id, "sample.draw", sample_id, size=wanted, of=len(found))
            return self._sample(work.connection, sample_id)

    def _sample(self, connection: Connection, sample_id: str) -> AuditSample:
        row = samples.sample(connection, sample_id)
        if row is None:
            raise NotFoundError("there is no such sample")
        items = samples.items(connection, sample_id)
        second = decisions.finals(connection, [item.note_id for item in items], _track(sample_id))
        return AuditSample(
            id=row.id,
            created_by=row.display_name,
            created_at=at(row.at),
            size=SampleSize(
                population=row.population,
                confidence=row.confidence,
                margin=row.margin,
                expected_rate=row.expected_rate,
                size=row.size,
            ),
            coder_id=row.coder_id,
            since=day_of(row.since),
            until=day_of(row.until),
            done=sum(item.done_at is not None for item in items),
            items=tuple(
                AuditItem(
                    note_id=item.note_id,
                    name=item.note_name,
                    coder=item.coder_name,
                    status="waiting" if item.done_at is None else "done",
                    agreed=None
                    if item.done_at is None
                    else _codes(item) == {(c.system, c.code) for c in second.get(item.note_id, [])},
                )
                for item in items
            ),
        )

    def samples(self, token: str) -> tuple[AuditSample, ...]:
        """Samples, newest first."""
        with self._reading(token, "audit.sample") as (connection, _):
            return tuple(self._sample(connection, row.id) for row in samples.samples(connection))

    def sample(self, token: str, sample_id: str) -> AuditSample:
        """One sample with its items."""
        with self._reading(token, "audit.sample") as (connection, _):
            return self._sample(connection, sample_id)

    def take_audit(self, token: str, sample_id: str, note_id: str | None = None) -> NoteView | None:
        """Take the next (or the named) waiting note of a sample for blind second coding.

        The view has ``track`` ``audit:<sample id>``: decide, heartbeat, release and finish with that track.
        Nothing of the first coder is shown, and nobody gets their own notes. None when none is waiting.

        Raises
        ------
        NotFoundError
            If there is no such sample, or the note named is not in it.
        HeldError
            If another auditor holds the note named.
        """
        track = _track(sample_id)
        with self._writing(token, "audit.code") as (work, actor):
            self._sample(work.connection, sample_id)
            chosen = note_id
            if chosen is None:
                for item in samples.items(work.connection, sample_id):
                    held = leases.held(work.connection, item.note_id, track)
                    free = held is None or held.until <= work.now or held.user_id == actor.user_id
                    if item.done_at is None and free and item.coder_id != actor.user_id:
                        chosen = item.note_id
                        break
            if chosen is None:
                return None
            self._take(work, actor, self._note(work.connection, chosen), track)
            return self._view(work.connection, actor, chosen, track, now=work.now)

    def agreement(self, token: str, sample_id: str) -> Agreement:
        """Agreement of the finished second codings of a sample, with the disagreements."""
        with self._reading(token, "audit.sample") as (connection, _):
            if samples.sample(connection, sample_id) is None:
                raise NotFoundError("there is no such sample")
            done = [item for item in samples.items(connection, sample_id) if item.done_at is not None]
            second = decisions.finals(connection, [item.note_id for item in done], _track(sample_id))
            suggested = {
                item.note_id: {
                    (row.system, row.code)
                    for row in notes.suggestions(connection, item.note_id)
                    if not row.planted
                }
                for item in done
            }
        coded: list[Coded] = []
        differing: list[Disagreement] = []
        exact = first_same = 0
        for item in done:
            one, two = _codes(item), {(c.system, c.code) for c in second.get(item.note_id, [])}
            titles = {(c.system, c.code): c.display for c in second.get(item.note_id, [])} | {
                (system, code): display for system, code, display in item.first_codes
            }
            exact += one == two
            first_same += _first(item.first_codes) == _first(
                [[c.system, c.code] for c in second.get(item.note_id, [])]
            )
            coded.append(
                Coded(
                    first=frozenset(map(" ".join, one)),
                    second=frozenset(map(" ".join, two)),
                    possible=frozenset(map(" ".join, suggested[item.note_id])),
                )
            )
            for system, code in sorted(one ^ two):
                differing.append(
                    Disagreement(
                        note_id=item.note_id,
                        name=item.note_name,
                        system=system_of(system),
                        code=code,
                        display=titles[system, code],
                        by="coder" if (system, code) in one else "auditor",
                        coder=item.coder_name,
                        chapter=self.codebook.chapter(system_of(system), code),
                    )
                )
        both = sum(len(note.first & note.second) for note in coded)
        only_first = sum(len(note.first - note.second) for note in coded)
        only_second = sum(len(note.second - note.first) for note in coded)
        either = both + only_first + only_second
        return Agreement(
            notes=len(done),
            notes_exact=exact,
            both=both,
            coder_only=only_first,
            auditor_only=only_second,
            percent=both / either if either else None,
            interval=wilson(both, either),
            kappa=kappa(coded),
            first_listed_same=first_same,
            disagreements=tuple(differing),
        )


def _codes(item: ItemRow) -> set[tuple[str, str]]:
    return {(system, code) for system, code, _ in item.first_codes}


def _first(codes: list[list[str]]) -> str | None:
    """The first-listed diagnosis."""
    return next((row[1] for row in codes if row[0] == "ICD-10-CM"), None)
