"""What pages share: who may see a page, tables with their download, values in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from suggester.review.permissions import allows
from suggester.ui.charts import Picture
from suggester.ui.shell import Visit, empty_state

__all__ = ["chart", "csv_download", "figure", "kept", "may_see", "minutes", "percent", "table"]

_KEPT = "_kept_values"


def may_see(here: Visit, permission: str) -> bool:
    """Whether the page is for this role; says so where it is not. The service checks every call again."""
    if allows(here.actor.role, permission):
        return True
    empty_state(
        "This page is not for your role",
        "Ask your administrator if you need it.",
        icon=":material/lock:",
    )
    return False


def kept(key: str, default: Any) -> str:
    """Name of a widget whose value outlives a visit to another page; give it to the widget as its key."""
    store: dict[str, Any] = st.session_state.setdefault(_KEPT, {})
    if key in st.session_state:
        store[key] = st.session_state[key]
    else:
        st.session_state[key] = store.get(key, default)
    return key


def minutes(seconds: float | None) -> str:
    """A duration in words.

    >>> minutes(42.0), minutes(150), minutes(3 * 3600 + 60), minutes(None)
    ('42 s', '2.5 min', '3 h 1 min', '–')
    """
    if seconds is None:
        return "–"
    if seconds < 60:
        return f"{seconds:.0f} s"
    if seconds < 3600:
        return f"{seconds / 60:.1f}".removesuffix(".0") + " min"
    return f"{int(seconds // 3600)} h {int(seconds % 3600 // 60)} min"


def percent(share: float | None) -> str:
    """A share in whole percent.

    >>> percent(0.934), percent(None)
    ('93 %', '–')
    """
    return "–" if share is None else f"{100 * share:.0f} %"


def table(
    rows: Sequence[Mapping[str, Any]],
    *,
    alt_text: str,
    columns: Mapping[str, Any] | None = None,
    height: int | None = None,
) -> None:
    """A table to read: cells are shown as they are, never as markup."""
    st.dataframe(
        list(rows),
        hide_index=True,
        column_config=dict(columns or {}),
        height="auto" if height is None else height,
        alt=alt_text,
    )


def csv_download(name: str, data: Callable[[], bytes], *, key: str, label: str = "CSV") -> None:
    """A button that makes the CSV file ``name`` when it is pressed."""
    st.download_button(
        label,
        data=data,
        file_name=name,
        mime="text/csv",
        key=key,
        icon=":material/download:",
        on_click="ignore",
        type="tertiary",
        help=f"Download {name}",
    )


def chart(picture: Picture, *, alt_text: str) -> None:
    """A chart in the colours of the page, with words for those who do not see it."""
    st.altair_chart(picture, width="stretch", alt=alt_text)


def figure(
    title: str,
    about: str,
    *,
    picture: Picture | None,
    rows: Sequence[Mapping[str, Any]],
    file_name: str,
    data: Callable[[], bytes],
    key: str,
    columns: Mapping[str, Any] | None = None,
    empty: str = "Nothing in these days.",
) -> None:
    """One figure in its frame: title, what it says, plot, table, download. Titles are our own words."""
    with st.container(border=True, height="stretch"):
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            st.markdown(f"#### {title}", width="content")
            if rows:
                csv_download(file_name, data, key=f"{key}_csv")
        st.caption(about)
        if not rows:
            st.markdown(empty)
            return
        if picture is None:
            table(rows, alt_text=title, columns=columns)
            return
        plot, numbers = st.tabs(["Plot", "Table"])
        with plot:
            chart(picture, alt_text=f"{title}. {about} The table beside it has the numbers.")
        with numbers:
            table(rows, alt_text=title, columns=columns)
