"""Which pages there are, who sees them, and which one runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import NoReturn

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from suggester.errors import SessionError
from suggester.review.permissions import allows
from suggester.ui.shell import FAVICON, enter, leave

__all__ = ["PAGES", "PageEntry", "pages_of", "route"]


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


def pages_of(role: str) -> tuple[PageEntry, ...]:
    """The pages that a role may see, in the order of the menu.

    >>> pages_of("manager")[0].address
    'worklist'
    """
    return tuple(entry for entry in PAGES if allows(role, entry.permission) and entry.there)


def _start(first: StreamlitPage) -> StreamlitPage:
    """What ``/``, and an address that the role has no page for, stand for: not in the menu, it goes on to the
    first page of the role.

    Streamlit lets its default page answer to ``/`` alone; with this one, every page has its own address.
    """

    def start() -> NoReturn:
        st.switch_page(first, query_params=st.query_params.to_dict())

    return st.Page(start, title=first.title, icon=first.icon, default=True, visibility="hidden")


def route() -> None:
    """Draw the page that the address names, for who is signed in."""
    st.set_page_config(page_title="Suggester", page_icon=FAVICON, layout="wide")
    here = enter()
    st.session_state["_visit"] = here
    pages: list[StreamlitPage] = []
    for entry in pages_of(here.actor.role):
        page = st.Page(entry.function(), title=entry.title, icon=entry.icon, url_path=entry.address)
        if entry.address == "review":
            st.session_state["_review_page"] = page
        pages.append(page)
    chosen = st.navigation([_start(pages[0]), *pages], position="top")
    st.set_page_config(page_title=f"{chosen.title} · Suggester", page_icon=FAVICON, layout="wide")
    try:
        chosen.run()
    except SessionError as error:  # it ended while the page was drawn
        leave(here.context, error.reason)
