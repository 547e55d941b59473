"""The audit page: samples of finished notes, blind second coding, agreement."""

from __future__ import annotations

from datetime import date
from typing import Any

import streamlit as st

from suggester.errors import ReviewError
from suggester.review.cells import csv_bytes
from suggester.review.permissions import allows
from suggester.review.types import Agreement, AuditSample, SampleSize
from suggester.ui import charts
from suggester.ui.shell import Visit, empty_state, visit
from suggester.ui.tables import chart, csv_download, kept, may_see, percent, table

__all__ = ["page"]

_CONFIDENCES = {"90 %": 0.90, "95 %": 0.95, "99 %": 0.99}
_EVERYBODY = "Every coder"
_AGREED = {None: "", True: "same codes", False: "codes differ"}
_CHOSEN = "_audit_chosen"


def page() -> None:
    """Draw a sample, code it blind, see how far the two agree."""
    here = visit()
    st.title("Audit")
    if not may_see(here, "audit.sample"):
        return
    samples = here.service.samples(here.token)
    left, right = st.columns([1, 2], gap="medium")
    with left:
        _draw(here)
    with right:
        if not samples:
            empty_state(
                "No sample yet",
                "Choose on the left how sure you want to be, then draw a sample of finished notes.",
                icon=":material/rule:",
            )
            return
        _sample(here, samples)


# --- drawing -------------------------------------------------------------------------------------------


def _draw(here: Visit) -> None:
    """What to audit, how many notes that needs, and the button that draws them."""
    people = {name: user_id for user_id, name in here.service.coders(here.token)}
    with st.container(border=True):
        st.markdown("#### Draw a sample")
        who = st.selectbox("Coder", [_EVERYBODY, *people], key=kept("audit_coder", _EVERYBODY))
        one, two = st.columns(2, gap="xsmall")
        since = one.date_input("Finished from", key=kept("audit_since", None), format="YYYY-MM-DD")
        until = two.date_input("to", key=kept("audit_until", None), format="YYYY-MM-DD")
        chosen = st.segmented_control(
            "Confidence", list(_CONFIDENCES), key=kept("audit_confidence", "95 %"), required=True
        )
        margin = st.number_input(
            "Margin, ± percentage points",
            min_value=1,
            max_value=50,
            key=kept("audit_margin", 5),
            help="How far the share found may be from the truth.",
        )
        rate = st.number_input(
            "Agreement expected, %",
            min_value=1,
            max_value=99,
            key=kept("audit_rate", 50),
            help="50 % needs most notes and holds whatever comes out.",
        )
        wanted: dict[str, Any] = {
            "confidence": _CONFIDENCES[str(chosen)],
            "margin": margin / 100,
            "expected_rate": rate / 100,
            "coder_id": people.get(who),
            "since": since,
            "until": until,
        }
        size = here.service.sample_size(here.token, **wanted)
        _size(here, size, wanted)


def _size(here: Visit, size: SampleSize, wanted: dict[str, Any]) -> None:
    if not size.population:
        st.info("Nothing is finished within these choices yet.", icon=":material/info:")
        return
    st.metric(
        "Notes to code again",
        f"{size.size:,} of {size.population:,}",
        help="Cochran's formula with the correction for a finite population.",
    )
    own = st.number_input(
        "Or as many as",
        min_value=1,
        max_value=size.population,
        value=None,
        key="audit_own",
        placeholder=f"{size.size:,} (computed)",
    )
    if st.button("Draw the sample", type="primary", icon=":material/casino:", key="audit_draw"):
        try:
            drawn = here.service.draw_sample(here.token, size=own, **wanted)
        except ReviewError as error:
            st.error(str(error))
        else:
            st.session_state[_CHOSEN] = drawn.id
            st.rerun()


# --- one sample ----------------------------------------------------------------------------------------


def _sample(here: Visit, samples: tuple[AuditSample, ...]) -> None:
    by_id = {sample.id: sample for sample in samples}
    chosen = str(st.session_state.get(_CHOSEN, ""))
    picked = st.selectbox(
        "Sample",
        list(by_id),
        index=list(by_id).index(chosen) if chosen in by_id else 0,
        format_func=lambda sample_id: _named(by_id[sample_id]),
    )
    st.session_state[_CHOSEN] = picked
    sample = by_id[picked]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(
            sample.done / len(sample.items), text=f"{sample.done:,} of {len(sample.items):,} coded again"
        )
        if allows(here.actor.role, "audit.code") and sample.done < len(sample.items):
            _code(here, sample)
    notes, agreement = st.tabs(["Agreement", "Notes"])[::-1]
    with agreement:
        _agreement(here, sample)
    with notes:
        _items(sample)


def _named(sample: AuditSample) -> str:
    return (
        f"{sample.created_at.astimezone():%Y-%m-%d %H:%M} · {len(sample.items):,} notes, {sample.done:,} done"
        f" · drawn by {sample.created_by}"
    )


