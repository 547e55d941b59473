"""How a route answers: the session and the page's proof are checked first, errors become stable JSON."""

from __future__ import annotations

import hmac
import json
import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from suggester.errors import (
    DecisionError,
    ForbiddenError,
    HeldError,
    NotFoundError,
    SessionError,
    StandingFlagsError,
    SuggesterError,
    VersionError,
)
from suggester.ui.context import AppContext, csrf_token
from suggester.ui.headers import COOKIE
from suggester.ui.quiet import where
from suggester.ui.records import plain

__all__ = ["CSRF_HEADER", "Call", "api", "error_response"]

log = logging.getLogger("suggester.ui")

CSRF_HEADER = "x-suggester-csrf"
_MOST_BYTES = 1_000_000
_STATUS: tuple[tuple[type[SuggesterError], int], ...] = (
    (SessionError, 401),
    (ForbiddenError, 403),
    (NotFoundError, 404),
    (HeldError, 409),
    (VersionError, 409),
    (StandingFlagsError, 409),
    (DecisionError, 422),
    (SuggesterError, 400),
)
_NO_STORE = {"cache-control": "no-store"}


class Call:
    """One request as its handler sees it.

    Attributes
    ----------
    token
        The session's token; the service checks what it may do.
    body
        The JSON object that was sent, empty for GET.
    path
        The parameters of the path.
    """

    def __init__(
        self, context: AppContext, token: str, body: Mapping[str, Any], path: Mapping[str, Any]
    ) -> None:
        self.service = context.service
        self.context = context
        self.token = token
        self.body = body
        self.path = path


Handler = Callable[[Call], Any]


def error_response(error: Exception) -> JSONResponse:
    """An error as JSON. What was not foreseen is logged under a number, without its message."""
    if isinstance(error, SuggesterError):
        status = next(status for kind, status in _STATUS if isinstance(error, kind))
        record: dict[str, Any] = {"error": error.code, "message": str(error)}
        for name in ("reason", "held_by", "flags"):
            if hasattr(error, name):
                record[name] = plain(getattr(error, name))
        return JSONResponse(record, status, headers=_NO_STORE)
    number = secrets.token_hex(4)
    log.error("incident %s: %s", number, where(error))
    message = f"something went wrong on the server (incident {number}); nothing you sent was lost"
    return JSONResponse({"error": "unforeseen", "message": message}, 500, headers=_NO_STORE)


def api(context: AppContext, path: str, handler: Handler, *, method: str = "POST") -> Route:
    """A route for signed-in pages.

    Whatever is sent by POST needs the page's proof (``x-suggester-csrf``); what a handler returns is sent as
    JSON, or as it is if it is a response. Handlers run in threads.
    """

    async def endpoint(request: Request) -> Response:
        token = request.cookies.get(COOKIE, "")
        if not token:
            return error_response(SessionError("unknown"))
        body: Mapping[str, Any] = {}
        if method == "POST":
            proof = request.headers.get(CSRF_HEADER, "")
            if not hmac.compare_digest(proof.encode(), csrf_token(token).encode()):
                return JSONResponse({"error": "csrf", "message": "reload the page"}, 403, headers=_NO_STORE)
            raw = await request.body()
            if len(raw) > _MOST_BYTES:
                return JSONResponse({"error": "too_large", "message": "too large"}, 413, headers=_NO_STORE)
            try:
                body = json.loads(raw or b"{}")
            except (ValueError, RecursionError):
                body = []  # type: ignore[assignment]
            if not isinstance(body, dict):
                return JSONResponse(
                    {"error": "json", "message": "send a JSON object"}, 400, headers=_NO_STORE
                )
        call = Call(context, token, body, request.path_params)
        try:
            result = await run_in_threadpool(handler, call)
        except Exception as error:
            return error_response(error)
        return result if isinstance(result, Response) else JSONResponse(plain(result), headers=_NO_STORE)

    return Route(path, _named(endpoint, handler), methods=[method])


def _named(
    endpoint: Callable[[Request], Awaitable[Response]], handler: Handler
) -> Callable[[Request], Awaitable[Response]]:
    endpoint.__name__ = handler.__name__
    return endpoint
