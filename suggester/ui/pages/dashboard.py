"""The dashboard page: figures of finished work, for the manager."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import streamlit as st

from suggester.errors import ReviewError
from suggester.review.types import CodeCount, Dashboard
from suggester.ui import charts
from suggester.ui.shell import Visit, empty_state, visit
from suggester.ui.tables import figure, kept, may_see, minutes, percent

__all__ = ["page"]

_SPANS = {"7 days": 7, "30 days": 30, "90 days": 90, "A year": 365}
_OWN = "Own days"
_SHARE = st.column_config.ProgressColumn(format="percent", min_value=0.0, max_value=1.0)
_NO_PLANTS = (
    "Nothing was planted. The setting `SUGGESTER_PLANTED_SHARE` (0.02, say) plants one known-wrong "
    "suggestion in that share of imported notes; they never reach a summary."
)
_ABOUT_RATES = "What became of decided suggestions; the grey tick is the mean confidence."
_RATES = {"Share accepted": _SHARE, "Mean confidence": _SHARE}


def page() -> None:
    """Draw the figures of some days, each with plot, table and download."""
    here = visit()
    st.title("Dashboard")
    if not may_see(here, "dashboard.read"):
        return
    since, until = _days()
    try:
        board = here.service.dashboard(here.token, since=since, until=until)
    except ReviewError as error:
        st.error(str(error))
        return
    if not board.notes_finished and not board.by_band:
        empty_state(
            "Nothing was finished in these days",
            "Choose other days above. Figures come with the first note that a coder finishes.",
            icon=":material/monitoring:",
        )
        return
    _numbers(board)
    _figures(board, _download(here, since, until))


def _days() -> tuple[date, date]:
    today = date.today()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.segmented_control(
            "Days", [*_SPANS, _OWN], key=kept("dash_span", "30 days"), required=True
        )
        if chosen == _OWN:
            since = st.date_input("From", key=kept("dash_since", today - timedelta(days=29)), width=150)
            until = st.date_input("To", key=kept("dash_until", today), width=150)
            return since, until
    return today - timedelta(days=_SPANS.get(str(chosen), 30) - 1), today


def _download(here: Visit, since: date, until: date) -> Callable[[str], Callable[[], bytes]]:
    def of(name: str) -> Callable[[], bytes]:
        return lambda: here.service.dashboard_csv(here.token, name, since=since, until=until)

    return of


def _numbers(board: Dashboard) -> None:
    decided = sum(group.decided for group in board.by_system)
    accepted = sum(group.accepted for group in board.by_system)
    seconds = sum(day.seconds for day in board.coder_days)
    planted = sum(row.planted for row in board.attention)
    caught = sum(row.caught for row in board.attention)
    for column, (label, value, about) in zip(
        st.columns(6),
        (
            ("Notes finished", f"{board.notes_finished:,}", f"{board.open_notes:,} are open now"),
            ("Codes", f"{board.codes_final:,}", "in the coding summaries of finished notes"),
            ("Work", minutes(seconds), "time with a note open"),
            ("Accepted as suggested", percent(accepted / decided if decided else None), f"of {decided:,}"),
            (
                "Calibration error",
                "–" if board.calibration_error is None else f"{100 * board.calibration_error:.1f} %",
                "mean distance of the confidence shown from the share accepted",
            ),
            (
                "Planted, caught",
                f"{caught} of {planted}" if planted else "–",
                "known-wrong suggestions that the coder did not accept",
            ),
        ),
        strict=True,
    ):
        column.metric(label, value, help=about)


def _figures(board: Dashboard, csv: Callable[[str], Callable[[], bytes]]) -> None:
    days = [
        {
            "Coder": day.coder,
            "Day": day.day,
            "Notes": day.notes,
            "Codes": day.codes,
            "Median time": minutes(day.median_seconds),
        }
        for day in board.coder_days
    ]
    _pair(
        dict(
            title="Notes a day", about="Notes finished, by coder.", rows=days,
            picture=charts.day_bars(board.coder_days, "notes"), name="coder_days", key="notes",
        ),
        dict(
            title="Codes a day", about="Codes in their summaries, by coder.", rows=days,
            picture=charts.day_bars(board.coder_days, "codes"), name="coder_days", key="codes",
        ),
        csv=csv,
    )  # fmt: skip
    _pair(
        dict(
            title="Time a note", about="Median of the time with the note open.", rows=days,
            picture=charts.time_lines(board.coder_days), name="coder_days", key="time",
        ),
        dict(
            title="Calibration",
            about="Decisions against the confidence shown, with 95 % intervals. On the dashed line a "
            "confidence of 80 % means that 80 of 100 are accepted.",
            rows=charts.rate_records(board.calibration), columns=_RATES,
            picture=charts.calibration_plot(board.calibration), name="calibration", key="calibration",
        ),
        csv=csv,
    )  # fmt: skip
    _pair(
        *(
            dict(
                title=title, about=_ABOUT_RATES,
                rows=charts.rate_records(groups), columns=_RATES, picture=charts.rate_bars(groups),
                name=name, key=name,
            )
            for title, groups, name in (
                ("Acceptance by confidence", board.by_band, "by_band"),
                ("Acceptance by system", board.by_system, "by_system"),
            )
        ),
        csv=csv,
    )  # fmt: skip
    chapters = sorted(board.by_chapter, key=lambda group: _natural(group.group))
    _draw(
        csv,
        title="Acceptance by chapter",
        about=_ABOUT_RATES,
        rows=charts.rate_records(chapters),
        columns=_RATES,
        picture=charts.rate_bars(chapters),
        name="by_chapter",
        key="by_chapter",
    )
    _pair(
        dict(
            title="Most rejected", about="Suggested codes that coders rejected.",
            rows=_counts(board.most_rejected), picture=charts.code_bars(board.most_rejected, colour=2),
            name="most_rejected", key="rejected",
        ),
        dict(
            title="Most added", about="Codes that coders added because nobody suggested them.",
            rows=_counts(board.most_added), picture=charts.code_bars(board.most_added),
            name="most_added", key="added", empty="No code was added in these days.",
        ),
        csv=csv,
    )  # fmt: skip
    _pair(
        dict(
            title="Most replaced", about="Suggested codes and what coders took instead.",
            rows=_counts(board.most_replaced), picture=charts.code_bars(board.most_replaced, colour=1),
            name="most_replaced", key="replaced", empty="No code was replaced in these days.",
        ),
        dict(
            title="Rubber-stamp check",
            about="Suggestions planted because they are known to be wrong, and how many were not accepted.",
            rows=[
                {"Coder": r.coder, "Planted": r.planted, "Caught": r.caught, "Share": r.caught / r.planted}
                for r in board.attention
            ],
            columns={"Share": _SHARE}, picture=None, name="attention", key="attention",
            empty=_NO_PLANTS,
        ),
        csv=csv,
    )  # fmt: skip


def _pair(left: dict[str, Any], right: dict[str, Any], *, csv: Callable[[str], Callable[[], bytes]]) -> None:
    for column, values in zip(st.columns(2), (left, right), strict=True):
        with column:
            _draw(csv, **values)


def _draw(csv: Callable[[str], Callable[[], bytes]], *, name: str, key: str, **values: Any) -> None:
    figure(**values, file_name=f"{name.replace('_', '-')}.csv", data=csv(name), key=f"dash_{key}")


def _counts(counts: tuple[CodeCount, ...]) -> list[dict[str, Any]]:
    return [
        {"Code": c.code, "Title": c.display, "System": c.system, "Times": c.count}
        | ({} if c.other is None else {"Instead": c.other})
        for c in counts
    ]


def _natural(name: str) -> tuple[int, str]:
    """A key that puts chapter 2 before chapter 11, and those without a number last.

    >>> sorted(["CPT visits", "11 Digestive", "2 Neoplasms"], key=_natural)
    ['2 Neoplasms', '11 Digestive', 'CPT visits']
    """
    first = name.split(" ", 1)[0]
    return (int(first) if first.isascii() and first.isdigit() else 1_000, name)