def _code(here: Visit, sample: AuditSample) -> None:
    """The button that opens the next waiting note on the sample's own track."""
    if not st.button(
        "Code the next note blind", type="primary", icon=":material/visibility_off:", key="audit_code"
    ):
        return
    try:
        view = here.service.take_audit(here.token, sample.id)
    except ReviewError as error:
        st.error(str(error))
        return
    if view is None:
        st.info("The notes that wait are held by others, or are your own.")
        return
    st.switch_page(st.session_state["_review_page"], query_params={"note": view.id, "track": view.track})


def _items(sample: AuditSample) -> None:
    table(
        [
            {
                "Note": item.name,
                "First coder": item.coder,
                "State": item.status,
                "Result": _AGREED[item.agreed],
            }
            for item in sample.items
        ],
        alt_text="Notes of the sample",
    )
    size = sample.size
    st.caption(
        f"{size.size:,} of {size.population:,} finished notes{_days(sample.since, sample.until)}, "
        f"computed for {100 * size.confidence:.0f} % confidence and ± {100 * size.margin:.0f} points."
    )


def _days(since: date | None, until: date | None) -> str:
    """Days in words.

    >>> _days(date(2026, 6, 1), None)
    ' from 2026-06-01'
    """
    return "".join(
        f" {word} {day.isoformat()}" for word, day in (("from", since), ("to", until)) if day is not None
    )


def _agreement(here: Visit, sample: AuditSample) -> None:
    found = here.service.agreement(here.token, sample.id)
    if not found.notes:
        empty_state(
            "No note was coded again yet",
            "Agreement comes with the first second coding."
            if allows(here.actor.role, "audit.code")
            else "An auditor codes the notes again, without seeing the first codes.",
            icon=":material/visibility_off:",
        )
        return
    one, two, three, four = st.columns(4)
    low, high = found.interval or (0.0, 0.0)
    one.metric(
        "Codes agreed", percent(found.percent), help="Codes that both gave, of those that either gave."
    )
    one.caption(f"95 % interval {percent(low)} to {percent(high)}")
    two.metric(
        "Cohen's kappa",
        "–" if found.kappa is None else f"{found.kappa:.2f}",
        help="Agreement beyond chance, over the codes that were suggested or added for each note.",
    )
    two.caption(_kappa_words(found.kappa))
    three.metric("Notes with the same codes", f"{found.notes_exact:,} of {found.notes:,}")
    four.metric("Same first diagnosis", f"{found.first_listed_same:,} of {found.notes:,}")
    chart(
        charts.agreement_bar(found),
        alt_text=f"{found.both} codes of both, {found.coder_only} of the coder only, "
        f"{found.auditor_only} of the auditor only",
    )
    _disagreements(found, sample)


def _kappa_words(kappa: float | None) -> str:
    """How strong a kappa is, in the words of Landis and Koch (1977).

    >>> _kappa_words(0.75), _kappa_words(-0.1), _kappa_words(None)
    ('substantial', 'less than chance', 'chance alone explains it')
    """
    if kappa is None:
        return "chance alone explains it"
    if kappa < 0:
        return "less than chance"
    steps = ((0.2, "slight"), (0.4, "fair"), (0.6, "moderate"), (0.8, "substantial"))
    return next((word for bound, word in steps if kappa <= bound), "almost perfect")


def _disagreements(found: Agreement, sample: AuditSample) -> None:
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.markdown("#### Disagreements", width="content")
        with st.container(horizontal=True, width="content"):
            csv_download(
                "agreement.csv", lambda: _figures(found, sample), key="audit_figures", label="Figures"
            )
            if found.disagreements:
                csv_download(
                    "disagreements.csv", lambda: _rows(found), key="audit_rows", label="Disagreements"
                )
    if not found.disagreements:
        st.markdown("The two gave the same codes everywhere.")
        return
    table(
        [
            {
                "Note": item.name,
                "Code": item.code,
                "Title": item.display,
                "Given by": item.by,
                "First coder": item.coder,
                "Chapter": item.chapter,
                "System": item.system,
            }
            for item in found.disagreements
        ],
        alt_text="Codes that one of the two gave",
        columns={"Title": st.column_config.TextColumn(width="medium")},
    )


def _rows(found: Agreement) -> bytes:
    header = ("note", "system", "code", "display", "by", "coder", "chapter")
    return csv_bytes(
        header,
        [(d.name, d.system, d.code, d.display, d.by, d.coder, d.chapter) for d in found.disagreements],
    )


def _figures(found: Agreement, sample: AuditSample) -> bytes:
    low, high = found.interval or (None, None)
    return csv_bytes(
        ("figure", "value"),
        (
            ("population", sample.size.population),
            ("sample", len(sample.items)),
            ("notes", found.notes),
            ("notes_exact", found.notes_exact),
            ("first_listed_same", found.first_listed_same),
            ("both", found.both),
            ("coder_only", found.coder_only),
            ("auditor_only", found.auditor_only),
            ("percent", found.percent),
            ("interval_low", low),
            ("interval_high", high),
            ("kappa", found.kappa),
        ),
    )
