"""What every page stands in: who is signed in, the frame around the page, what to show when it is empty."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import streamlit as st

from suggester.errors import SessionError
from suggester.review import ReviewService
from suggester.review.types import Actor
from suggester.ui.context import AppContext, csrf_token, current
from suggester.ui.headers import COOKIE
from suggester.ui.widgets import account_bar, go_to

__all__ = ["FAVICON", "Visit", "empty_state", "enter", "leave", "open_note", "visit"]

_HERE = Path(__file__).parent
FAVICON = str(_HERE / "assets" / "favicon.svg")
_STYLE = (_HERE / "assets" / "pages.css").read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One run of a page: the service to call, the session's token for every call, and who that is."""

    context: AppContext
    service: ReviewService
    token: str
    actor: Actor


def enter() -> Visit:
    """Find out who is at the browser, draw the frame; stop the run (towards sign-in) where nobody is."""
    context = current()
    if context is None:
        st.error("The pages need their routes: start the app with `suggester serve`.")
        st.stop()
    token = session_cookie()
    try:
        if not token:
            raise SessionError("unknown")
        actor = context.service.whoami(token, touch=True)
    except SessionError as error:
        leave(context, error.reason)
    st.html(f"<style>{_STYLE}</style>")
    account_bar(
        {
            "name": actor.display_name,
            "role": actor.role,
            "demo": context.demo,
            "csrf": csrf_token(token),
        }
    )
    return Visit(context=context, service=context.service, token=token, actor=actor)


def session_cookie() -> str:
    """The session's token as the browser sent it when the page connected, empty without one."""
    return st.context.cookies.get(COOKIE, "")


def leave(context: AppContext, reason: str) -> NoReturn:
    """Send the browser to sign-in, or through the OIDC provider where one is set up."""
    if context.oidc is not None:
        _through_provider(context)
    go_to({"to": f"/sign-in?why={reason}"})
    st.stop()


def _through_provider(context: AppContext) -> None:
    if not st.user.is_logged_in:
        if st.query_params.get("oidc") == "1":
            st.login(context.oidc or None)
            st.stop()
        return
    signed = context.service.sign_in_identity(
        issuer=str(st.user.get("iss", "")),
        subject=str(st.user.get("sub", "")),
        email=str(st.user["email"]) if st.user.get("email_verified") and st.user.get("email") else None,
    )
    go_to({"ticket": context.tickets.issue(signed.token), "to": "/"})
    st.stop()


def visit() -> Visit:
    """The visit that the router began; pages call this first.

    Raises
    ------
    RuntimeError
        If the page is not run by the router.
    """
    found = st.session_state.get("_visit")
    if not isinstance(found, Visit):
        raise RuntimeError("pages are run by suggester.ui.router")
    return found


def open_note(note_id: str) -> None:
    """Go to the review page of a note."""
    st.session_state["_open_note"] = note_id
    st.switch_page(st.session_state["_review_page"], query_params={"note": note_id})


def empty_state(title: str, what_to_do: str, *, icon: str = ":material/inbox:") -> None:
    """Say that there is nothing here and what to do about it. Plain text of our own only."""
    with st.container(border=True, horizontal_alignment="center"):
        st.markdown(f"### {icon} {title}")
        st.markdown(what_to_do)
