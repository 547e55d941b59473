"""Batch jobs over HTTP."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path
from fastapi.responses import FileResponse, JSONResponse, Response

from suggester.api.bodies import NotesBody
from suggester.api.callers import Allowed, JobsIn, LimitsIn
from suggester.api.jobs import Job, TooManyJobsError
from suggester.api.replies import documented, problem
from suggester.api.routes_notes import checked
from suggester.errors import TooLargeError
from suggester.review.types import Actor

router = APIRouter(tags=["jobs"])

JobId = Annotated[str, Path(min_length=1, max_length=64)]
Importer = Annotated[Actor, Depends(Allowed("note.import"))]


@router.post(
    "/jobs",
    status_code=202,
    response_model=Job,
    responses=documented(401, 403, 413, 422, 429, 503),
    summary="Read notes in the background",
)
def add(body: NotesBody, actor: Importer, jobs: JobsIn, limits: LimitsIn) -> Job | JSONResponse:
    """Queue notes. Ask for the job until it is done, then fetch its results."""
    if len(body.notes) > limits.notes:
        raise TooLargeError(f"{len(body.notes)} notes, allowed {limits.notes}", record="request")
    notes = tuple(checked(item, limits.note_chars) for item in body.notes)
    try:
        return jobs.add(actor.user_id, notes)
    except TooManyJobsError as error:
        return problem(503, error.code, str(error), Retry_After="60")


@router.get("/jobs/{job_id}", responses=documented(401, 403, 404, 422, 429), summary="Where a job stands")
def get(job_id: JobId, actor: Importer, jobs: JobsIn) -> Job:
    """A job of the caller, with the notes that failed."""
    return jobs.get(actor.user_id, job_id)


@router.get(
    "/jobs/{job_id}/results",
    response_class=Response,
    responses={
        200: {
            "content": {"application/x-ndjson": {"schema": {"type": "string"}}},
            "description": "One line a note, as in the output file",
        },
        **documented(401, 403, 404, 409, 422, 429),
    },
    summary="Results of a job",
)
def results(job_id: JobId, actor: Importer, jobs: JobsIn) -> Response:
    """The output file of a job that is done."""
    path = jobs.results(actor.user_id, job_id)
    if path is None:
        return problem(409, "not_done", "the job is not done yet")
    return FileResponse(path, media_type="application/x-ndjson")


@router.delete(
    "/jobs/{job_id}",
    status_code=204,
    responses=documented(401, 403, 404, 422, 429),
    summary="Stop and delete a job",
)
def delete(job_id: JobId, actor: Importer, jobs: JobsIn) -> None:
    """Stop a job and delete what it made."""
    jobs.delete(actor.user_id, job_id)
