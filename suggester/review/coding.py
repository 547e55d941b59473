"""Decisions on the codes of a note."""

from __future__ import annotations

import re

from suggester.errors import DecisionError, ReviewError, VersionError
from suggester.review.base import at, hashed
from suggester.review.keeping import Loaded, day_of
from suggester.review.machine import Step
from suggester.review.types import (
    PRIMARY,
    WORK_ACTIONS,
    Ack,
    Actor,
    BulkPreview,
    Decision,
    DecisionInput,
    NoteView,
)
from suggester.review.working import WorkPart
from suggester.store import decisions, leases
from suggester.store.decisions import DecisionRow
from suggester.store.store import Work, new_id
from suggester.types import Span, System

__all__ = ["CodingPart"]

_MOST_AT_ONCE = 500
_UUID = re.compile(r"[0-9A-Za-z][0-9A-Za-z-]{7,39}", re.ASCII)


class CodingPart(WorkPart):
    """Decisions on the codes of a note."""

    def decide_batch(
        self, token: str, decisions: tuple[DecisionInput, ...], *, client: str = "", track: str = PRIMARY
    ) -> tuple[Ack, ...]:
        """Keep decisions, in order, in one durable commit; one Ack each. A uuid seen before is acknowledged.

        Wrong ones are refused one by one (``Ack.code`` says why) and the others are kept. The lease is
        renewed; one that lapsed still counts as long as nobody else took the note.

        Parameters
        ----------
        token
            The session's.
        decisions
            At most 500.
        client
            Names the browser tab: a decision whose ``seen`` is older than a decision of another client is
            refused with code ``version``.
        track
            ``primary``, or ``audit:<sample id>``.
        """
        if len(decisions) > _MOST_AT_ONCE:
            raise DecisionError(f"at most {_MOST_AT_ONCE} decisions at once", reason="too_many")
        with self._writing(token, "note.take") as (work, actor):
            return self._decide_all(work, actor, decisions, client=client, track=track)

    def _decide_all(
        self, work: Work, actor: Actor, items: tuple[DecisionInput, ...], *, client: str, track: str
    ) -> tuple[Ack, ...]:
        known = decisions.by_ids(work.connection, [item.uuid for item in items])
        opened: dict[str, Loaded | ReviewError] = {}
        acks: list[Ack] = []
        for item in items:
            found = known.get(item.uuid)
            if found is not None:
                acks.append(_known(item, found, actor))
                continue
            if item.note_id not in opened:
                opened[item.note_id] = self._opened(work, actor, item.note_id, track)
            loaded = opened[item.note_id]
            version = 0 if isinstance(loaded, ReviewError) else loaded.version
            try:
                if isinstance(loaded, ReviewError):
                    raise loaded
                self._seen_enough(item, loaded, client)
                self._keep(work, actor, loaded, self._checked(item, loaded, actor), client=client)
            except ReviewError as error:
                reason = error.reason if isinstance(error, DecisionError) else error.code
                acks.append(
                    Ack(uuid=item.uuid, status="refused", version=version, code=reason, message=str(error))
                )
            else:
                known[item.uuid] = loaded.kept[-1]
                acks.append(Ack(uuid=item.uuid, status="durable", version=loaded.version))
        return tuple(acks)

    def _opened(self, work: Work, actor: Actor, note_id: str, track: str) -> Loaded | ReviewError:
        """A note that this person may decide on now, its lease renewed; or why they may not."""
        try:
            row = self._note(work.connection, note_id)
            self._require_coding(work, actor, row, track)
            self._own_lease(work, actor, note_id, track)
        except ReviewError as error:
            return error
        leases.renew(
            work.connection,
            note_id=note_id,
            track=track,
            session_id=actor.session_id,
            now=work.now,
            until=work.now + self._lease_ms,
        )
        return self._loaded(work.connection, note_id, track)

    @staticmethod
    def _seen_enough(item: DecisionInput, loaded: Loaded, client: str) -> None:
        if item.seen is not None and any(row.client != client for row in loaded.kept[item.seen :]):
            raise VersionError("the note was changed in another window: load it again")

    def _checked(self, item: DecisionInput, loaded: Loaded, actor: Actor) -> Step:
        """A decision as a step, its code looked up on the day of service.

        Raises
        ------
        DecisionError
            If its uuid, action, words or code cannot be.
        """
        if not _UUID.fullmatch(item.uuid):
            raise DecisionError("a uuid has 8 to 40 letters, digits and hyphens", reason="uuid")
        if item.action not in WORK_ACTIONS:
            raise DecisionError(f"unknown action; allowed: {', '.join(WORK_ACTIONS)}", reason="action")
        if item.span is not None and not item.span.start < item.span.end <= loaded.note.characters:
            raise DecisionError("the words lie outside the note", reason="span")
        on = day_of(loaded.note.service_date)
        system, code, display = item.system, item.code, ""
        if item.action in ("add", "replace") and system is not None and code is not None:
            found = self.codebook.billable(system, code, on)
            system, code, display = found.system, found.code, found.display
        elif item.action == "accept":
            for seed in loaded.seeds:
                if seed.id == item.row_id:
                    self.codebook.billable(seed.system, seed.code, on)
        return Step(
            id=item.uuid,
            note_id=loaded.note.id,
            action=item.action,
            reviewer=actor.user_id,
            row_id=item.row_id,
            system=system,
            code=code,
            display=display,
            reason=None if item.reason is None else item.reason.strip(),
            span=item.span if item.action == "add" else None,
            position=item.position,
            target=item.target,
        )

    def _decide(self, token: str, item: DecisionInput, version: int | None) -> NoteView:
        """One decision that raises instead of being refused; the note after it."""
        with self._writing(token, "note.take") as (work, actor):
            loaded = self._opened(work, actor, item.note_id, PRIMARY)
            if isinstance(loaded, ReviewError):
                raise loaded
            if version is not None and version != loaded.version:
                raise VersionError("the note was changed since it was shown: load it again")
            self._keep(work, actor, loaded, self._checked(item, loaded, actor))
            return self._view(work.connection, actor, item.note_id, PRIMARY, now=work.now)

    def accept(self, token: str, note_id: str, row_id: str, *, version: int | None = None) -> NoteView:
        """Accept one row.

        Raises
        ------
        HeldError
            If the caller does not hold the note.
        VersionError
            If ``version`` is given and not the note's.
        DecisionError
            If the row is unknown, its code is not valid on the day, or in the summary already.
        """
        item = DecisionInput(uuid=new_id("d"), note_id=note_id, action="accept", row_id=row_id)
        return self._decide(token, item, version)

    def reject(
        self, token: str, note_id: str, row_id: str, *, reason: str, version: int | None = None
    ) -> NoteView:
        """Reject one row with a reason. Errors as `accept`."""
        item = DecisionInput(uuid=new_id("d"), note_id=note_id, action="reject", row_id=row_id, reason=reason)
        return self._decide(token, item, version)

    def replace(
        self,
        token: str,
        note_id: str,
        row_id: str,
        *,
        system: System,
        code: str,
        reason: str | None = None,
        version: int | None = None,
    ) -> NoteView:
        """Replace the code of a row by another that is valid on the service date. Errors as `accept`."""
        item = DecisionInput(
            uuid=new_id("d"),
            note_id=note_id,
            action="replace",
            row_id=row_id,
            system=system,
            code=code,
            reason=reason,
        )
        return self._decide(token, item, version)

    def add_code(
        self,
        token: str,
        note_id: str,
        *,
        system: System,
        code: str,
        span: Span | None = None,
        version: int | None = None,
    ) -> NoteView:
        """Add a code, to selected words where ``span`` is given. Errors as `accept`."""
        item = DecisionInput(
            uuid=new_id("d"), note_id=note_id, action="add", system=system, code=code, span=span
        )
        return self._decide(token, item, version)

    def reorder(
        self, token: str, note_id: str, row_id: str, *, position: int, version: int | None = None
    ) -> NoteView:
        """Move a row of the summary to a position from 1 (first-listed). Errors as `accept`."""
        item = DecisionInput(
            uuid=new_id("d"), note_id=note_id, action="order", row_id=row_id, position=position
        )
        return self._decide(token, item, version)

    def undo(
        self, token: str, note_id: str, *, target: str | None = None, version: int | None = None
    ) -> NoteView:
        """Take back one's last decision on the note, or the one named. Errors as `accept`."""
        item = DecisionInput(uuid=new_id("d"), note_id=note_id, action="undo", target=target)
        return self._decide(token, item, version)

    def bulk_preview(self, token: str, note_id: str, threshold: float) -> BulkPreview:
        """What accepting all pending rows at or above a confidence means: rows and expected wrong codes."""
        if not 0.0 <= threshold <= 1.0:
            raise DecisionError("a threshold is a number from 0 to 1", reason="threshold")
        with self._reading(token, "note.read") as (connection, actor):
            self._stay_blind(connection, actor, note_id, PRIMARY)
            loaded = self._loaded(connection, note_id, PRIMARY)
        state = loaded.now()
        present = {(row.system, row.code) for row in state.codes}
        rows: list[str] = []
        wrong = 0.0
        for row in loaded.suggestions:
            code = (row.system, row.code)
            pending = state.rows[row.id].state == "pending"
            if pending and row.confidence >= threshold and code not in present:
                present.add(code)  # type: ignore[arg-type]
                rows.append(row.id)
                wrong += 1.0 - row.confidence
        return BulkPreview(
            note_id=note_id,
            threshold=threshold,
            rows=tuple(rows),
            expected_wrong=wrong,
            version=loaded.version,
        )

    def bulk_accept(self, token: str, preview: BulkPreview, *, client: str = "") -> tuple[Ack, ...]:
        """Accept exactly the rows of a preview; every one refused when the note changed since.

        Sent again after a lost answer, it is acknowledged again.
        """
        items = tuple(
            DecisionInput(
                uuid=f"b{hashed(f'{preview.note_id} {preview.version} {row_id}')[:31]}",
                note_id=preview.note_id,
                action="accept",
                row_id=row_id,
            )
            for row_id in preview.rows[:_MOST_AT_ONCE]
        )
        with self._writing(token, "note.take") as (work, actor):
            known = decisions.by_ids(work.connection, [item.uuid for item in items])
            loaded = self._loaded(work.connection, preview.note_id, PRIMARY)
            if loaded.version != preview.version and not known:
                return tuple(
                    Ack(
                        uuid=item.uuid,
                        status="refused",
                        version=loaded.version,
                        code="version",
                        message="the note was changed since the preview: look again",
                    )
                    for item in items
                )
            return self._decide_all(work, actor, items, client=client, track=PRIMARY)

    def history(self, token: str, note_id: str, *, track: str = PRIMARY) -> tuple[Decision, ...]:
        """All decisions on a note in order."""
        with self._reading(token, "note.read") as (connection, actor):
            self._note(connection, note_id)
            self._may_see_track(actor, track)
            self._stay_blind(connection, actor, note_id, track)
            return tuple(_shown(row) for row in decisions.of_note(connection, note_id, track))


def _known(item: DecisionInput, found: DecisionRow, actor: Actor) -> Ack:
    """A decision that was sent before is acknowledged, unless its uuid stands for another one."""
    same = (found.note_id, found.action, found.user_id) == (item.note_id, item.action, actor.user_id)
    if same:
        return Ack(uuid=item.uuid, status="durable", version=found.version)
    return Ack(
        uuid=item.uuid,
        status="refused",
        version=found.version,
        code="uuid_reused",
        message="another decision has this uuid",
    )


def _shown(row: DecisionRow) -> Decision:
    span = None
    if row.span_start is not None and row.span_end is not None:
        span = Span(start=row.span_start, end=row.span_end)
    return Decision(
        id=row.id,
        note_id=row.note_id,
        track=row.track,
        version=row.version,
        action=row.action,  # type: ignore[arg-type]  # kept by us
        row_id=row.row_id,
        suggestion_id=row.suggestion_id,
        system=row.system,  # type: ignore[arg-type]
        code=row.code,
        replacement=row.replacement,
        reason=row.reason,
        span=span,
        position=row.position,
        target=row.target,
        reviewer=row.display_name,
        client=row.client,
        decided_at=at(row.at),
        detail=row.detail,
    )
