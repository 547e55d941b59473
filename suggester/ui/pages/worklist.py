"""The worklist: notes that wait, riskiest first; the day's progress; taking the next; assigning."""

from __future__ import annotations

from typing import Any

import streamlit as st

from suggester.errors import ReviewError
from suggester.review.permissions import allows
from suggester.review.types import (
    NOTE_STATUSES,
    NoteStatus,
    Progress,
    WorkCounts,
    WorkFilters,
    WorkPage,
    WorkRow,
    WorkSort,
)
from suggester.ui.shell import Visit, empty_state, open_note, visit
from suggester.ui.tables import kept, may_see, minutes

__all__ = ["page"]

_A_PAGE = 50
_SORTS: dict[str, WorkSort] = {
    "Riskiest": "risk",
    "Oldest import": "age",
    "Service date": "service_date",
    "Least sure": "confidence",
}
_ANYONE, _ME, _NOBODY = "Anybody", "Me", "Nobody"
_MORE: dict[str, Any] = {
    "work_kinds": [],
    "work_since": None,
    "work_until": None,
    "work_assigned": _ANYONE,
    "work_below": None,
    "work_flag": None,
    "work_name": "",
    "work_queried": False,
    "work_free": False,
}
_ALL: dict[str, Any] = {"work_statuses": [], **_MORE}
_HELP_RISK = (
    "Expected number of wrong suggestions: for each the smaller of its confidence and one minus it, plus 1 "
    "for each error flag and 0.25 for each warning."
)


def page() -> None:
    """List notes by filters, open one, take the next, assign."""
    here = visit()
    st.title("Worklist")
    if not may_see(here, "worklist.read"):
        return
    everything = here.service.work_counts(here.token)
    if not everything.total:
        empty_state(
            "No notes yet",
            "Import notes to begin: open the **Import** page."
            if allows(here.actor.role, "note.import")
            else "Import notes to begin, or ask your manager to.",
        )
        return
    people = {name: user_id for user_id, name in here.service.coders(here.token)}
    top = st.container()
    filters, sort = _filters(everything, people)
    with top:
        _day(here, filters, sort)
    _list(here, filters, sort, people)


# --- the day -------------------------------------------------------------------------------------------


def _day(here: Visit, filters: WorkFilters, sort: WorkSort) -> None:
    """Progress and pace of who is signed in, and the button that takes the next note."""
    if not allows(here.actor.role, "note.take"):
        return
    progress = here.service.progress(here.token, filters)
    with st.container(border=True, horizontal=True, vertical_alignment="center", gap="large"):
        st.metric("Finished today", f"{progress.finished_today:,}", width="content")
        st.metric("Codes today", f"{progress.codes_today:,}", width="content")
        st.metric(
            "Your pace",
            "–" if progress.seconds_a_note is None else f"{minutes(progress.seconds_a_note)} a note",
            help="Median of your latest 20 notes.",
            width="content",
        )
        st.metric("Open for you", f"{progress.open_notes:,}", width="content")
        st.metric(
            "Time left",
            _left(progress),
            help="What is open for you within the filters, at your own pace.",
            width="content",
        )
        with st.container(width="stretch", horizontal_alignment="right"):
            whole = progress.finished_today + progress.open_notes
            st.progress(
                progress.finished_today / whole if whole else 0.0,
                text=f"Today: {progress.finished_today:,} of {whole:,}",
            )
            if st.button(
                "Take the next note",
                type="primary",
                icon=":material/play_arrow:",
                disabled=not progress.open_notes,
                key="work_next",
            ):
                view = here.service.take_next(here.token, filters, sort=sort)
                if view is not None:
                    open_note(view.id)
                st.info("Somebody else took the last free note of this list.")


def _left(progress: Progress) -> str:
    """Time that is left in words."""
    return minutes(None if progress.minutes_left is None else progress.minutes_left * 60)


# --- filters -------------------------------------------------------------------------------------------


