"""Replies: how errors of the library become statuses, and what a reply looks like. None holds note text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from suggester.errors import (
    DecisionError,
    ForbiddenError,
    HeldError,
    InputError,
    LockedError,
    NoReleaseError,
    NotFoundError,
    SessionError,
    SignInError,
    StandingFlagsError,
    SuggesterError,
    TooLargeError,
    UnknownCodeError,
    VersionError,
)

__all__ = ["ERRORS", "Problem", "documented", "problem", "status_of"]

STATUSES: tuple[tuple[type[SuggesterError], int], ...] = (
    (SessionError, 401),
    (SignInError, 401),
    (LockedError, 423),
    (ForbiddenError, 403),
    (NotFoundError, 404),
    (UnknownCodeError, 404),
    (HeldError, 409),
    (VersionError, 409),
    (StandingFlagsError, 409),
    (NoReleaseError, 409),
    (TooLargeError, 413),
    (DecisionError, 422),
    (InputError, 422),
)
"""First class that fits gives the status; any other error of ours is 500 and its message stays here."""

MEANINGS: dict[int, str] = {
    400: "The body cannot be read: not UTF-8, or not JSON",
    401: "No token, or one that does not hold any more",
    403: "The role of the token may not do this",
    404: "There is no such thing",
    409: "The state of things does not allow it: held by another, changed since, flags that stand",
    413: "Larger than the limit",
    422: "The request is not of the documented form, or cannot be used",
    423: "The account is locked for some minutes",
    429: "Too many requests; Retry-After says how many seconds to wait",
    503: "Too many jobs wait; try again later",
}


class Problem(BaseModel):
    """Why a request was refused: a stable reason code and a message for people."""

    error: str
    message: str
    where: list[str] = []


def status_of(error: SuggesterError) -> int:
    """HTTP status of an error."""
    return next((status for kind, status in STATUSES if isinstance(error, kind)), 500)


def problem(
    status: int, error: str, message: str, where: list[str] | None = None, **headers: str
) -> JSONResponse:
    """A refusal as JSON."""
    body = Problem(error=error, message=message, where=where or [])
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    if status == 401:
        named["WWW-Authenticate"] = "Bearer"
    return JSONResponse(body.model_dump(), status, headers=named)


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Statuses for the OpenAPI document; what may be malformed (422) may be unreadable too (400)."""
    all_ = (400, *statuses) if 422 in statuses else statuses
    return {status: {"model": Problem, "description": MEANINGS[status]} for status in all_}


async def _known(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, SuggesterError)  # noqa: S101 - registered for this class
    status = status_of(error)
    if status == 500:
        return problem(500, error.code, "the service cannot do this now; its operator finds why in the log")
    return problem(status, error.code, str(error))


async def _malformed(_: Request, error: Exception) -> JSONResponse:
    """Where a request is wrong and how, never what it held."""
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this class
    where = [f"{'.'.join(str(part) for part in item['loc'])}: {item['type']}" for item in error.errors()[:20]]
    return problem(422, "field", "the request is not of the documented form", where)


async def _http(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class
    reply = problem(error.status_code, f"http_{error.status_code}", str(error.detail))
    reply.headers.update(error.headers or {})
    return reply


ERRORS: dict[type[Exception], Callable[[Request, Exception], Any]] = {
    SuggesterError: _known,
    RequestValidationError: _malformed,
    HTTPException: _http,
}
"""Handlers for the application."""
