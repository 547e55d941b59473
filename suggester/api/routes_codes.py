"""Codes and the service itself: search, details, health, who am I, sign in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query

from suggester.api.bodies import SignInBody
from suggester.api.callers import EngineIn, ServiceIn, Token
from suggester.api.replies import documented
from suggester.errors import DecisionError, NotFoundError
from suggester.review.types import Actor, CodeDetails, CodeHit, SignedIn
from suggester.types import System
from suggester.version import __version__

router = APIRouter()


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """The service answers; ``engine`` says whether it is in memory already."""

    status: Literal["ok"]
    version: str
    engine: Literal["loaded", "not loaded"]


@router.get("/health", tags=["service"], responses=documented(429), summary="Is the service up")
def health(engine: EngineIn) -> Health:
    """Answers without a token; says nothing of notes."""
    return Health(status="ok", version=__version__, engine="loaded" if engine.loaded else "not loaded")


@router.post("/sign-in", tags=["service"], responses=documented(401, 422, 423, 429), summary="Sign in")
def sign_in(body: SignInBody, service: ServiceIn) -> SignedIn:
    """A token for a local account, with the idle and absolute limits of the app."""
    return service.sign_in(body.name, body.password)


@router.post(
    "/sign-out", tags=["service"], status_code=204, responses=documented(401, 429), summary="Sign out"
)
def sign_out(token: Token, service: ServiceIn) -> None:
    """End the session of the token."""
    service.whoami(token)
    service.sign_out(token)


@router.get("/me", tags=["service"], responses=documented(401, 429), summary="Whose token this is")
def me(token: Token, service: ServiceIn) -> Actor:
    """The user of the token."""
    return service.whoami(token, touch=True)


@router.get("/codes", tags=["codes"], responses=documented(401, 403, 404, 422, 429), summary="Search codes")
def search(
    token: Token,
    service: ServiceIn,
    q: Annotated[str, Query(max_length=200)] = "",
    system: System | None = None,
    note_id: Annotated[str | None, Query(min_length=1, max_length=200)] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> tuple[CodeHit, ...]:
    """Words, a lay phrase or the beginning of a code; without words the caller's own codes."""
    return service.search_codes(token, q, note_id=note_id, system=system, limit=limit)


@router.get(
    "/codes/{system}/{code}",
    tags=["codes"],
    responses=documented(401, 403, 404, 409, 422, 429),
    summary="One code",
)
def details(
    system: System, code: Annotated[str, Path(min_length=1, max_length=20)], token: Token, service: ServiceIn
) -> CodeDetails:
    """A code with its place in the code set and its notes."""
    try:
        return service.code_details(token, system, code)
    except DecisionError as error:
        raise NotFoundError(str(error)) from None
