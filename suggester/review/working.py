"""The worklist, and taking notes from it with a lease."""

from __future__ import annotations

import statistics
from typing import Any

from suggester.errors import DecisionError, ForbiddenError, HeldError, NotFoundError
from suggester.review.base import at
from suggester.review.keeping import day_of
from suggester.review.permissions import allows, require
from suggester.review.types import (
    NOTE_STATUSES,
    PRIMARY,
    WORK_SORTS,
    Actor,
    Lease,
    NoteStatus,
    NoteView,
    Progress,
    WorkCounts,
    WorkFilters,
    WorkPage,
    WorkRow,
    WorkSort,
)
from suggester.review.viewing import ViewPart
from suggester.store import decisions, leases, people, samples, worklist
from suggester.store.leases import LeaseRow
from suggester.store.notes import NoteRow
from suggester.store.store import Work, new_id
from suggester.store.worklist import Order, PageRow, Wanted
from suggester.types import SETTINGS

__all__ = ["WorkPart"]

_MOST_ROWS = 200
_PACE_NOTES = 20
"""Pace is the median of so many notes of late."""
_SEEN_MS = 600_000
_MOST_SEEN = 20_000
_TAKEABLE: tuple[NoteStatus, ...] = ("new", "in_review", "reopened")


class WorkPart(ViewPart):
    """The worklist, and taking notes from it with a lease."""

    def __init__(self, *args: Any, **values: Any) -> None:
        super().__init__(*args, **values)
        self._seen: dict[tuple[str, str], int] = {}

    # --- worklist -------------------------------------------------------------------------------------

    def worklist(
        self,
        token: str,
        filters: WorkFilters | None = None,
        *,
        sort: WorkSort = "risk",
        offset: int = 0,
        limit: int = 50,
    ) -> WorkPage:
        """One page of the worklist, highest risk (or oldest, least sure) first; limit 1 to 200.

        Raises
        ------
        DecisionError
            If a filter, the order or the page is not one.
        """
        if not 1 <= limit <= _MOST_ROWS or offset < 0:
            raise DecisionError(f"a page has 1 to {_MOST_ROWS} rows, from 0", reason="page")
        with self._reading(token, "worklist.read") as (connection, actor):
            rows, total = worklist.page(
                connection,
                self._wanted(filters, actor),
                order=_order(sort),
                offset=offset,
                limit=limit,
                now=self.store.clock(),
            )
        return WorkPage(
            rows=tuple(_work_row(row, actor) for row in rows), total=total, offset=offset, limit=limit
        )

    def work_counts(self, token: str, filters: WorkFilters | None = None) -> WorkCounts:
        """Numbers for the filters: notes by status, kind and flag."""
        with self._reading(token, "worklist.read") as (connection, actor):
            by_status, by_kind, by_flag = worklist.counts(
                connection, self._wanted(filters, actor), now=self.store.clock()
            )
        return WorkCounts(
            by_status=tuple((status, by_status.get(status, 0)) for status in NOTE_STATUSES),
            by_kind=tuple(by_kind.items()),
            by_flag=tuple(by_flag.items()),
            total=sum(by_status.values()),
        )

    def progress(self, token: str, filters: WorkFilters | None = None) -> Progress:
        """The caller's day and pace, and what is open for them within the filters."""
        today = self._today()
        since, until = self._day_range(today, today)
        with self._reading(token, "worklist.read") as (connection, actor):
            done = decisions.finishes(connection, since=since, until=until, user_id=actor.user_id)
            late = decisions.finishes(
                connection, since=0, until=until, user_id=actor.user_id, limit=_PACE_NOTES
            )
            open_notes = worklist.open_count(
                connection,
                self._wanted(filters, actor, only=_takeable(actor)),
                user_id=actor.user_id,
                now=self.store.clock(),
            )
        pace = statistics.median(row.worked_ms for row in late) / 1000 if late else None
        return Progress(
            day=today,
            finished_today=len({row.note_id for row in done}),
            codes_today=sum(row.codes for row in done),
            seconds_today=sum(row.worked_ms for row in done) / 1000,
            seconds_a_note=pace,
            open_notes=open_notes,
            minutes_left=None if pace is None else open_notes * pace / 60,
        )

    def assign(self, token: str, note_ids: tuple[str, ...], user_id: str | None) -> int:
        """Assign open notes to a coder, or to nobody; how many changed.

        Raises
        ------
        NotFoundError
            If there is no such user, or they do not code.
        """
        with self._writing(token, "note.assign") as (work, actor):
            if user_id is not None:
                row = people.user(work.connection, user_id)
                if row is None or row.disabled_at is not None or not allows(row.role, "note.take"):
                    raise NotFoundError("there is no such coder")
            changed = worklist.assign(work.connection, note_ids, user_id)
            for note_id in changed:
                work.record(actor.user_id, "note.assign", note_id, to=user_id)
            return len(changed)

    def _wanted(
        self, filters: WorkFilters | None, actor: Actor, *, only: tuple[NoteStatus, ...] = ()
    ) -> Wanted:
        """Filters as the store takes them; ``only`` are the statuses that can be wanted at all."""
        chosen = filters or WorkFilters()
        unknown = set(chosen.statuses) - set(NOTE_STATUSES) | set(chosen.settings) - set(SETTINGS)
        if unknown:
            allowed = ", ".join((*NOTE_STATUSES, *SETTINGS))
            raise DecisionError(f"unknown status or setting; allowed: {allowed}", reason="filter")
        statuses = chosen.statuses
        if only:
            # An empty tuple would mean all: a status that no note has stands for none.
            statuses = tuple(s for s in only if not statuses or s in statuses) or ("none",)  # type: ignore[assignment]
        return Wanted(
            statuses=statuses,
            kinds=chosen.kinds,
            settings=chosen.settings,
            service_from=None if chosen.service_from is None else chosen.service_from.isoformat(),
            service_to=None if chosen.service_to is None else chosen.service_to.isoformat(),
            assigned=actor.user_id if chosen.assigned == "me" else chosen.assigned,
            below=chosen.below,
            flag=chosen.flag,
            encounter=chosen.encounter,
            name=chosen.name,
            queried=chosen.queried,
            free=chosen.free,
        )

    # --- taking ---------------------------------------------------------------------------------------

    def take_next(
        self,
        token: str,
        filters: WorkFilters | None = None,
        *,
        sort: WorkSort = "risk",
        skip: tuple[str, ...] = (),
    ) -> NoteView | None:
        """Take the best free note of the filters with a lease; None when there is none.

        Notes that others hold or that are assigned to others are left out; an auditor gets notes of second
        review.
        """
        order = _order(sort)
        with self._writing(token, "note.take") as (work, actor):
            note_id = worklist.free_note(
                work.connection,
                self._wanted(filters, actor, only=_takeable(actor)),
                order=order,
                user_id=actor.user_id,
                skip=skip,
                now=work.now,
            )
            if note_id is None:
                return None
            self._take(work, actor, self._note(work.connection, note_id), PRIMARY)
            return self._view(work.connection, actor, note_id, PRIMARY, now=work.now)

    def take(self, token: str, note_id: str, *, track: str = PRIMARY) -> NoteView:
        """Take a note with a lease.

        Raises
        ------
        HeldError
            If somebody else holds it; names them.
        DecisionError
            If it is finished: reopen it first.
        ForbiddenError
            If it is in second review and the caller is no auditor, or the other way round.
        """
        with self._writing(token, "note.take") as (work, actor):
            row = self._note(work.connection, note_id)
            self._take(work, actor, row, track)
            return self._view(work.connection, actor, note_id, track, now=work.now)

    def _take(self, work: Work, actor: Actor, row: NoteRow, track: str) -> None:
        self._require_coding(work, actor, row, track)
        held = leases.held(work.connection, row.id, track)
        if held is not None and held.until > work.now and held.user_id != actor.user_id:
            raise HeldError(f"{held.display_name} holds this note", held_by=held.display_name)
        until = work.now + self._lease_ms
        if held is not None and held.until > work.now:
            leases.renew(
                work.connection,
                note_id=row.id,
                track=track,
                session_id=actor.session_id,
                now=work.now,
                until=until,
            )
        else:
            leases.put(
                work.connection,
                note_id=row.id,
                track=track,
                user_id=actor.user_id,
                session_id=actor.session_id,
                now=work.now,
                until=until,
            )
            work.record(actor.user_id, "note.take", row.id, track=track)
        started = track == PRIMARY and row.status in ("new", "reopened")
        if started or (track != PRIMARY and not decisions.of_note(work.connection, row.id, track)):
            loaded = self._loaded(work.connection, row.id, track)
            self._walk(work, actor, loaded, "start", uuid=new_id("d"))

    def _require_coding(self, work: Work, actor: Actor, row: NoteRow, track: str) -> None:
        """Whether this person may code this note on this track in its state."""
        if track != PRIMARY:
            require(actor.role, "audit.code")
            sample_id = track.removeprefix("audit:")
            item = next((i for i in samples.items(work.connection, sample_id) if i.note_id == row.id), None)
            if item is None:
                raise NotFoundError("this note is not in the sample")
            if item.done_at is not None:
                raise DecisionError("this note was coded a second time already", reason="status")
            if item.coder_id == actor.user_id:
                raise ForbiddenError("nobody codes their own notes a second time")
            return
        if row.status == "second_review":
            require(actor.role, "second_review.code")
        elif row.status == "finished":
            raise DecisionError("the note is finished: reopen it first", reason="status")
        else:
            require(actor.role, "note.code")

    def view(self, token: str, note_id: str, *, track: str = PRIMARY) -> NoteView:
        """Look at a note without a lease; the trail notes it once in ten minutes a session.

        Raises
        ------
        ForbiddenError
            If the track is another's business, or the note waits for the caller's blind second coding.
        """
        now = self.store.clock()
        with self._reading(token, "note.read") as (connection, actor):
            self._note(connection, note_id)
            self._may_see_track(actor, track)
            self._stay_blind(connection, actor, note_id, track)
            known = self._seen.get((actor.session_id, note_id), -_SEEN_MS)
            if now - known < _SEEN_MS:
                return self._view(connection, actor, note_id, track, now=now)
        with self._writing(token, "note.read") as (work, actor):
            work.record(actor.user_id, "note.view", note_id, track=track)
            shown = self._view(work.connection, actor, note_id, track, now=now)
        self._note_seen(actor, note_id, now)
        return shown

    def _note_seen(self, actor: Actor, note_id: str, now: int) -> None:
        if len(self._seen) >= _MOST_SEEN:
            self._seen.clear()
        self._seen[actor.session_id, note_id] = now

    def heartbeat(self, token: str, note_id: str, *, track: str = PRIMARY) -> Lease:
        """Renew the lease. Not activity: the session of an unattended page still times out.

        Raises
        ------
        HeldError
            If the lease lapsed and somebody else took the note, or it was given back.
        """
        with self._writing(token, "note.take", touch=False) as (work, actor):
            held = self._own_lease(work, actor, note_id, track)
            until = work.now + self._lease_ms
            leases.renew(
                work.connection,
                note_id=note_id,
                track=track,
                session_id=actor.session_id,
                now=work.now,
                until=until,
            )
            return Lease(note_id=held.note_id, track=held.track, user_id=held.user_id, until=at(until))

    def release(self, token: str, note_id: str, *, track: str = PRIMARY) -> None:
        """Give the note back; decisions stay. Nothing happens where the caller does not hold it."""
        with self._writing(token, "note.take") as (work, actor):
            held = leases.held(work.connection, note_id, track)
            if held is not None and held.user_id == actor.user_id:
                leases.drop(work.connection, note_id, track)
                work.record(actor.user_id, "note.release", note_id, track=track)

    def _own_lease(self, work: Work, actor: Actor, note_id: str, track: str) -> LeaseRow:
        """The caller's lease. One that lapsed is still theirs as long as nobody else took the note."""
        held = leases.held(work.connection, note_id, track)
        if held is None or (held.user_id != actor.user_id and held.until <= work.now):
            raise HeldError("you do not hold this note: take it first")
        if held.user_id != actor.user_id:
            raise HeldError(f"{held.display_name} holds this note", held_by=held.display_name)
        return held


