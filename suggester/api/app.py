"""The application: routes over the engine and the review service, the token's role checked on each call."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

from fastapi import FastAPI

from suggester.api import routes_codes, routes_jobs, routes_notes
from suggester.api.engine import Engine
from suggester.api.guard import Guard
from suggester.api.jobs import Jobs, Reader
from suggester.api.limits import ApiLimits, RateLimiter
from suggester.api.replies import ERRORS
from suggester.review import ReviewService
from suggester.version import __version__

__all__ = ["create_app"]

DESCRIPTION = (
    "Clinical notes in; ranked, explained and checked billing codes out, for a human coder to decide. "
    "Send the token of a user (an administrator issues it) as `Authorization: Bearer TOKEN`; what it may do "
    "is what the role of the user may do in the review app."
)


def create_app(
    service: ReviewService,
    reader: Callable[[], Reader],
    *,
    limits: ApiLimits | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> FastAPI:
    """The ASGI application.

    Parameters
    ----------
    service
        The review service; it alone knows tokens and roles.
    reader
        Gives the engine, called once when it is first needed.
    limits
        Sizes and rates.
    clock
        Seconds for the rate, never going back.
    """
    held = limits or ApiLimits()
    engine = Engine(reader)
    jobs = Jobs(lambda: engine, most=held.jobs, keep=timedelta(hours=held.job_hours))

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        jobs.start()
        try:
            yield
        finally:
            jobs.stop()

    app = FastAPI(
        title="Suggester",
        version=__version__,
        description=DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,  # the interactive pages load scripts from elsewhere
        redoc_url=None,
        openapi_url="/openapi.json",
        separate_input_output_schemas=False,
    )
    app.state.service, app.state.engine, app.state.jobs, app.state.limits = service, engine, jobs, held
    for kind, handler in ERRORS.items():
        app.add_exception_handler(kind, handler)
    for module in (routes_notes, routes_codes, routes_jobs):
        app.include_router(module.router, prefix="/v1")
    app.add_middleware(Guard, body_bytes=held.body_bytes, limiter=RateLimiter(held.per_minute, clock=clock))
    return app
