"""Signing in and out: a plain page beside Streamlit, since only an answer to a request can set a cookie."""

from __future__ import annotations

import hmac
from contextlib import suppress
from html import escape
from pathlib import Path
from string import Template
from urllib.parse import parse_qs, quote, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from suggester.errors import ReviewError, SessionError
from suggester.review.types import ROLES, Role, SignedIn
from suggester.ui.context import AppContext, csrf_token
from suggester.ui.headers import COOKIE
from suggester.ui.web import CSRF_HEADER

__all__ = ["sign_in_routes"]

_PAGE = Path(__file__).parent / "assets" / "sign_in.html"
_MOST_BYTES = 10_000
_REASONS = {
    "idle": "You were signed out after a time without activity. Your decisions are kept.",
    "expired": "Your session has ended. Sign in again to go on; your decisions are kept.",
    "signed_out": "You are signed out.",
    "disabled": "This account is disabled. Ask your administrator.",
}


def sign_in_routes(context: AppContext) -> list[BaseRoute]:
    """The sign-in page, its form, tickets of pages, and sign-out."""
    doors = _Doors(context)
    return [
        Route("/sign-in", doors.show, methods=["GET"]),
        Route("/sign-in", doors.enter, methods=["POST"]),
        Route("/sign-in/ticket", doors.redeem, methods=["POST"]),
        Route("/api/sign-out", doors.leave, methods=["POST"]),
    ]


def local_address(value: str | None) -> str:
    """Where to go after sign-in: a path of this server, else the start page.

    >>> local_address("/review?note=n1"), local_address("//evil.example/"), local_address(None)
    ('/review?note=n1', '/', '/')
    """
    if not value or not value.startswith("/") or value.startswith(("//", "/\\", "/sign-in")):
        return "/"
    parts = urlsplit(value)
    if parts.scheme or parts.netloc or any(ord(char) < 33 for char in value) or "\\" in value:
        return "/"
    return value


class _Doors:
    def __init__(self, context: AppContext) -> None:
        self._context = context
        self._page = Template(_PAGE.read_text(encoding="utf-8"))

    def _with_cookie(self, response: Response, signed: SignedIn | str) -> Response:
        token = signed if isinstance(signed, str) else signed.token
        response.set_cookie(
            COOKIE,
            token,
            httponly=True,
            samesite="strict",
            secure=self._context.secure,
            path="/",
        )
        return response

    def _form(self, target: str, message: str = "", *, status: int = 200) -> Response:
        oidc = self._context.oidc
        other = "" if oidc is None else '<a class="other" href="/?oidc=1">Sign in with your organisation</a>'
        page = self._page.substitute(
            target=escape(target, quote=True),
            message=escape(message),
            shown="" if message else "hidden",
            other=other,
        )
        return HTMLResponse(page, status, headers={"cache-control": "no-store"})

    async def show(self, request: Request) -> Response:
        """The form; in the demo and behind a trusted proxy, straight in."""
        target = local_address(request.query_params.get("next"))
        context, peer = self._context, request.client.host if request.client else ""
        try:
            if context.demo:
                wanted = request.query_params.get("role", "coder")
                role: Role = next((name for name in ROLES if name == wanted), "coder")
                signed = await run_in_threadpool(context.service.demo_sign_in, role, peer=peer)
                return self._with_cookie(RedirectResponse(target, 303), signed)
            name = request.headers.get(context.proxy_header or "", "") if context.proxy_header else ""
            if name:
                signed = await run_in_threadpool(context.service.sign_in_proxy, name=name, peer=peer)
                return self._with_cookie(RedirectResponse(target, 303), signed)
        except ReviewError as error:
            return self._form(target, str(error), status=403)
        return self._form(target, _REASONS.get(request.query_params.get("why", ""), ""))

    async def enter(self, request: Request) -> Response:
        """Check name and password."""
        raw = await request.body()
        if len(raw) > _MOST_BYTES:
            return self._form("/", "That is too long.", status=413)
        fields = parse_qs(raw.decode("utf-8", "replace"), keep_blank_values=True)
        name, password, target = (fields.get(key, [""])[0] for key in ("name", "password", "next"))
        target = local_address(target)
        try:
            signed = await run_in_threadpool(self._context.service.sign_in, name, password)
        except ReviewError as error:
            return self._form(target, str(error)[:1].upper() + str(error)[1:] + ".", status=403)
        return self._with_cookie(RedirectResponse(target, 303), signed)

    async def redeem(self, request: Request) -> Response:
        """Turn the ticket of a page that signed somebody in (OIDC) into a cookie."""
        raw = await request.body()
        token = self._context.tickets.redeem(raw[:200].decode("ascii", "replace"))
        if token is None:
            return JSONResponse({"error": "ticket", "message": "sign in again"}, 403)
        return self._with_cookie(JSONResponse({}), token)

    async def leave(self, request: Request) -> Response:
        """End the session and drop the cookie."""
        token = request.cookies.get(COOKIE, "")
        proof = request.headers.get(CSRF_HEADER, "")
        if not token or not hmac.compare_digest(proof.encode(), csrf_token(token).encode()):
            return JSONResponse({"error": "csrf", "message": "reload the page"}, 403)
        with suppress(SessionError):
            await run_in_threadpool(self._context.service.sign_out, token)
        response = JSONResponse({"to": f"/sign-in?why={quote('signed_out')}"})
        response.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict")
        return response