def _takeable(actor: Actor) -> tuple[NoteStatus, ...]:
    """Statuses in which notes are waiting for this person."""
    if allows(actor.role, "note.code"):
        return _TAKEABLE
    if allows(actor.role, "second_review.code"):
        return ("second_review",)
    return _TAKEABLE


def _order(sort: str) -> Order:
    for order in WORK_SORTS:
        if order == sort:
            return order
    raise DecisionError(f"unknown order; allowed: {', '.join(WORK_SORTS)}", reason="filter")


def _work_row(row: PageRow, actor: Actor) -> WorkRow:
    note = row.note
    return WorkRow(
        id=note.id,
        name=note.name,
        status=note.status,  # type: ignore[arg-type]  # the table checks it
        kind=note.kind,
        setting=note.setting,  # type: ignore[arg-type]
        service_date=day_of(note.service_date),
        encounter_id=note.encounter_id,
        imported_at=at(note.imported_at),
        suggestions=note.suggestions,
        pending=note.pending,
        lowest_confidence=note.lowest,
        risk=note.risk,
        errors=note.errors,
        warnings=note.warnings,
        characters=note.characters,
        assigned_to=row.assigned_name,
        held_by=row.holder_name,
        held_by_me=row.holder_id == actor.user_id,
        open_queries=note.open_queries,
        version=note.version,
    )
