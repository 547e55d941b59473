"""The gate in front of every request: who may connect at all, and the headers of every answer.

Runs before Streamlit's own routes. A request without a session gets the sign-in page and what that needs,
nothing else: no page, no web socket, no uploaded or generated file.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Collection
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from urllib.parse import quote, urlsplit

from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["COOKIE", "Gate", "Start", "content_policy", "cookie_of", "inline_script_hashes", "same_origin"]

COOKIE = "suggester_session"
"""Name of the cookie that holds the session's opaque token; HttpOnly, SameSite=Strict."""

_OPEN_PATHS = ("/sign-in", "/assets/", "/static/", "/_stcore/health", "/favicon")
_CLOSED_PATHS = ("/_stcore/metrics", "/_stcore/agent", "/_stcore/script-health-check")
_INLINE_SCRIPT = re.compile(rb"<script>(.*?)</script>", re.DOTALL)
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def inline_script_hashes(page: Path) -> tuple[str, ...]:
    """Content-policy sources of the inline scripts of a page that ships with Streamlit."""
    return tuple(
        f"'sha256-{base64.b64encode(hashlib.sha256(body).digest()).decode()}'"
        for body in _INLINE_SCRIPT.findall(page.read_bytes())
    )


def content_policy(script_hashes: Collection[str] = ()) -> str:
    """The content security policy: everything from this server, nothing inline that we did not hash.

    ``blob:`` is how Streamlit loads a component's code; styles are inline because Streamlit writes them so.
    """
    scripts = " ".join(("'self'", "blob:", "'wasm-unsafe-eval'", *script_hashes))
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src {scripts}",
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "font-src 'self' data:",
            "connect-src 'self'",
            "manifest-src 'self'",
            "worker-src 'self' blob:",
            "form-action 'self'",
            "frame-src 'none'",
            "frame-ancestors 'none'",
            "base-uri 'self'",
            "object-src 'none'",
        )
    )


def cookie_of(scope: Scope, name: str = COOKIE) -> str | None:
    """Value of a cookie of a request, None without it."""
    for key, value in scope["headers"]:
        if key == b"cookie":
            try:
                found = SimpleCookie(value.decode("latin-1")).get(name)
            except CookieError:
                return None
            if found is not None:
                return found.value
    return None


def _header(scope: Scope, name: bytes) -> str | None:
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), None)


def same_origin(scope: Scope) -> bool:
    """Whether a request says that it comes from a page of this server; one that says nothing does not."""
    site = _header(scope, b"sec-fetch-site")
    if site is not None:  # browsers set it, pages cannot
        return site == "same-origin"
    origin, host = _header(scope, b"origin"), _header(scope, b"host")
    return bool(host) and urlsplit(origin or "").netloc.lower() == (host or "").lower()


def _sign_in_address(path: str, query: str) -> str:
    wanted = f"{path}?{query}" if query else path
    return "/sign-in" if wanted == "/" else f"/sign-in?next={quote(wanted, safe='/')}"


class Gate:
    """Middleware that admits requests and sets security headers.

    Parameters
    ----------
    app
        What comes next.
    refused
        Why a request has no session (``unknown``, ``idle``, ``disabled`` …), None if it has one. Asking does
        not count as activity.
    hosts
        Host names that the server answers to; others are refused (DNS rebinding).
    policy
        The content security policy.
    """

    def __init__(
        self, app: ASGIApp, *, refused: Callable[[Scope], str | None], hosts: Collection[str], policy: str
    ) -> None:
        self._app = app
        self._refused = refused
        self._hosts = frozenset(host.lower() for host in hosts)
        self._headers = [
            (b"content-security-policy", policy.encode()),
            (b"x-content-type-options", b"nosniff"),
            (b"x-frame-options", b"DENY"),
            (b"referrer-policy", b"same-origin"),  # none at all would make forms say "Origin: null"
            (b"cross-origin-opener-policy", b"same-origin"),
            (b"cross-origin-resource-policy", b"same-origin"),
            (b"permissions-policy", b"camera=(), microphone=(), geolocation=(), interest-cohort=()"),
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Admit or refuse one request."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [h for h in message["headers"] if h[0].lower() != b"server"]
                message["headers"] = [*headers, *self._headers]
            await send(message)

        refused = self._refusal(scope)
        if refused is None:
            await self._app(scope, receive, with_headers)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await refused(scope, receive, with_headers)

    def _refusal(self, scope: Scope) -> Response | None:
        """What to answer instead, None where the request may pass."""
        path = scope["path"]
        if (_header(scope, b"host") or "").rsplit(":", 1)[0].strip("[]").lower() not in self._hosts:
            return PlainTextResponse("this server does not answer to that host name\n", 421)
        if path.startswith(_CLOSED_PATHS):
            return PlainTextResponse("not available\n", 404)
        method = scope.get("method", "GET")
        if (scope["type"] == "websocket" or method not in _SAFE_METHODS) and not same_origin(scope):
            return PlainTextResponse("only pages of this server may do that\n", 403)
        if path.startswith(_OPEN_PATHS):
            return None
        why = self._refused(scope)
        if why is None:
            return None
        wants_page = method in _SAFE_METHODS and "text/html" in (_header(scope, b"accept") or "")
        if wants_page:
            return RedirectResponse(_sign_in_address(path, scope["query_string"].decode("latin-1")), 303)
        return JSONResponse({"error": "session", "reason": why, "message": "sign in first"}, 401)


class Start:
    """Middleware that sends ``/`` on to where a person starts, so that going back never ends there.

    Parameters
    ----------
    app
        What comes next.
    start
        The address of the first page for who sent a request, None if there is none.
    """

    def __init__(self, app: ASGIApp, *, start: Callable[[Scope], str | None]) -> None:
        self._app = app
        self._start = start

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Redirect one request, or pass it on."""
        first = None
        if scope["type"] == "http" and scope["path"] == "/" and scope["method"] in ("GET", "HEAD"):
            first = self._start(scope)
        answer = self._app if first is None else RedirectResponse(first, 303)
        await answer(scope, receive, send)