def _filters(counts: WorkCounts, people: dict[str, str]) -> tuple[WorkFilters, WorkSort]:
    by_status = dict(counts.by_status)
    for key, value in _ALL.items():
        kept(key, value)
    with st.container(horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute"):
        statuses: list[NoteStatus] = st.pills(
            "Status",
            [status for status in NOTE_STATUSES if by_status.get(status)],
            selection_mode="multi",
            format_func=lambda status: f"{_words(status)} {by_status[status]:,}",
            key="work_statuses",
            width="content",
        )
        with st.container(horizontal=True, vertical_alignment="bottom", width="content"):
            chosen = st.selectbox("Order", list(_SORTS), key=kept("work_sort", "Riskiest"), width=160)
            used = sum(st.session_state[key] != value for key, value in _MORE.items())
            with st.popover(
                f"Filters ({used})" if used else "Filters", icon=":material/filter_list:", width="content"
            ):
                _more(counts, people)
            st.button(
                "Clear", key="work_clear", on_click=_clear, type="tertiary", disabled=not (used or statuses)
            )
    return _chosen(tuple(statuses), people), _SORTS[chosen]


def _more(counts: WorkCounts, people: dict[str, str]) -> None:
    """The filters that are needed less often."""
    flags = [name for name, _ in counts.by_flag]
    numbers = dict(counts.by_flag)
    st.multiselect("Kind", [kind for kind, _ in counts.by_kind], key="work_kinds", placeholder="Any kind")
    left, right = st.columns(2)
    left.date_input("Service date from", key="work_since", format="YYYY-MM-DD")
    right.date_input("to", key="work_until", format="YYYY-MM-DD")
    st.selectbox("Assigned to", [_ANYONE, _ME, _NOBODY, *people], key="work_assigned")
    st.number_input(
        "Lowest confidence below, %",
        min_value=1,
        max_value=100,
        step=5,
        key="work_below",
        placeholder="Any",
        help="Notes whose least sure suggestion is below this.",
    )
    st.selectbox(
        "Flag",
        ["error", "warning", *flags],
        format_func=lambda rule: f"{rule} ({numbers[rule]:,})" if rule in numbers else f"any {rule}",
        key="work_flag",
        index=None,
        placeholder="Any or none",
    )
    st.text_input("Note id begins with", key="work_name")
    st.toggle("With an open question to the physician", key="work_queried")
    st.toggle("Held by nobody", key="work_free")


def _clear() -> None:
    for key, value in _ALL.items():
        st.session_state[key] = value


def _chosen(statuses: tuple[NoteStatus, ...], people: dict[str, str]) -> WorkFilters:
    """The filters as the service takes them."""
    values = st.session_state
    assigned = {_ANYONE: None, _ME: "me", _NOBODY: "none"}
    who = values["work_assigned"]
    below = values["work_below"]
    return WorkFilters(
        statuses=statuses,
        kinds=tuple(values["work_kinds"]),
        service_from=values["work_since"],
        service_to=values["work_until"],
        assigned=assigned[who] if who in assigned else people.get(who),
        below=None if below is None else below / 100,
        flag=values["work_flag"],
        name=values["work_name"].strip() or None,
        queried=True if values["work_queried"] else None,
        free=values["work_free"],
    )


# --- the list ------------------------------------------------------------------------------------------


def _list(here: Visit, filters: WorkFilters, sort: WorkSort, people: dict[str, str]) -> None:
    state = (filters, sort)
    if st.session_state.get("_work_seen") != state:
        st.session_state["_work_seen"], st.session_state["_work_offset"] = state, 0
    found = _found(here, filters, sort)
    if not found.rows:
        empty_state(
            "No note fits these filters",
            "Clear the filters, or choose others.",
            icon=":material/filter_list_off:",
        )
        return
    manages = allows(here.actor.role, "note.assign")
    picked = st.dataframe(
        [_cells(row) for row in found.rows],
        hide_index=True,
        on_select="rerun",
        selection_mode="multi-row" if manages else "single-row",
        key=f"worklist_{found.offset}_{hash(state)}",
        column_config=_COLUMNS,
        height=min(36 * len(found.rows) + 38, 36 * 15 + 38),
        row_height=36,
        alt=f"Notes {found.offset + 1} to {found.offset + len(found.rows)} of {found.total}",
    )
    chosen = [found.rows[index] for index in picked.selection.rows if index < len(found.rows)]
    if chosen and not manages:
        open_note(chosen[0].id)
    _pager(found, "Tick notes to assign or open them." if manages else "Tick a note to open it.")
    if manages:
        _manage(here, chosen, people)


def _found(here: Visit, filters: WorkFilters, sort: WorkSort) -> WorkPage:
    """The page of the list; the last there is, where notes went away meanwhile."""
    offset: int = st.session_state["_work_offset"]
    found = here.service.worklist(here.token, filters, sort=sort, offset=offset, limit=_A_PAGE)
    if not found.rows and offset and found.total:
        offset = st.session_state["_work_offset"] = (found.total - 1) // _A_PAGE * _A_PAGE
        found = here.service.worklist(here.token, filters, sort=sort, offset=offset, limit=_A_PAGE)
    return found


_COLUMNS: dict[str, Any] = {
    "Note": st.column_config.TextColumn(width=150),
    "Status": st.column_config.TextColumn(width=78),
    "Kind": st.column_config.TextColumn(width=119),
    "Risk": st.column_config.NumberColumn(format="%.1f", help=_HELP_RISK, width=55),
    "Least sure": st.column_config.ProgressColumn(
        format="%.0f %%",
        min_value=0.0,
        max_value=100.0,
        help="Confidence of the least sure suggestion",
        width=76,
    ),
    "Service date": st.column_config.DateColumn(format="YYYY-MM-DD", width=92),
    "To decide": st.column_config.TextColumn(help="Suggestions nobody decided on, of all", width=82),
    "Assigned to": st.column_config.TextColumn(width=92),
    "Held by": st.column_config.TextColumn(width=70),
}


def _words(status: str) -> str:
    """A status in words.

    >>> _words("in_review")
    'In review'
    """
    return status.replace("_", " ").capitalize()


def _cells(row: WorkRow) -> dict[str, Any]:
    """One row of the table."""
    return {
        "Note": row.name,
        "Status": _words(row.status),
        "Kind": row.kind or "",
        "Service date": row.service_date,
        "To decide": f"{row.pending} of {row.suggestions}",
        "Least sure": None if row.lowest_confidence is None else 100 * row.lowest_confidence,
        "Risk": row.risk,
        "Flags": _flags(row),
        "Assigned to": row.assigned_to or "",
        "Held by": "you" if row.held_by_me else row.held_by or "",
    }


def _flags(row: WorkRow) -> str:
    """Flags and questions of a note in words."""
    parts = [
        f"{count} {word}"
        for count, word in ((row.errors, "err."), (row.warnings, "warn."), (row.open_queries, "quest."))
        if count
    ]
    return ", ".join(parts)


def _pager(found: WorkPage, hint: str) -> None:
    last = found.offset + len(found.rows)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.caption(f"{found.offset + 1:,}–{last:,} of {found.total:,} notes. {hint}", width="content")
        if found.total > _A_PAGE:
            with st.container(horizontal=True, width="content"):
                st.button(
                    "Previous",
                    key="work_back",
                    icon=":material/chevron_left:",
                    disabled=found.offset == 0,
                    on_click=_move,
                    args=(max(0, found.offset - _A_PAGE),),
                )
                st.button(
                    "Next",
                    key="work_forth",
                    icon=":material/chevron_right:",
                    disabled=last >= found.total,
                    on_click=_move,
                    args=(found.offset + _A_PAGE,),
                )


def _move(offset: int) -> None:
    st.session_state["_work_offset"] = offset


def _manage(here: Visit, chosen: list[WorkRow], people: dict[str, str]) -> None:
    """What a manager does with the notes ticked."""
    note = st.session_state.pop("_work_note", None)
    if isinstance(note, str):
        st.success(note, icon=":material/check_circle:")
    with st.container(border=True, horizontal=True, vertical_alignment="bottom"):
        who = st.selectbox("Assign to", [*people, _NOBODY], key="work_to", width=240)
        if st.button(
            f"Assign {len(chosen)}" if chosen else "Assign",
            type="primary",
            disabled=not chosen,
            key="work_assign",
        ):
            try:
                changed = here.service.assign(
                    here.token, tuple(row.id for row in chosen), None if who == _NOBODY else people.get(who)
                )
            except ReviewError as error:
                st.error(str(error))
            else:
                st.session_state["_work_note"] = (
                    f"{changed:,} of {len(chosen):,} assigned; finished notes stay."
                )
                st.rerun()
        if st.button("Open", disabled=len(chosen) != 1, icon=":material/open_in_new:", key="work_open"):
            open_note(chosen[0].id)
