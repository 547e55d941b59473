"""Who calls: the token of a request, and what the routes need of the application."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from suggester.api.engine import Engine
from suggester.api.jobs import Jobs
from suggester.api.limits import ApiLimits
from suggester.errors import SessionError
from suggester.review import ReviewService
from suggester.review.permissions import require
from suggester.review.types import Actor

__all__ = ["Allowed", "EngineIn", "JobsIn", "LimitsIn", "ServiceIn", "Token"]

_bearer = HTTPBearer(auto_error=False, description="Token of a user, issued by an administrator")


def _token(credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]) -> str:
    if credentials is None:
        raise SessionError("unknown")
    return credentials.credentials


def _service(request: Request) -> ReviewService:
    service: ReviewService = request.app.state.service
    return service


def _engine(request: Request) -> Engine:
    engine: Engine = request.app.state.engine
    return engine


def _jobs(request: Request) -> Jobs:
    jobs: Jobs = request.app.state.jobs
    return jobs


def _limits(request: Request) -> ApiLimits:
    limits: ApiLimits = request.app.state.limits
    return limits


Token = Annotated[str, Depends(_token)]
ServiceIn = Annotated[ReviewService, Depends(_service)]
EngineIn = Annotated[Engine, Depends(_engine)]
JobsIn = Annotated[Jobs, Depends(_jobs)]
LimitsIn = Annotated[ApiLimits, Depends(_limits)]


class Allowed:
    """A dependency that gives the caller if their role has a permission.

    Parameters
    ----------
    permission
        Name of ``suggester.review.permissions.PERMISSIONS``.
    """

    def __init__(self, permission: str) -> None:
        self._permission = permission

    def __call__(self, token: Token, service: ServiceIn) -> Actor:
        """The caller.

        Raises
        ------
        SessionError
            If the token does not hold.
        ForbiddenError
            If the role may not.
        """
        actor = service.whoami(token, touch=True)
        require(actor.role, self._permission)
        return actor
