"""Which pages there are, who sees them, and which one runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from suggester.errors import SessionError
from suggester.review.permissions import allows
from suggester.ui.shell import FAVICON, enter, leave

__all__ = ["PAGES", "PageEntry", "route"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PageEntry:
    """A page of the app. Its module has a function ``page()``; the service checks every call again."""

    module: str
    title: str
    icon: str
    address: str
    permission: str

    def function(self) -> Callable[[], None]:
        """What draws the page."""
        found: Callable[[], None] = import_module(f"suggester.ui.pages.{self.module}").page
        return found

    @property
    def there(self) -> bool:
        """Whether the page is part of this installation."""
        return find_spec(f"suggester.ui.pages.{self.module}") is not None


def _entry(module: str, title: str, icon: str, permission: str) -> PageEntry:
    return PageEntry(
        module=module, title=title, icon=f":material/{icon}:", address=module, permission=permission
    )


PAGES: tuple[PageEntry, ...] = (
    _entry("worklist", "Worklist", "list_alt", "worklist.read"),
    _entry("review", "Review", "fact_check", "note.read"),
    _entry("people", "People", "group", "users.manage"),
    _entry("claim", "Claim", "request_quote", "claim.read"),
    _entry("import", "Import", "upload_file", "note.import"),
    _entry("audit", "Audit", "rule", "audit.sample"),
    _entry("dashboard", "Dashboard", "monitoring", "dashboard.read"),
)
"""In the order of the menu; the first that the role may see is the start page."""


def route() -> None:
    """Draw the page that the address names, for who is signed in."""
    st.set_page_config(page_title="Suggester", page_icon=FAVICON, layout="wide")
    here = enter()
    st.session_state["_visit"] = here
    pages: list[StreamlitPage] = []
    for entry in PAGES:
        if not allows(here.actor.role, entry.permission) or not entry.there:
            continue
        page = st.Page(
            entry.function(), title=entry.title, icon=entry.icon, url_path=entry.address, default=not pages
        )
        if entry.address == "review":
            st.session_state["_review_page"] = page
        pages.append(page)
    chosen = st.navigation(pages, position="top")
    st.set_page_config(page_title=f"{chosen.title} · Suggester", page_icon=FAVICON, layout="wide")
    try:
        chosen.run()
    except SessionError as error:  # it ended while the page was drawn
        leave(here.context, error.reason)
