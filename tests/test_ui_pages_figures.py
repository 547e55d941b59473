"""The audit page and the dashboard, and their charts."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from pages_world import Pages, made_pages, words

from suggester.codesets import Catalog
from suggester.review.types import (
    AcceptRate,
    Agreement,
    AuditSample,
    CodeCount,
    CoderDay,
    DecisionInput,
    SampleSize,
)
from suggester.ui import charts, tables
from suggester.ui.pages import audit, dashboard


@pytest.fixture
def pages(tmp_path: Path, catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pages]:
    yield from made_pages(tmp_path, catalog, monkeypatch)


# --- audit ---------------------------------------------------------------------------------------------


def test_audit_without_finished_notes_says_so(pages: Pages) -> None:
    app = pages.run("audit", "auditor")
    assert "Nothing is finished" in words(app)
    assert "No sample yet" in words(app)


def finished_notes(pages: Pages, count: int = 3) -> list[str]:
    made = pages.world.put(*["hypertension, gout and fever"] * count)
    for note in made:
        pages.world.finished(note)
    return made


def second(pages: Pages, sample_id: str, note: str, *, leave_out: str | None = None) -> None:
    """The blind second coding of a note."""
    service, token = pages.world.service, pages.world.token("auditor")
    view = service.take_audit(token, sample_id, note)
    assert view is not None
    for row in view.rows:
        service.decide_batch(
            token,
            (
                DecisionInput(
                    uuid=f"{note}-{row.rank}",
                    note_id=note,
                    action="reject" if row.code == leave_out else "accept",
                    row_id=row.id,
                    reason="not supported" if row.code == leave_out else None,
                ),
            ),
            client="t",
            track=view.track,
        )
    service.finish(token, note, track=view.track)


def test_auditor_draws_a_sample_and_codes_it_blind(pages: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    notes = finished_notes(pages)
    app = pages.run("audit", "auditor")
    assert app.metric[0].value == "3 of 3"
    app.number_input(key="audit_margin").set_value(50).run()
    assert app.metric[0].value == "2 of 3"
    app.number_input(key="audit_own").set_value(3).run()
    app.button(key="audit_draw").click().run()
    assert not app.exception
    assert "No note was coded again yet" in words(app)
    assert sorted(app.dataframe[0].value["Note"]) == ["note-1", "note-2", "note-3"]
    sent: list[Any] = []
    monkeypatch.setattr(st, "switch_page", lambda page, query_params: sent.append(query_params))
    app.session_state["_review_page"] = "review"
    app.button(key="audit_code").click().run()
    [sample] = pages.world.service.samples(pages.world.token("auditor"))
    assert sent[0]["note"] in notes
    assert sent[0]["track"] == f"audit:{sample.id}"


def test_audit_shows_agreement_and_disagreements(pages: Pages) -> None:
    notes = finished_notes(pages)
    service, token = pages.world.service, pages.world.token("auditor")
    sample = service.draw_sample(token, size=3)
    second(pages, sample.id, notes[0])
    second(pages, sample.id, notes[1], leave_out="R50.9")
    app = pages.run("audit", "auditor")
    shown = {metric.label: metric.value for metric in app.metric}
    assert shown["Codes agreed"] == "83 %"
    assert shown["Notes with the same codes"] == "1 of 2"
    assert "95 % interval 44 % to 97 %" in words(app)
    table = next(frame.value for frame in app.dataframe if "Given by" in frame.value)
    assert list(table["Code"]) == ["R50.9"]
    assert list(table["Given by"]) == ["coder"]
    found = service.agreement(token, sample.id)
    assert b"percent,0.83" in audit._figures(found, sample)
    assert audit._rows(found).count(b"\r\n") == 2


def test_manager_draws_but_does_not_code(pages: Pages) -> None:
    finished_notes(pages, 1)
    app = pages.run("audit", "manager")
    app.button(key="audit_draw").click().run()
    assert not [button for button in app.button if button.key == "audit_code"]
    assert "An auditor codes the notes again" in words(app)


def test_audit_says_what_is_refused(pages: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    finished_notes(pages, 1)
    service, token = pages.world.service, pages.world.token("auditor")
    service.draw_sample(token, size=1)
    monkeypatch.setattr(service, "take_audit", lambda *_, **__: None)
    app = pages.run("audit", "auditor")
    app.button(key="audit_code").click().run()
    assert "held by others" in words(app)
    refused = service.sample_size(token, confidence=0.95)
    monkeypatch.setattr(service, "sample_size", lambda *_, **__: refused)
    app = pages.run("audit", "auditor")
    app.session_state["audit_since"] = date(2030, 1, 1)
    app.button(key="audit_draw").click().run()
    assert app.error


def test_words_of_the_audit_page() -> None:
    assert audit._kappa_words(1.0) == "almost perfect"
    assert audit._kappa_words(0.3) == "fair"
    size = SampleSize(population=9, confidence=0.95, margin=0.05, expected_rate=0.5, size=2)
    sample = AuditSample(
        id="a", created_by="Ada", created_at=datetime(2026, 6, 1, tzinfo=UTC), size=size, coder_id=None,
        since=date(2026, 1, 1), until=date(2026, 2, 1), done=0, items=(),
    )  # fmt: skip
    assert "drawn by Ada" in audit._named(sample)
    nothing = Agreement(
        notes=1, notes_exact=1, both=0, coder_only=0, auditor_only=0, percent=None, interval=None, kappa=None,
        first_listed_same=1, disagreements=(),
    )  # fmt: skip
    assert b"interval_low,\r\n" in audit._figures(nothing, sample)


# --- dashboard -----------------------------------------------------------------------------------------


def test_dashboard_without_work_says_what_to_do(pages: Pages) -> None:
    assert "Nothing was finished" in words(pages.run("dashboard", "manager"))


def test_dashboard_shows_figures_with_tables(pages: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    finished_notes(pages, 2)
    day = datetime.fromtimestamp(pages.world.clock() / 1000).date()
    monkeypatch.setattr(dashboard, "_days", lambda: (day, day))
    downloads: dict[str, Any] = {}
    monkeypatch.setattr(tables, "csv_download", lambda name, data, **_: downloads.__setitem__(name, data))
    app = pages.run("dashboard", "manager")
    assert app.metric[0].value == "2"
    coders = app.dataframe[0].value
    assert list(coders["Notes"]) == [2]
    text = words(app)
    for title in (
        "Notes a day",
        "Codes a day",
        "Time a note",
        "Calibration",
        "Most added",
        "Rubber-stamp check",
    ):
        assert title in text
    assert "No code was added" in text
    assert "SUGGESTER_PLANTED_SHARE" in text
    assert set(downloads) == {
        "coder-days.csv", "calibration.csv", "by-band.csv", "by-system.csv", "by-chapter.csv",
    }  # fmt: skip
    assert downloads["coder-days.csv"]().startswith(b"coder,day,notes")


def test_dashboard_days_are_chosen(pages: Pages) -> None:
    app = pages.run("dashboard", "manager")
    app.segmented_control[0].set_value("Own days").run()
    app.date_input(key="dash_since").set_value(date(2026, 6, 30))
    app.date_input(key="dash_until").set_value(date(2026, 6, 1)).run()
    assert "last day is before the first" in words(app)
    app.date_input(key="dash_since").set_value(date(2026, 6, 1))
    app.date_input(key="dash_until").set_value(date(2026, 6, 30)).run()
    finished_notes(pages, 1)
    app.run()
    assert app.metric[0].value == "1"


# --- charts --------------------------------------------------------------------------------------------

RATES = (
    AcceptRate(group="0.25", decided=4, accepted=1, rejected=2, replaced=1, mean_confidence=0.3),
    AcceptRate(group="<img src=x>", decided=2, accepted=2, rejected=0, replaced=0, mean_confidence=0.9),
)
DAYS = (
    CoderDay(coder="Ada", day=date(2026, 6, 1), notes=2, codes=9, seconds=300, median_seconds=150),
    CoderDay(coder="Bob", day=date(2026, 6, 1), notes=1, codes=4, seconds=60, median_seconds=60),
)
COUNTS = (
    CodeCount(system="ICD-10-CM", code="I10", display="x", count=3, other="I11.9"),
    CodeCount(system="ICD-10-CM", code="R05.9", display="y", count=1),
)
AGREED = Agreement(
    notes=2, notes_exact=1, both=5, coder_only=1, auditor_only=0, percent=5 / 6, interval=(0.4, 0.9),
    kappa=0.5, first_listed_same=2, disagreements=(),
)  # fmt: skip


@pytest.mark.parametrize(
    ("picture", "says"),
    [
        (charts.day_bars(DAYS, "notes"), ["Ada", "Bob"]),
        (charts.time_lines(DAYS), [2.5, 1.0]),
        (charts.rate_bars(RATES), [0.25, 0.5, 0.3]),
        (charts.calibration_plot(RATES), [0.3, 0.25]),
        (charts.code_bars(COUNTS), ["I10 → I11.9", "R05.9"]),
        (charts.agreement_bar(AGREED), ["coder only", 5]),
    ],
    ids=["days", "time", "rates", "calibration", "codes", "agreement"],
)
def test_charts_carry_the_numbers_and_ask_nobody(picture: Any, says: list[object]) -> None:
    record = picture.to_dict()
    record.pop("$schema")
    text = json.dumps(record, ensure_ascii=False)
    for value in says:
        assert json.dumps(value, ensure_ascii=False) in text
    assert not re.search(r"https?://", text)
    assert '"url"' not in text
    assert '"href"' not in text


def test_empty_groups_are_left_out_of_charts() -> None:
    none = AcceptRate(group="x", decided=0, accepted=0, rejected=0, replaced=0, mean_confidence=0.0)
    assert "rejected" not in json.dumps(charts.rate_bars((none,)).to_dict()["layer"][0].get("data", {}))
    assert charts.calibration_plot((none,)).to_dict()
    assert charts.rate_records((none,))[0]["Share accepted"] == 0.0
