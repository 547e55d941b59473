"""What stands before every request: body size, rate, and headers that keep replies out of caches."""

from __future__ import annotations

import hashlib
import math

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from suggester.api.limits import RateLimiter
from suggester.api.replies import problem

__all__ = ["Guard"]

_HEADERS = (
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
)


class Guard:
    """ASGI middleware with the limits of the service.

    Parameters
    ----------
    app
        What it stands before.
    body_bytes
        Largest body.
    limiter
        Requests a minute and caller; a caller is a token, or an address without one.
    """

    def __init__(self, app: ASGIApp, *, body_bytes: int, limiter: RateLimiter) -> None:
        self._app = app
        self._most = body_bytes
        self._limiter = limiter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *_HEADERS]
            await send(message)

        wait = self._limiter.wait(_caller(scope, headers))
        if wait:
            reply = problem(
                429, "rate", "too many requests a minute", Retry_After=str(max(1, math.ceil(wait)))
            )
            await reply(scope, receive, answer)
            return
        size = headers.get(b"content-length", b"0")
        if size.isdigit() and int(size) > self._most:
            await self._too_large(scope, receive, answer)
            return
        body: list[bytes] = []
        more = True
        while more:
            message = await receive()
            if message["type"] != "http.request":
                return  # the caller went away
            body.append(message.get("body", b""))
            more = message.get("more_body", False)
            if sum(map(len, body)) > self._most:
                await self._too_large(scope, receive, answer)
                return
        whole: Message = {"type": "http.request", "body": b"".join(body), "more_body": False}
        told = False

        async def replay() -> Message:
            nonlocal told
            if told:
                return await receive()
            told = True
            return whole

        await self._app(scope, replay, answer)

    async def _too_large(self, scope: Scope, receive: Receive, send: Send) -> None:
        reply = problem(413, "too_large", f"the body has more than {self._most} bytes")
        await reply(scope, receive, send)


def _caller(scope: Scope, headers: dict[bytes, bytes]) -> str:
    token = headers.get(b"authorization")
    if token:
        return hashlib.sha256(token).hexdigest()
    client = scope.get("client")
    return f"address:{client[0]}" if client else "address:"
