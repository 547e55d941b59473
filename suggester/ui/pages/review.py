"""The review page: one note with its suggestions, in one widget."""

from __future__ import annotations

import streamlit as st

from suggester.ui.context import csrf_token
from suggester.ui.shell import visit
from suggester.ui.widgets import review_widget

__all__ = ["page"]


def page() -> None:
    """Draw the widget; it loads notes itself, so that no note text goes through Streamlit."""
    here = visit()
    note = st.query_params.get("note", "") or str(st.session_state.pop("_open_note", ""))
    track = st.query_params.get("track", "primary")
    review_widget(
        {
            "note": note,
            "track": track,
            "user": here.actor.user_id,
            "role": here.actor.role,
            "demo": here.context.demo,
            "csrf": csrf_token(here.token),
            "tour": st.query_params.get("tour") == "1",
        }
    )
