"""Charts of the pages: figures of the review service in, Vega-Lite pictures out; nothing is computed here
that the service does not say, but intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt

from suggester.review.agreeing import wilson
from suggester.review.types import AcceptRate, Agreement, CodeCount, CoderDay

__all__ = [
    "Picture",
    "agreement_bar",
    "calibration_plot",
    "code_bars",
    "day_bars",
    "rate_bars",
    "rate_records",
    "time_lines",
]

_HEIGHT = 280
_ROW = 26
_LABEL = 190
_OUTCOMES = ("accepted", "replaced", "rejected")
_COLOURS = ("#0072b2", "#e69f00", "#cc79a7")
"""Blue, amber and pink of Okabe and Ito: told apart by those who do not see red or green."""


type Picture = alt.Chart | alt.LayerChart | alt.FacetChart


def _chart(records: list[dict[str, Any]], height: int) -> Any:
    """A chart of these records; Altair gives the same type back whatever is added."""
    return alt.Chart(alt.InlineData(values=records), height=height)


def day_bars(days: Sequence[CoderDay], value: str) -> Picture:
    """``notes`` or ``codes`` a day, stacked by coder."""
    records = [{"day": d.day.isoformat(), "coder": d.coder, value: getattr(d, value)} for d in days]
    picture: Picture = (
        _chart(records, _HEIGHT)
        .mark_bar(size=max(5, min(38, 420 // max(1, len({d.day for d in days})))))
        .encode(
            x=alt.X("day:O", title=None, axis=alt.Axis(labelAngle=-40, labelOverlap=True)),
            y=alt.Y(f"{value}:Q", title=value, axis=alt.Axis(tickMinStep=1)),
            color=alt.Color("coder:N", title=None, legend=alt.Legend(orient="top", labelLimit=_LABEL)),
            tooltip=[alt.Tooltip("day:O"), alt.Tooltip("coder:N"), alt.Tooltip(f"{value}:Q")],
        )
    )
    return picture


def time_lines(days: Sequence[CoderDay]) -> Picture:
    """Median minutes a note, by day and coder."""
    records = [
        {"day": d.day.isoformat(), "coder": d.coder, "minutes": round(d.median_seconds / 60, 2)} for d in days
    ]
    picture: Picture = (
        _chart(records, _HEIGHT)
        .mark_line(point=alt.OverlayMarkDef(size=70, filled=True), strokeWidth=2)
        .encode(
            x=alt.X("day:O", title=None, axis=alt.Axis(labelAngle=-40, labelOverlap=True)),
            y=alt.Y("minutes:Q", title="median minutes a note"),
            color=alt.Color("coder:N", title=None, legend=alt.Legend(orient="top", labelLimit=_LABEL)),
            shape=alt.Shape("coder:N", title=None, legend=None),
            tooltip=[alt.Tooltip("day:O"), alt.Tooltip("coder:N"), alt.Tooltip("minutes:Q")],
        )
    )
    return picture


def rate_records(groups: Sequence[AcceptRate]) -> list[dict[str, Any]]:
    """Groups as rows of a table."""
    return [
        {
            "Group": group.group,
            "Decided": group.decided,
            "Accepted": group.accepted,
            "Replaced": group.replaced,
            "Rejected": group.rejected,
            "Share accepted": group.rate,
            "Mean confidence": group.mean_confidence,
        }
        for group in groups
    ]


def rate_bars(groups: Sequence[AcceptRate]) -> Picture:
    """Of each group what became of the suggestions, with the mean confidence as a tick."""
    records = [
        {
            "group": group.group,
            "outcome": outcome,
            "share": getattr(group, outcome) / group.decided,
            "count": getattr(group, outcome),
            "order": place,
            "confidence": group.mean_confidence,
        }
        for group in groups
        if group.decided
        for place, outcome in enumerate(_OUTCOMES)
    ]
    names = [group.group for group in groups]
    height = _ROW * len(groups) + 100
    rows = alt.Y(
        "group:N",
        title=None,
        sort=names,
        axis=alt.Axis(labelLimit=_LABEL, labelPadding=6, labelOverlap=False),
    )
    base = _chart(records, height)
    bars = base.mark_bar(height=alt.RelativeBandSize(band=0.7)).encode(
        y=rows,
        x=alt.X(
            "share:Q",
            title="share of decided suggestions",
            stack="zero",
            scale=alt.Scale(domain=[0, 1]),
            axis=alt.Axis(format="%", tickCount=5),
        ),
        color=alt.Color(
            "outcome:N",
            title=None,
            sort=list(_OUTCOMES),
            scale=alt.Scale(domain=list(_OUTCOMES), range=list(_COLOURS)),
            legend=alt.Legend(orient="top"),
        ),
        order=alt.Order("order:Q"),
        tooltip=[
            alt.Tooltip("group:N"),
            alt.Tooltip("outcome:N"),
            alt.Tooltip("count:Q"),
            alt.Tooltip("share:Q", format=".0%"),
        ],
    )
    ticks = base.mark_tick(thickness=3, size=_ROW - 4, color="#7f8c99").encode(
        y=rows,
        x=alt.X("confidence:Q"),
        tooltip=[alt.Tooltip("group:N"), alt.Tooltip("confidence:Q", format=".0%", title="mean confidence")],
    )
    return alt.layer(bars, ticks)


def calibration_plot(groups: Sequence[AcceptRate]) -> Picture:
    """Share accepted by mean confidence with 95 % intervals; on the grey line confidence tells the truth."""
    records = []
    for group in groups:
        interval = wilson(group.accepted, group.decided)
        if interval is not None:
            records.append(
                {
                    "confidence": group.mean_confidence,
                    "accepted": group.rate,
                    "low": interval[0],
                    "high": interval[1],
                    "decided": group.decided,
                }
            )
    whole = alt.Scale(domain=[0, 1])
    line = (
        _chart([{"confidence": 0, "accepted": 0}, {"confidence": 1, "accepted": 1}], 320)
        .mark_line(strokeDash=[5, 4], color="#7f8c99")
        .encode(x="confidence:Q", y="accepted:Q")
    )
    base = _chart(records, 320)
    x = alt.X("confidence:Q", title="confidence shown", scale=whole, axis=alt.Axis(format="%"))
    y = alt.Y("accepted:Q", title="share accepted", scale=whole, axis=alt.Axis(format="%"))
    bars = base.mark_rule(strokeWidth=2, opacity=0.55, color=_COLOURS[0]).encode(x=x, y="low:Q", y2="high:Q")
    points = base.mark_circle(color=_COLOURS[0], opacity=0.95).encode(
        x=x,
        y=y,
        size=alt.Size("decided:Q", legend=None, scale=alt.Scale(range=[50, 400])),
        tooltip=[
            alt.Tooltip("confidence:Q", format=".0%", title="mean confidence"),
            alt.Tooltip("accepted:Q", format=".0%", title="accepted"),
            alt.Tooltip("low:Q", format=".0%", title="95 % from"),
            alt.Tooltip("high:Q", format=".0%", title="to"),
            alt.Tooltip("decided:Q"),
        ],
    )
    return alt.layer(line, bars, points)


def code_bars(counts: Sequence[CodeCount], *, colour: int = 0) -> Picture:
    """The codes that come first, as bars; ``colour`` is a place in the palette."""
    records = [
        {
            "code": item.code if item.other is None else f"{item.code} → {item.other}",
            "title": item.display,
            "count": item.count,
        }
        for item in counts[:10]
    ]
    names = [str(record["code"]) for record in records]
    picture: Picture = (
        _chart(records, _ROW * len(records) + 60)
        .mark_bar(height=alt.RelativeBandSize(band=0.7), color=_COLOURS[colour])
        .encode(
            y=alt.Y(
                "code:N",
                title=None,
                sort=names,
                axis=alt.Axis(labelLimit=_LABEL),
            ),
            x=alt.X("count:Q", title="times", axis=alt.Axis(tickMinStep=1)),
            tooltip=[alt.Tooltip("code:N"), alt.Tooltip("title:N"), alt.Tooltip("count:Q")],
        )
    )
    return picture


def agreement_bar(found: Agreement) -> Picture:
    """Codes that both gave, and that one of the two gave, in one bar."""
    parts = (
        ("both", found.both),
        ("coder only", found.coder_only),
        ("auditor only", found.auditor_only),
    )
    records = [{"who": who, "codes": count, "order": place} for place, (who, count) in enumerate(parts)]
    picture: Picture = (
        _chart(records, 130)
        .mark_bar(height=30)
        .encode(
            x=alt.X("codes:Q", title="codes", stack="zero", axis=alt.Axis(tickMinStep=1)),
            color=alt.Color(
                "who:N",
                title=None,
                sort=[who for who, _ in parts],
                scale=alt.Scale(domain=[who for who, _ in parts], range=list(_COLOURS)),
                legend=alt.Legend(orient="top"),
            ),
            order=alt.Order("order:Q"),
            tooltip=[alt.Tooltip("who:N"), alt.Tooltip("codes:Q")],
        )
    )
    return picture
