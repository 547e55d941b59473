"""What the pages and routes of one server process share, and who is at the browser."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from dataclasses import dataclass, field
from threading import Lock

from suggester.errors import SessionError
from suggester.review import ReviewService

__all__ = ["AppContext", "Tickets", "csrf_token", "current", "install"]

_TICKET_SECONDS = 30.0


def csrf_token(token: str) -> str:
    """The proof that a request comes from a page we served: bound to the session, useless for another.

    The session's own token is HttpOnly, so a page knows this only because the server told it.
    """
    return hmac.new(token.encode(), b"suggester page", hashlib.sha256).hexdigest()


class Tickets:
    """One-time tickets that carry a sign-in from a page (where no cookie can be set) to a route.

    A ticket holds for 30 seconds and one use.
    """

    def __init__(self) -> None:
        self._waiting: dict[str, tuple[float, str]] = {}
        self._lock = Lock()

    def issue(self, token: str) -> str:
        """A ticket for a session token."""
        ticket, now = secrets.token_urlsafe(32), time.monotonic()
        with self._lock:
            self._waiting = {key: value for key, value in self._waiting.items() if value[0] > now}
            self._waiting[ticket] = (now + _TICKET_SECONDS, token)
        return ticket

    def redeem(self, ticket: str) -> str | None:
        """The session token of a ticket; None if it was used, has lapsed or never was."""
        with self._lock:
            until, token = self._waiting.pop(ticket, (0.0, ""))
        return token if until > time.monotonic() else None


@dataclass(frozen=True, kw_only=True)
class AppContext:
    """The running app.

    Parameters
    ----------
    service
        The review service; every call names the session.
    demo
        Whether this is the demo: sample notes, no sign-in.
    oidc
        Name of the OIDC provider for ``st.login``; None where local accounts sign in. Empty: the only one.
    proxy_header
        Lower-case name of the header in which a proxy on this machine names the user; None where not trusted.
    secure
        Whether the server speaks HTTPS, so that cookies must not travel otherwise.
    """

    service: ReviewService
    demo: bool = False
    oidc: str | None = None
    proxy_header: str | None = None
    secure: bool = False
    tickets: Tickets = field(default_factory=Tickets)

    def refusal(self, token: str | None) -> str | None:
        """Why a token stands for no session now (``unknown``, ``idle`` …); None if it does."""
        try:
            self.service.whoami(token or "")
        except SessionError as error:
            return error.reason
        return None


_installed: list[AppContext] = []


def install(context: AppContext) -> None:
    """Make the context known to the pages of this process; the last one installed counts."""
    _installed[:] = [context]


def current() -> AppContext | None:
    """The context of this process, None where the pages were started without ``suggester serve``."""
    return _installed[0] if _installed else None
