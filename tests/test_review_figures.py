"""Import, second coding, figures, codes, questions and claims: the service on both databases."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from review_world import KINDS, START, VOCABULARY, WordEngine, World, fresh_uuid, worlds

from suggester.codesets import Catalog
from suggester.errors import (
    DecisionError,
    ForbiddenError,
    HeldError,
    InputError,
    NotFoundError,
    VersionError,
)
from suggester.review.agreeing import Coded, kappa, needed, wilson
from suggester.review.cells import csv_bytes, safe_cell
from suggester.review.codebook import CodeBook
from suggester.review.engine import ReadingEngine, note_flags
from suggester.review.operating import operator_session
from suggester.review.planting import planted
from suggester.review.service import SAMPLES, open_review
from suggester.review.types import DecisionInput, OverrideInput, WorkFilters
from suggester.suggest import Suggester, load
from suggester.types import NotCoded, Note, Span, Suggestions

TODAY = datetime.fromtimestamp(START / 1000, tz=UTC).astimezone().date()
DAYS = {"since": TODAY, "until": TODAY}


@pytest.fixture(params=KINDS)
def world(request: pytest.FixtureRequest, tmp_path: Path, catalog: Catalog) -> Iterator[World]:
    yield from worlds(request.param, tmp_path, catalog)


@pytest.fixture
def planting(tmp_path: Path, catalog: Catalog) -> Iterator[World]:
    """A world in which half of the notes get a planted suggestion."""
    yield from worlds("sqlite", tmp_path, catalog, planted_share=0.5)


# --- import ------------------------------------------------------------------------------------------


def test_import_skips_what_is_there_and_goes_on_after_failures(world: World) -> None:
    operator = operator_session(world.service).token
    notes: list[Note | InputError] = [
        Note(id="a", text="cough"),
        InputError("is no JSON", record="file:2"),
        Note(id="a", text="fever"),
        Note(id="b", text="explode"),
        Note(id="", text="cough"),
        Note(id="c", text="gout"),
    ]
    seen = list(world.service.import_notes(operator, notes, batch=2))
    assert [p.done for p in seen] == [2, 4, 6, 6]
    last = seen[-1]
    assert last.finished
    assert (last.imported, last.skipped) == (2, 1)
    assert [(f.record, f.code) for f in last.failures] == [
        ("file:2", "input"),
        ("b", "internal"),
        ("a note", "input"),
    ]
    assert "review_world.py" in last.failures[1].message
    again = list(world.service.import_notes(operator, notes))[-1]
    assert (again.imported, again.skipped) == (0, 3)


def test_import_of_a_batch_run_checks_that_it_fits(world: World) -> None:
    operator = operator_session(world.service).token
    note = Note(id="a", text="cough")
    good = world.engine.suggest(note)
    other = world.engine.suggest(Note(id="b", text="cough"))
    long = world.engine.suggest(Note(id="c", text="no cough in the end fever"))
    pairs: list[tuple[Note, Suggestions] | InputError] = [
        (note, good),
        (Note(id="d", text="cough"), other),
        (Note(id="c", text="cough"), long),
    ]
    last = list(world.service.import_results(operator, pairs))[-1]
    assert last.imported == 1
    assert [f.record for f in last.failures] == ["d", "c"]
    assert world.service.worklist(world.token("coder")).rows[0].name == "a"


def test_encounter_gathers_its_notes(world: World) -> None:
    world.put("cough", encounter_id="e", service_date=date(2026, 6, 20), prefix="a")
    world.put("fever", encounter_id="e", service_date=date(2026, 6, 18), prefix="b")
    world.put("gout", encounter_id=None, service_date=None, patient=None, prefix="c")
    coder = world.token("coder")
    assert world.service.encounters(coder) == ("e",)
    assert world.service.encounters(coder, since=date(2026, 6, 20), until=date(2026, 6, 20)) == ("e",)
    assert world.service.encounters(coder, since=date(2026, 6, 21)) == ()
    with world.service.store.read() as connection:
        row = connection.execute(sa.text("select service_from, service_to from encounters")).one()
    assert tuple(row) == ("2026-06-18", "2026-06-20")


# --- planted suggestions -----------------------------------------------------------------------------


def test_planted_suggestions_test_attention_and_leave_no_trace_elsewhere(planting: World) -> None:
    words = [w for w in VOCABULARY if w != "gout"]
    notes = planting.put(*(f"{word} and no gout, case {n}" for n in range(6) for word in words))
    service, coder = planting.service, planting.token("coder")
    wrongs = 0
    for number, note in enumerate(notes):
        view = service.take(coder, note)
        wrong = [row for row in view.rows if row.code == "M10.9"]
        wrongs += len(wrong)
        for row in view.rows:
            if row in wrong and number % 2:
                service.reject(coder, note, row.id, reason="denied")
            else:
                service.accept(coder, note, row.id)
        done = service.finish(coder, note)
        assert [code.code for code in done.planted] == ["M10.9"] * (len(wrong) and not number % 2)
        assert "M10.9" not in [code.code for code in done.summary.codes]
        assert "M10.9" not in [code.code for code in service.summary(coder, note).codes]
        assert "M10.9" not in [code.code for code in service.view(coder, note).codes]
    assert 5 <= wrongs <= 25
    board = service.dashboard(planting.token("manager"), **DAYS)
    assert board.attention[0].planted == wrongs
    assert 0 < board.attention[0].caught < wrongs
    assert board.most_rejected == ()
    assert sum(rate.decided for rate in board.by_system) == len(notes)
    assert b"M10.9" not in service.export_csv(coder, tuple(notes))
    gold = list(service.coded_notes(planting.token("manager")))
    assert len(gold) == len(notes)
    assert all("M10.9" not in {code.code for code in note.codes} for note in gold)
    assert gold[0].codes[0].evidence


# --- second coding -----------------------------------------------------------------------------------


def test_blind_second_coding_and_agreement(world: World) -> None:
    notes = world.put("diabetes and cough", "hypertension", "gout, fever")
    for note in notes:
        world.finished(note)
    service, auditor = world.service, world.token("auditor")
    size = service.sample_size(auditor, margin=0.1)
    assert (size.population, size.size) == (3, 3)
    sample = service.draw_sample(auditor)
    assert service.samples(auditor) == (sample,)
    assert {item.status for item in sample.items} == {"waiting"}
    with pytest.raises(ForbiddenError):
        service.view(auditor, notes[0])
    with pytest.raises(ForbiddenError):
        service.summary(auditor, notes[0])
    with pytest.raises(ForbiddenError):
        service.view(world.token("coder"), notes[0], track=f"audit:{sample.id}")
    for _ in notes:
        view = service.take_audit(auditor, sample.id)
        assert view is not None
        assert {row.state for row in view.rows} == {"pending"}
        assert view.codes == ()
        for row in view.rows[:1]:
            service.decide_batch(
                auditor,
                (DecisionInput(uuid=fresh_uuid(), note_id=view.id, action="accept", row_id=row.id),),
                track=view.track,
            )
        if view.note.text == "hypertension":
            service.decide_batch(
                auditor,
                (
                    DecisionInput(
                        uuid=fresh_uuid(), note_id=view.id, action="add", system="ICD-10-CM", code="R05.9"
                    ),
                ),
                track=view.track,
            )
        service.heartbeat(auditor, view.id, track=view.track)
        done = service.finish(auditor, view.id, track=view.track)
        assert done.summary.status == "finished"
    assert service.take_audit(auditor, sample.id) is None
    found = service.agreement(auditor, sample.id)
    assert (found.notes, found.notes_exact, found.both) == (3, 0, 3)
    assert (found.coder_only, found.auditor_only) == (2, 1)
    assert found.percent == pytest.approx(3 / 6)
    assert found.interval is not None
    assert found.first_listed_same == 3
    assert [(d.code, d.by) for d in found.disagreements if d.by == "auditor"] == [("R05.9", "auditor")]
    assert found.disagreements[0].chapter
    done_sample = service.sample(auditor, sample.id)
    assert done_sample.done == 3
    assert {item.agreed for item in done_sample.items} == {False}
    assert service.view(auditor, notes[0]).status == "finished"
    with pytest.raises(DecisionError):
        service.take_audit(auditor, sample.id, notes[0])
    with pytest.raises(NotFoundError):
        service.take_audit(auditor, "no sample")
    assert service.progress(world.token("coder")).finished_today == 3
    assert service.store.verify().faults == ()


def test_sample_is_drawn_from_what_is_finished(world: World) -> None:
    service, auditor = world.service, world.token("auditor")
    with pytest.raises(DecisionError):
        service.draw_sample(auditor)
    notes = world.put("cough", "fever", "gout", "hypertension")
    for note in notes[:3]:
        world.finished(note)
    for values in ({"confidence": 1.0}, {"margin": 0.0}, {"expected_rate": 1.5}, {"size": 4}, {"size": 0}):
        with pytest.raises(DecisionError):
            service.draw_sample(auditor, **values)  # type: ignore[arg-type]
    with pytest.raises(NotFoundError):
        service.draw_sample(auditor, coder_id="nobody")
    coder = service.whoami(world.token("coder")).user_id
    sample = service.draw_sample(auditor, size=2, coder_id=coder, **DAYS)
    assert len(sample.items) == 2
    assert {item.note_id for item in sample.items} <= set(notes[:3])
    assert service.sample_size(auditor, since=date(2030, 1, 1)).population == 0
    one = service.take_audit(auditor, sample.id)
    other = world.token("auditor", 2)
    two = service.take_audit(other, sample.id)
    assert one is not None
    assert two is not None
    assert one.id != two.id
    with pytest.raises(HeldError):
        service.take_audit(other, sample.id, one.id)
    with pytest.raises(NotFoundError):
        service.take_audit(other, sample.id, notes[3])
    service.release(auditor, one.id, track=one.track)
    assert service.take_audit(other, sample.id, one.id) is not None


def test_nobody_codes_their_own_note_a_second_time(world: World) -> None:
    [note] = world.put("cough")
    service, auditor = world.service, world.token("auditor")
    world.service.take(world.token("coder"), note)
    service.send_to_second_review(world.token("coder"), note, reason="r")
    service.take(auditor, note)
    service.finish(auditor, note)
    sample = service.draw_sample(auditor)
    assert service.take_audit(auditor, sample.id) is None
    with pytest.raises(ForbiddenError):
        service.take_audit(auditor, sample.id, note)


def test_sample_size_and_intervals_are_the_textbook_ones() -> None:
    assert needed(10_000, confidence=0.95, margin=0.05, expected_rate=0.5) == 370
    assert needed(10**9, confidence=0.95, margin=0.05, expected_rate=0.5) == 385
    assert needed(10**12, confidence=0.99, margin=0.01, expected_rate=0.5) == 16_588
    assert needed(50, confidence=0.95, margin=0.05, expected_rate=0.5) == 45
    assert needed(0, confidence=0.95, margin=0.05, expected_rate=0.5) == 0
    assert wilson(0, 0) is None
    assert wilson(0, 10) == pytest.approx((0.0, 0.2775), abs=1e-4)


def test_kappa_is_cohens() -> None:
    # The example of Cohen's kappa with 20 yes-yes, 5 yes-no, 10 no-yes, 15 no-no: 0.4.
    notes = [
        Coded(first=frozenset("x" * one), second=frozenset("x" * two), possible=frozenset("x"))
        for one, two, number in ((1, 1, 20), (1, 0, 5), (0, 1, 10), (0, 0, 15))
        for _ in range(number)
    ]
    assert kappa(notes) == pytest.approx(0.4)
    assert kappa([]) is None
    assert kappa(notes[:20]) is None


# --- the dashboard -----------------------------------------------------------------------------------


def test_dashboard_counts_what_was_decided(world: World) -> None:
    one, two, three = world.put("diabetes and cough", "hypertension, cough", "gout, office visit")
    service, coder, manager = world.service, world.token("coder"), world.token("manager")
    for note, minutes in ((one, 2), (two, 4)):
        view = service.take(coder, note)
        world.clock.forward(minutes=minutes)
        service.accept(coder, note, view.rows[0].id)
        service.reject(coder, note, view.rows[1].id, reason="no")
        service.add_code(coder, note, system="ICD-10-CM", code="R52")
        service.finish(coder, note)
    view = service.take(coder, three)
    service.replace(coder, three, view.rows[0].id, system="ICD-10-CM", code="M10.00")
    service.finish(coder, three)
    board = service.dashboard(manager, **DAYS)
    [day] = board.coder_days
    assert (day.coder, day.day, day.notes, day.codes) == ("coder1", TODAY, 3, 5)
    assert day.seconds == pytest.approx(360)
    assert day.median_seconds == pytest.approx(120)
    assert (board.notes_finished, board.codes_final, board.open_notes) == (3, 5, 0)
    assert {(r.group, r.decided, r.accepted, r.rejected, r.replaced) for r in board.by_band} == {
        ("0.50 to 0.75", 2, 0, 2, 0),
        ("0.75 to 0.90", 1, 0, 0, 1),
        ("0.90 to 1.00", 2, 2, 0, 0),
    }
    assert [(r.group, r.decided, r.rate) for r in board.by_system] == [("ICD-10-CM", 5, 0.4)]
    assert len(board.by_chapter) == 4
    assert [(c.code, c.count) for c in board.most_rejected] == [("R05.9", 2)]
    assert [(c.code, c.count) for c in board.most_added] == [("R52", 2)]
    assert [(c.code, c.other, c.count) for c in board.most_replaced] == [("M10.9", "M10.00", 1)]
    assert board.calibration_error == pytest.approx((0.05 + 0.1 + 0.8 + 0.6 * 2) / 5)
    csv = service.dashboard_csv(manager, "coder_days", **DAYS).decode()
    assert csv.splitlines()[0] == "coder,day,notes,codes,seconds,median_seconds"
    assert "M10.9" in service.dashboard_csv(manager, "most_replaced", **DAYS).decode()
    assert service.dashboard_csv(manager, "by_band", **DAYS).decode().count("\r\n") == 4
    with pytest.raises(DecisionError, match="allowed: attention"):
        service.dashboard_csv(manager, "nothing", **DAYS)
    with pytest.raises(DecisionError):
        service.dashboard(manager, since=date(2026, 2, 1), until=date(2026, 1, 1))
    empty = service.dashboard(manager, since=date(2020, 1, 1), until=date(2020, 1, 2))
    assert (empty.coder_days, empty.calibration_error) == ((), None)


def test_note_finished_twice_counts_once(world: World) -> None:
    [note] = world.put("cough, fever")
    world.finished(note)
    service, coder = world.service, world.token("coder")
    service.reopen(coder, note, reason="r")
    view = service.take(coder, note)
    service.reject(coder, note, view.rows[0].id, reason="no")
    world.clock.forward(minutes=1)
    assert service.finish(coder, note).seconds == pytest.approx(60)
    board = service.dashboard(world.token("manager"), **DAYS)
    assert (board.notes_finished, board.codes_final) == (1, 1)
    assert (board.coder_days[0].notes, board.coder_days[0].codes) == (1, 1)


@pytest.mark.parametrize(
    ("value", "cell"),
    [("=1+1", "'=1+1"), ("+1", "'+1"), ("-1", "'-1"), ("@x", "'@x"), ("\tx", "'\tx"), ("\rx", "'\rx"),
     ("＝1", "'＝1"), ("a=1", "a=1"), (None, ""), (3, "3"), (-3, "'-3")],
)  # fmt: skip
def test_cell_is_no_formula(value: object, cell: str) -> None:
    assert safe_cell(value) == cell
    assert csv_bytes(["h"], [[value]]).startswith(b"h\r\n")


# --- codes -------------------------------------------------------------------------------------------


def test_codes_are_found_and_kept_as_favourites(world: World) -> None:
    [note] = world.put("cough")
    service, coder = world.service, world.token("coder")
    hits = service.search_codes(coder, "essential hypertension", note_id=note, limit=3)
    assert hits[0].code == "I10"
    assert service.search_codes(coder, "") == ()
    mine = service.set_favourite(coder, "ICD-10-CM", "i10", favourite=True)
    assert [code.code for code in mine.favourites] == ["I10"]
    view = service.take(coder, note)
    service.accept(coder, note, view.rows[0].id)
    service.replace(coder, note, view.rows[0].id, system="ICD-10-CM", code="R05.1")
    assert {code.code for code in service.my_codes(coder).recent} == {"R05.9", "R05.1"}
    own = service.search_codes(coder, "  ")
    assert (own[0].code, own[0].matched, own[0].favourite) == ("I10", "favourite", True)
    assert {hit.matched for hit in own[1:]} == {"recent"}
    assert service.search_codes(coder, "", system="CPT") == ()
    assert service.search_codes(coder, "hypertension")[0].favourite
    details = service.code_details(coder, "ICD-10-CM", "E1142", note_id=note)
    assert details.ancestors[0].code == "E11.4"
    assert ("inclusionTerm", "Type 2 diabetes mellitus with diabetic neuralgia", "E11.42") in details.notes
    assert service.code_details(coder, "ICD-10-CM", "E11.4").children
    assert service.set_favourite(coder, "ICD-10-CM", "I10", favourite=False).favourites == ()
    with pytest.raises(DecisionError):
        service.code_details(coder, "CPT", "00000")
    [old] = world.put("cough", prefix="old", service_date=date(1999, 1, 1))
    with pytest.raises(DecisionError):
        service.search_codes(coder, "cough", note_id=old)


def test_ladder_says_which_words_are_missing(world: World) -> None:
    [note] = world.put("diabetes with hyperglycemia. gout of the left knee, office visit")
    service, coder = world.service, world.token("coder")
    view = service.take(coder, note)
    rows = {row.code: row.id for row in view.rows}
    steps = service.ladder(coder, note, rows["E11.9"])
    assert (steps[0].code, steps[0].missing) == ("E11.65", ())
    assert "hyperglycemia" in steps[0].present
    assert service.ladder(coder, note, rows["99213"]) == ()
    service.replace(coder, note, rows["M10.9"], system="ICD-10-CM", code="M10.00")
    assert all(step.code.startswith("M10") for step in service.ladder(coder, note, rows["M10.9"]))
    with pytest.raises(NotFoundError):
        service.ladder(coder, note, "nothing")


def test_chapter_of_every_system_has_a_name(catalog: Catalog) -> None:
    book = CodeBook(catalog)
    assert book.chapter("ICD-10-CM", "E11.9").startswith("4 Endocrine")
    assert book.chapter("CPT", "99213") == "CPT visits"
    assert book.chapter("CPT", "71046") == "CPT radiology"
    assert book.chapter("CPT", "0001F") == "CPT other"
    assert book.chapter("HCPCS", "J1885") == "HCPCS J"
    assert book.chapter("ICD-10-CM", "???") == "unknown"


# --- questions ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["specificity", "uncertain", "conflict", "cause", "support"])
def test_question_quotes_the_note_and_leads_nowhere(world: World, kind: str) -> None:
    [note] = world.put("gout of the left knee, cough")
    service, coder = world.service, world.token("coder")
    row = service.take(coder, note).rows[0]
    draft = service.draft_query(coder, note, kind=kind, row_id=row.id, spans=(Span(start=12, end=21),))  # type: ignore[arg-type]
    assert [item.quote for item in draft.indicators] == ["gout", "left knee"]
    assert "“left knee”" in draft.text
    assert draft.options[-2:] == ("Other (please state):", "Cannot be determined")
    lower = draft.text.lower()
    words = set(re.findall(r"[a-z]+", lower))
    assert not words & {"reimbursement", "payment", "drg", "revenue", "suggest", "should", "must"}
    assert row.code not in draft.text


def test_questions_are_kept_counted_and_closed(world: World) -> None:
    [note] = world.put("cough")
    service, coder, other = world.service, world.token("coder"), world.token("coder", 2)
    service.take(coder, note)
    query = service.ask_physician(coder, note, kind="cause", text=" Is the cause known? ")
    assert service.worklist(coder, WorkFilters(queried=True)).rows[0].open_queries == 1
    assert service.view(coder, note).queries == (query,)
    with pytest.raises(HeldError):
        service.ask_physician(other, note, kind="cause", text="why?")
    with pytest.raises(DecisionError):
        service.ask_physician(coder, note, kind="mood", text="why?")  # type: ignore[arg-type]
    assert service.queries(other) == (query,)
    closed = service.close_query(coder, query.id, answer="asthma")
    assert (closed.status, closed.answer) == ("answered", "asthma")
    with pytest.raises(DecisionError):
        service.close_query(coder, query.id)
    with pytest.raises(NotFoundError):
        service.close_query(coder, "nothing")
    again = service.ask_physician(coder, note, kind="cause", text="and now?")
    assert service.close_query(coder, again.id, answer=" ").status == "withdrawn"
    assert service.queries(coder) == ()
    assert len(service.queries(coder, open_only=False)) == 2
    assert service.worklist(coder, WorkFilters(queried=False)).total == 1
    for values in ({"kind": "mood"}, {"spans": (Span(start=0, end=99),)}, {}):
        with pytest.raises(DecisionError):
            service.draft_query(coder, note, **values)  # type: ignore[arg-type]


# --- claims ------------------------------------------------------------------------------------------


def test_codes_of_an_encounter_lead_back_to_decisions(world: World) -> None:
    one, two = world.put("cough", "gout", encounter_id="e")
    world.finished(one)
    service, coder = world.service, world.token("coder")
    found = service.encounter_codes(coder, "e")
    assert found.open_notes == (two,)
    [summary] = found.summaries
    assert found.notes[0].id == summary.name
    [code] = summary.codes
    assert code.decision_id in {d.id for d in service.history(coder, one)}
    assert found.notes[0].text[code.evidence[0].start : code.evidence[0].end] == "cough"
    with pytest.raises(NotFoundError):
        service.encounter_codes(coder, "nothing")


def test_claim_is_saved_with_a_version_and_exported_once(world: World) -> None:
    world.put("cough", encounter_id="e")
    service, coder, manager = world.service, world.token("coder"), world.token("manager")
    assert service.claim(coder, "e") is None
    first = service.save_claim(coder, "e", {"lines": [1]}, version=0)
    assert service.claim(manager, "e") == first
    with pytest.raises(VersionError):
        service.save_claim(manager, "e", {}, version=0)
    assert service.save_claim(manager, "e", {"lines": []}, version=1).version == 2
    with pytest.raises(NotFoundError):
        service.save_claim(coder, "nothing", {}, version=0)
    with pytest.raises(DecisionError):
        service.save_claim(coder, "e", {"x": object()}, version=2)
    record = service.record_export(coder, "e", format="837p", sha256="a" * 64)
    world.clock.forward(minutes=1)
    assert service.record_export(manager, "e", format="837p", sha256="a" * 64) == record
    service.record_export(manager, "e", format="csv", sha256="a" * 64)
    assert [item.format for item in service.exports(coder, "e")] == ["837p", "csv"]
    for values in ({"sha256": "A" * 64}, {"sha256": "a"}, {"format": ""}):
        with pytest.raises(DecisionError):
            service.record_export(coder, "e", **({"format": "csv", "sha256": "b" * 64} | values))
    with pytest.raises(NotFoundError):
        service.record_export(coder, "nothing", format="csv", sha256="b" * 64)


# --- the real engine ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def real() -> Suggester:
    return load()


def test_real_engine_marks_sections_and_cues(real: Suggester) -> None:
    engine = ReadingEngine(real)
    note = Note(id="n", text="HPI: Cough. Denies chest pain.\nFH: Mother with diabetes.\n")
    found = engine.markings(note)
    assert [section.kind for section in found.sections] == ["hpi", "family"]
    kinds = {note.text[mark.span.start : mark.span.end].lower(): mark for mark in found.marks}
    assert kinds["chest pain"].kind == "negated"
    assert kinds["chest pain"].cue == "Denies"
    assert {mark.kind for words, mark in kinds.items() if "diabetes" in words} == {"family"}
    assert engine.suggest(note).note_id == "n"


def test_demo_has_samples_some_of_them_finished(real: Suggester) -> None:
    service = open_review(demo=True)
    try:
        assert service.is_demo
        coder = service.demo_sign_in("coder").token
        page = service.worklist(coder)
        assert page.total == len(SAMPLES.read_text().splitlines()) == 10
        assert sum(row.status == "finished" for row in page.rows) == 2
        view = service.take_next(coder)
        assert view is not None
        assert view.sections
        assert view.marks
        assert {code.system for code in service.encounter_codes(coder, "visit-05").summaries[0].codes}
        service.bulk_accept(coder, service.bulk_preview(coder, view.id, 0.5))
        summary = service.summary(coder, view.id)
        done = service.finish(
            coder,
            view.id,
            overrides=tuple(
                OverrideInput(rule_id=flag.rule_id, codes=flag.codes, reason="demo")
                for flag in summary.standing
            ),
        )
        assert done.summary.codes
        flags = note_flags(
            real.rules,
            Note(id="n", text=""),
            tuple(code for code in done.summary.codes if code.system == "ICD-10-CM")[:1] * 2,
        )
        assert any("duplicate" in flag.rule_id for flag in flags)
        with pytest.raises(ForbiddenError):
            service.demo_sign_in("coder", peer="10.0.0.1")
        service.warm_up()
        assert service.store.verify().faults == ()
    finally:
        service.close()


# --- planting ----------------------------------------------------------------------------------------


def test_planted_code_is_one_that_the_words_deny(catalog: Catalog) -> None:
    book = CodeBook(catalog)
    note = Note(id="n", text="no cough, father has gout, 99999", service_date=date(2026, 6, 18))

    def denied(reason: str, start: int, end: int, *codes: str) -> NotCoded:
        span = Span(start=start, end=end)
        return NotCoded(span=span, quote=note.text[start:end], reason=reason, cue=None, would_be=codes)

    def result(*left: NotCoded) -> Suggestions:
        return replace(WordEngine().suggest(Note(id="n", text="fever")), not_coded=left)

    assert planted(note, result(), book, draw=0.0) is None
    assert planted(note, result(denied("below threshold", 3, 8, "R05.9")), book, draw=0.0) is None
    assert planted(note, result(denied("negated", 3, 8, "R50.81", "Q99.99Z", "R05")), book, draw=0.0) is None
    left = (denied("negated", 3, 8, "R05", "R05.9"), denied("family", 21, 25, "M10.9"))
    first = planted(note, result(*left), book, draw=0.0)
    last = planted(note, result(*left), book, draw=0.999)
    assert first is not None
    assert last is not None
    assert (first.code.code, last.code.code) == ("R05.9", "M10.9")
    assert first.evidence[0].quote == "cough"
    assert first.confidence == 0.8
    assert last.evidence[0].section == "hpi"
    sure = planted(
        note, replace(WordEngine().suggest(Note(id="n", text="diabetes")), not_coded=left), book, draw=0.0
    )
    assert sure is not None
    assert sure.confidence == 0.95
