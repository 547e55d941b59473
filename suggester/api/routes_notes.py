"""Notes: read one at once, import some, work through the queue."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query

from suggester.api.bodies import DecisionsBody, FinishBody, NoteBody, NotesBody
from suggester.api.callers import Allowed, EngineIn, LimitsIn, ServiceIn, Token
from suggester.api.replies import documented
from suggester.contract import suggestions_to_record
from suggester.errors import TooLargeError
from suggester.review.types import (
    Ack,
    Actor,
    Finished,
    ImportProgress,
    Lease,
    NoteStatus,
    NoteView,
    Summary,
    WorkFilters,
    WorkPage,
    WorkSort,
)
from suggester.types import Note

router = APIRouter(tags=["notes"])

NoteId = Annotated[str, Path(min_length=1, max_length=200)]


def checked(body: NoteBody, most: int) -> Note:
    """A note of a body.

    Raises
    ------
    TooLargeError
        If its text is longer than the limit.
    """
    if len(body.text) > most:
        raise TooLargeError(f"{len(body.text)} characters, allowed {most}", record="note")
    return body.note()


@router.post("/suggest", responses=documented(401, 403, 409, 413, 422, 429), summary="Codes for one note")
def suggest(
    body: NoteBody,
    _: Annotated[Actor, Depends(Allowed("note.read"))],
    engine: EngineIn,
    limits: LimitsIn,
) -> dict[str, Any]:
    """Suggestions as in the output file, see docs/schema/suggestions.schema.json. Nothing is kept."""
    return suggestions_to_record(engine.suggest(checked(body, limits.note_chars)))


@router.post("/notes", responses=documented(401, 403, 413, 422, 429), summary="Import notes into the queue")
def import_notes(body: NotesBody, token: Token, service: ServiceIn, limits: LimitsIn) -> ImportProgress:
    """Read notes into the review store. Those whose id is there already are skipped."""
    if len(body.notes) > limits.notes:
        raise TooLargeError(f"{len(body.notes)} notes, allowed {limits.notes}", record="request")
    notes = [checked(item, limits.note_chars) for item in body.notes]
    last = ImportProgress(done=0, imported=0, skipped=0, failures=(), finished=True)
    for progress in service.import_notes(token, notes):
        last = progress
    return last


@router.get("/worklist", responses=documented(401, 403, 422, 429), summary="A page of the worklist")
def worklist(
    token: Token,
    service: ServiceIn,
    status: Annotated[list[NoteStatus] | None, Query()] = None,
    free: bool = False,
    sort: WorkSort = "risk",
    offset: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> WorkPage:
    """Notes with their state; no note text."""
    filters = WorkFilters(statuses=tuple(status or ()), free=free)
    return service.worklist(token, filters, sort=sort, offset=offset, limit=limit)


@router.get("/notes/{note_id}", responses=documented(401, 403, 404, 422, 429), summary="Look at a note")
def view(note_id: NoteId, token: Token, service: ServiceIn) -> NoteView:
    """Everything of a note, without taking it."""
    return service.view(token, note_id)


@router.post(
    "/notes/{note_id}/take", responses=documented(401, 403, 404, 409, 422, 429), summary="Take a note"
)
def take(note_id: NoteId, token: Token, service: ServiceIn) -> NoteView:
    """Take a note with a lease, so that nobody else works on it."""
    return service.take(token, note_id)


@router.post(
    "/notes/{note_id}/heartbeat", responses=documented(401, 403, 404, 409, 422, 429), summary="Keep a note"
)
def heartbeat(note_id: NoteId, token: Token, service: ServiceIn) -> Lease:
    """Renew the lease."""
    return service.heartbeat(token, note_id)


@router.post(
    "/notes/{note_id}/release",
    status_code=204,
    responses=documented(401, 403, 404, 409, 422, 429),
    summary="Give a note back",
)
def release(note_id: NoteId, token: Token, service: ServiceIn) -> None:
    """Give the note back; decisions stay."""
    service.release(token, note_id)


@router.post(
    "/notes/{note_id}/decisions",
    responses=documented(401, 403, 404, 409, 422, 429),
    summary="Decide on codes",
)
def decide(note_id: NoteId, body: DecisionsBody, token: Token, service: ServiceIn) -> tuple[Ack, ...]:
    """Keep decisions in order; each is acknowledged once it is durable, or refused with its reason."""
    decisions = tuple(item.decision(note_id) for item in body.decisions)
    return service.decide_batch(token, decisions, client=body.client)


@router.get(
    "/notes/{note_id}/summary", responses=documented(401, 403, 404, 422, 429), summary="The coding summary"
)
def summary(note_id: NoteId, token: Token, service: ServiceIn) -> Summary:
    """Codes in order, with the flags that need a reason."""
    return service.summary(token, note_id)


@router.post(
    "/notes/{note_id}/finish", responses=documented(401, 403, 404, 409, 422, 429), summary="Finish a note"
)
def finish(note_id: NoteId, body: FinishBody, token: Token, service: ServiceIn) -> Finished:
    """Finish a note that one holds."""
    overrides = tuple(item.override() for item in body.overrides)
    return service.finish(token, note_id, overrides=overrides, version=body.version)
