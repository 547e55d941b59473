"""Which pages there are, who sees them, and which one runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec

import streamlit as st

from suggester.errors import SessionError
from suggester.review.types import Role
from suggester.ui.shell import FAVICON, enter, leave

__all__ = ["PAGES", "PageEntry", "route"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PageEntry:
    """A page of the app. Its module has a function ``page()``; the service checks every call again."""

    module: str
    title: str
    icon: str
    address: str
    roles: tuple[Role, ...]

    def function(self) -> Callable[[], None]:
        """What draws the page."""
        found: Callable[[], None] = import_module(f"suggester.ui.pages.{self.module}").page
        return found


_ALL: tuple[Role, ...] = ("coder", "auditor", "manager", "admin")
PAGES: tuple[PageEntry, ...] = (
    PageEntry(module="worklist", title="Worklist", icon=":material/list_alt:", address="worklist", roles=_ALL),
    PageEntry(module="review", title="Review", icon=":material/fact_check:", address="review", roles=_ALL),
    PageEntry(
        module="import",
        title="Import",
        icon=":material/upload_file:",
        address="import",
        roles=("manager", "admin"),
    ),
    PageEntry(
        module="audit",
        title="Audit",
        icon=":material/rule:",
        address="audit",
        roles=("auditor", "manager", "admin"),
    ),
    PageEntry(
        module="dashboard",
        title="Dashboard",
        icon=":material/monitoring:",
        address="dashboard",
        roles=("manager", "admin"),
    ),
)


def route() -> None:
    """Draw the page that the address names, for who is signed in."""
    st.set_page_config(page_title="Suggester", page_icon=FAVICON, layout="wide")
    here = enter()
    st.session_state["_visit"] = here
    pages = []
    for entry in PAGES:
        if here.actor.role not in entry.roles or find_spec(f"suggester.ui.pages.{entry.module}") is None:
            continue
        page = st.Page(
            entry.function(),
            title=entry.title,
            icon=entry.icon,
            url_path=entry.address,
            default=entry.address == "worklist",
        )
        if entry.address == "review":
            st.session_state["_review_page"] = page
        pages.append(page)
    try:
        st.navigation(pages, position="top").run()
    except SessionError as error:  # it ended while the page was drawn
        leave(here.context, error.reason)
