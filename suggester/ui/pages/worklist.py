"""The worklist: notes that wait, riskiest first."""

from __future__ import annotations

import streamlit as st

from suggester.ui.shell import empty_state, open_note, visit

__all__ = ["page"]

_A_PAGE = 50


def page() -> None:
    """List notes and open the one that is picked."""
    here = visit()
    st.title("Worklist")
    rows = here.service.worklist(here.token, limit=_A_PAGE).rows
    if not rows:
        empty_state("No notes yet", "Import notes to begin, or ask your manager to.")
        return
    picked = st.dataframe(
        [
            {
                "Note": row.name,
                "Status": row.status.replace("_", " "),
                "Kind": row.kind or "",
                "Service date": row.service_date,
                "Suggestions": row.suggestions,
                "Open": row.pending,
                "Held by": row.held_by or "",
            }
            for row in rows
        ],
        hide_index=True,
        on_select="rerun",
        selection_mode="single-row",
        key="worklist",
    )
    chosen = picked.selection.rows
    if chosen:
        open_note(rows[chosen[0]].id)
