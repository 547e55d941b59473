"""Worklist, leases, decisions, finishing: the service on both databases."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from review_world import DAY, KINDS, World, fresh_uuid, worlds

from suggester.codesets import Catalog
from suggester.errors import (
    DecisionError,
    ForbiddenError,
    HeldError,
    NotFoundError,
    StandingFlagsError,
    VersionError,
)
from suggester.review.types import (
    BulkPreview,
    DecisionInput,
    OverrideInput,
    WorkFilters,
    added_row_id,
)
from suggester.types import Flag, Span

TEXT = "Diabetes and hypertension, cough at night. No gout. Office visit."


@pytest.fixture(params=KINDS)
def world(request: pytest.FixtureRequest, tmp_path: Path, catalog: Catalog) -> Iterator[World]:
    yield from worlds(request.param, tmp_path, catalog)


# --- worklist ----------------------------------------------------------------------------------------


def test_worklist_pages_filters_and_sorts(world: World) -> None:
    world.put("diabetes", "cough and fever", "nothing", "hypertension, gout", prefix="a")
    world.clock.forward(minutes=1)
    world.put("fever", prefix="b", kind="ward note", setting="inpatient", encounter_id="enc-9")
    service, token = world.service, world.token("coder")

    def names(filters: WorkFilters | None = None, **values: object) -> list[str]:
        return [row.name for row in service.worklist(token, filters, **values).rows]  # type: ignore[arg-type]

    page = service.worklist(token, limit=2)
    assert (page.total, len(page.rows)) == (5, 2)
    assert [row.risk for row in page.rows] == sorted((row.risk for row in page.rows), reverse=True)
    assert set(names()) == {"a-1", "a-2", "a-3", "a-4", "b-1"}
    assert names(offset=2, limit=2) == names()[2:4]
    assert names(sort="age")[-1] == "b-1"
    assert names(sort="confidence")[-1] == "a-3"
    assert len(names(sort="service_date")) == 5
    assert names(WorkFilters(kinds=("ward note",))) == ["b-1"]
    assert names(WorkFilters(settings=("inpatient",))) == ["b-1"]
    assert names(WorkFilters(encounter="enc-9")) == ["b-1"]
    assert set(names(WorkFilters(below=0.5))) == {"a-2", "b-1"}
    assert set(names(WorkFilters(name="a-"))) == {"a-1", "a-2", "a-3", "a-4"}
    assert names(WorkFilters(name="%")) == []
    assert names(WorkFilters(service_from=date(2026, 6, 19))) == []
    assert len(names(WorkFilters(service_from=date(2026, 6, 18), service_to=date(2026, 6, 18)))) == 5
    assert names(WorkFilters(queried=True)) == []
    assert names(WorkFilters(assigned="none", statuses=("finished",))) == []
    counts = service.work_counts(token)
    assert counts.total == 5
    assert dict(counts.by_status)["new"] == 5
    assert dict(counts.by_kind) == {"visit": 4, "ward note": 1}


def test_worklist_filters_by_flag_and_counts_them(world: World) -> None:
    world.engine.flags = (
        Flag(rule_id="unspecified", severity="warning", message="m", codes=("I10",)),
        Flag(rule_id="release.missing", severity="info", message="m"),
    )
    world.put("hypertension", "cough")
    service, token = world.service, world.token("coder")
    assert [r.name for r in service.worklist(token, WorkFilters(flag="unspecified")).rows] == ["note-1"]
    assert [r.name for r in service.worklist(token, WorkFilters(flag="warning")).rows] == ["note-1"]
    assert service.worklist(token, WorkFilters(flag="release.missing")).total == 2
    assert dict(service.work_counts(token).by_flag) == {"unspecified": 1, "release.missing": 2}
    assert [r.warnings for r in service.worklist(token, sort="age").rows] in ([1, 0], [0, 1])


@pytest.mark.parametrize("values", [{"limit": 0}, {"limit": 201}, {"offset": -1}, {"sort": "mood"}])
def test_worklist_refuses_a_page_that_is_none(world: World, values: dict[str, object]) -> None:
    with pytest.raises(DecisionError):
        world.service.worklist(world.token("coder"), **values)  # type: ignore[arg-type]


def test_worklist_refuses_an_unknown_status(world: World) -> None:
    with pytest.raises(DecisionError, match="allowed: new"):
        world.service.worklist(world.token("coder"), WorkFilters(statuses=("lost",)))  # type: ignore[arg-type]


# --- leases ------------------------------------------------------------------------------------------


def test_take_next_never_gives_a_held_note(world: World) -> None:
    world.put("cough", "fever")
    one, two = world.token("coder"), world.token("coder", 2)
    first = world.service.take_next(one)
    second = world.service.take_next(two)
    assert first is not None
    assert second is not None
    assert first.id != second.id
    assert first.lease is not None
    assert world.service.take_next(two, skip=(second.id,)) is None
    with pytest.raises(HeldError) as held:
        world.service.take(two, first.id)
    assert held.value.held_by == "coder1"
    assert world.service.worklist(two, WorkFilters(free=True)).total == 0


def test_lapsed_lease_is_free_at_once_and_the_late_one_is_told(world: World) -> None:
    [note] = world.put("cough")
    one, two = world.token("coder"), world.token("coder", 2)
    view = world.service.take(one, note)
    world.clock.forward(minutes=14, seconds=59)
    world.service.heartbeat(one, note)
    world.clock.forward(minutes=14)
    two = world.fresh("coder", 2).token
    with pytest.raises(HeldError):
        world.service.take(two, note)
    world.clock.forward(minutes=1, seconds=1)
    taken = world.service.take_next(two)
    assert taken is not None
    assert (taken.id, taken.status) == (note, "in_review")
    one = world.fresh("coder").token
    with pytest.raises(HeldError):
        world.service.heartbeat(one, note)
    with pytest.raises(HeldError):
        world.service.accept(one, note, view.rows[0].id)


def test_lapsed_lease_that_nobody_took_still_counts(world: World) -> None:
    [note] = world.put("cough")
    token = world.token("coder")
    view = world.service.take(token, note)
    world.clock.forward(minutes=14)
    world.service.whoami(token, touch=True)
    world.clock.forward(minutes=2)
    assert world.service.view(token, note).lease is None
    after = world.service.accept(token, note, view.rows[0].id)
    assert after.rows[0].state == "accepted"
    assert after.lease is not None


def test_release_and_sign_out_give_the_note_back(world: World) -> None:
    [note] = world.put("cough")
    one, two = world.token("coder"), world.token("coder", 2)
    world.service.take(one, note)
    world.service.release(one, note)
    world.service.take(two, note)
    world.service.release(one, note)  # not theirs: nothing happens
    assert world.service.view(two, note).lease is not None
    world.service.sign_out(two)
    assert world.service.take(one, note).lease is not None
    with pytest.raises(HeldError):
        world.service.heartbeat(world.fresh("coder", 2).token, note)


def test_assigned_notes_go_to_who_they_are_assigned_to(world: World) -> None:
    [note] = world.put("cough")
    manager, one, two = world.token("manager"), world.token("coder"), world.token("coder", 2)
    coders = {name: user for user, name in world.service.coders(manager)}
    assert world.service.assign(manager, (note,), coders["coder2"]) == 1
    assert world.service.assign(manager, (note,), coders["coder2"]) == 0
    assert world.service.take_next(one) is None
    assert world.service.worklist(two, WorkFilters(assigned="me")).total == 1
    assert world.service.worklist(one, WorkFilters(assigned=coders["coder2"])).rows[0].assigned_to == "coder2"
    assert world.service.take_next(two) is not None
    with pytest.raises(NotFoundError):
        world.service.assign(manager, (note,), "nobody")


def test_a_finished_note_is_assigned_to_the_coder_who_finished_it(world: World) -> None:
    mine, theirs, _free = world.put("cough", "fever", "gout")
    service, manager = world.service, world.token("manager")
    one, two, auditor = world.token("coder"), world.token("coder", 2), world.token("auditor")
    coders = {name: user for user, name in service.coders(manager)}

    def names(token: str, assigned: str) -> list[str]:
        rows = service.worklist(token, WorkFilters(assigned=assigned), sort="age").rows
        return sorted(row.name for row in rows)

    service.assign(manager, (theirs,), coders["coder2"])
    service.take(one, mine)
    service.release(one, mine)
    assert names(manager, "none") == ["note-1", "note-3"]  # given back: anybody's
    assert world.finished(mine)
    assert world.finished(theirs)  # by the first coder, though it was assigned to the second
    assert names(manager, "none") == ["note-3"]
    assert names(one, "me") == ["note-1", "note-2"]
    assert names(two, "me") == []
    service.reopen(manager, mine, reason="a code is missing")
    assert service.take(one, mine).lease is not None  # it comes back to who coded it
    service.send_to_second_review(one, mine, reason="unsure")
    assert names(manager, "none") == ["note-1", "note-3"]
    service.take(auditor, mine)
    service.finish(auditor, mine)
    assert names(auditor, "me") == []  # an auditor could not take it again once it is reopened
    assert names(manager, "none") == ["note-1", "note-3"]


# --- decisions ---------------------------------------------------------------------------------------


def decision(note: str, action: str, **values: object) -> DecisionInput:
    return DecisionInput(uuid=fresh_uuid(), note_id=note, action=action, **values)  # type: ignore[arg-type]


def test_each_kind_of_decision_is_kept_and_shown(world: World) -> None:
    [note] = world.put(TEXT)
    service, token = world.service, world.token("coder")
    view = service.take(token, note)
    assert [row.code for row in view.rows] == ["E11.9", "I10", "99213", "R05.9"]
    assert view.note.text == TEXT
    assert view.marks[0].kind == "negated"
    assert view.not_coded[0].would_be == ("M10.9",)
    rows = {row.code: row.id for row in view.rows}
    service.accept(token, note, rows["99213"])
    service.accept(token, note, rows["I10"])
    service.reject(token, note, rows["R05.9"], reason=" belongs to the cold ")
    service.replace(token, note, rows["E11.9"], system="ICD-10-CM", code="e1165")
    view = service.add_code(token, note, system="ICD-10-CM", code="R05.1", span=Span(start=27, end=32))
    assert [code.code for code in view.codes] == ["I10", "E11.65", "R05.1", "99213"]
    by_code = {row.code: row for row in view.rows}
    assert by_code["R05.9"].reason == "belongs to the cold"
    assert by_code["E11.9"].replacement is not None
    assert by_code["E11.9"].replacement.code == "E11.65"
    assert by_code["R05.1"].added
    assert by_code["R05.1"].evidence[0].quote == "cough"
    view = service.reorder(token, note, rows["E11.9"], position=1)
    assert [code.code for code in view.codes] == ["E11.65", "I10", "R05.1", "99213"]
    assert view.can_undo
    view = service.undo(token, note)
    assert view.codes[0].code == "I10"
    view = service.undo(token, note)
    assert [code.code for code in view.codes] == ["I10", "E11.65", "99213"]
    history = service.history(token, note)
    assert [d.action for d in history] == [
        "start", "accept", "accept", "reject", "replace", "add", "order", "undo", "undo",
    ]  # fmt: skip
    assert [d.version for d in history] == list(range(1, 10))
    assert history[4].code == "E11.9"
    assert history[4].replacement == "E11.65"
    [row] = service.worklist(token).rows
    assert (row.status, row.pending, row.version) == ("in_review", 0, 9)


def test_wrong_decisions_are_refused_one_by_one_and_the_others_kept(world: World) -> None:
    [note, other] = world.put(TEXT, "fever")
    service, token = world.service, world.token("coder")
    view = service.take(token, note)
    row = view.rows[0].id
    good = decision(note, "accept", row_id=row)
    acks = service.decide_batch(
        token,
        (
            decision(note, "reject", row_id=row),
            decision(note, "add", system="ICD-10-CM", code="E11"),
            decision(note, "add", system="ICD-10-CM", code="Q99.99"),
            decision(note, "add", system="ICD-10-CM", code="I10", span=Span(start=5, end=500)),
            decision(note, "accept", row_id="nothing"),
            decision(note, "order", row_id=row, position=1),
            decision(note, "finish"),
            decision(note, "undo"),
            decision(other, "accept", row_id=f"{other}.1"),
            decision("nowhere", "accept", row_id=row),
            good,
            decision(note, "add", system="ICD-10-CM", code="E11.9"),
            DecisionInput(uuid="x", note_id=note, action="undo"),
            good,
            DecisionInput(uuid=good.uuid, note_id=note, action="reject", row_id=row, reason="r"),
            decision(note, "reject", row_id=row, reason="x" * 501),
        ),
    )
    assert [ack.code for ack in acks] == [
        "reason_missing",
        "code_not_billable",
        "code_unknown",
        "span",
        "row_unknown",
        "row_state",
        "action",
        "nothing_to_undo",
        "held",
        "not_found",
        None,
        "code_present",
        "uuid",
        None,
        "uuid_reused",
        "reason_long",
    ]
    assert [ack.status for ack in acks].count("durable") == 2
    assert len(service.history(token, note)) == 2
    again = service.decide_batch(token, (good,), client="another tab")
    assert again[0].status == "durable"
    assert len(service.history(token, note)) == 2


def test_code_that_is_not_valid_on_the_service_date_is_refused(world: World) -> None:
    [note] = world.put("diabetes", service_date=date(2031, 1, 1))
    token = world.token("coder")
    view = world.service.take(token, note)
    with pytest.raises(DecisionError) as caught:
        world.service.accept(token, note, view.rows[0].id)
    assert caught.value.reason == "no_release"


def test_decision_that_did_not_see_another_windows_is_refused(world: World) -> None:
    [note] = world.put(TEXT)
    service, token = world.service, world.token("coder")
    view = service.take(token, note)
    first, second = view.rows[0].id, view.rows[1].id
    service.decide_batch(token, (decision(note, "accept", row_id=first, seen=view.version),), client="tab a")
    late = service.decide_batch(
        token, (decision(note, "reject", row_id=first, reason="r", seen=view.version),), client="tab b"
    )
    assert late[0].code == "version"
    own = service.decide_batch(
        token, (decision(note, "accept", row_id=second, seen=view.version),), client="tab a"
    )
    assert own[0].status == "durable"
    with pytest.raises(VersionError):
        service.accept(token, note, first, version=view.version)


def test_bulk_accept_says_first_how_many_will_be_wrong(world: World) -> None:
    [note] = world.put(TEXT)
    service, token = world.service, world.token("coder")
    service.take(token, note)
    preview = service.bulk_preview(token, note, 0.7)
    assert preview.expected_wrong == pytest.approx(0.05 + 0.1 + 0.3)
    assert len(preview.rows) == 3
    acks = service.bulk_accept(token, preview)
    assert [ack.status for ack in acks] == ["durable"] * 3
    assert service.bulk_accept(token, preview) == acks
    stale = service.bulk_preview(token, note, 0.5)
    service.undo(token, note)
    assert {ack.code for ack in service.bulk_accept(token, stale)} == {"version"}
    assert isinstance(stale, BulkPreview)
    with pytest.raises(DecisionError):
        service.bulk_preview(token, note, 1.5)


def test_too_many_decisions_at_once_are_refused(world: World) -> None:
    with pytest.raises(DecisionError):
        world.service.decide_batch(world.token("coder"), (decision("n", "undo"),) * 501)


# --- finishing ---------------------------------------------------------------------------------------


def test_flags_need_a_reason_before_a_note_is_finished(world: World) -> None:
    world.engine.flags = (
        Flag(rule_id="unspecified", severity="warning", message="m", codes=("E11.9",)),
        Flag(rule_id="clash", severity="error", message="m", codes=("E11.9", "R05.9")),
        Flag(rule_id="hint", severity="info", message="m", codes=("I10",)),
    )
    [note] = world.put(TEXT)
    service, token = world.service, world.token("coder")
    view = service.take(token, note)
    for row in view.rows[:3]:
        service.accept(token, note, row.id)
    summary = service.summary(token, note)
    assert [flag.rule_id for flag in summary.standing] == ["unspecified"]
    assert summary.pending == 1
    with pytest.raises(StandingFlagsError) as caught:
        service.finish(
            token, note, overrides=(OverrideInput(rule_id="unspecified", codes=("E11.9",), reason=" "),)
        )
    assert [flag.rule_id for flag in caught.value.flags] == ["unspecified"]
    with pytest.raises(VersionError):
        service.finish(token, note, version=1)
    world.clock.forward(minutes=3)
    done = service.finish(
        token,
        note,
        overrides=(OverrideInput(rule_id="unspecified", codes=("E11.9",), reason="the note says no more"),),
    )
    assert done.seconds == pytest.approx(180)
    assert done.summary.status == "finished"
    assert done.summary.finished_by == "coder1"
    assert done.summary.overrides[0].reason == "the note says no more"
    assert service.history(token, note)[-1].detail["overrides"][0]["rule"] == "unspecified"
    assert service.view(token, note).lease is None
    with pytest.raises(DecisionError):
        service.take(token, note)
    progress = service.progress(token)
    assert (progress.finished_today, progress.codes_today) == (1, 3)
    assert progress.seconds_a_note == pytest.approx(180)


def test_rules_of_the_site_stand_too_and_some_cannot_be_set_aside(world: World) -> None:
    [note] = world.put("cough")
    service, token = world.service, world.token("coder")
    seen: list[tuple[str, ...]] = []

    def rules(note: object, codes: tuple[object, ...], supported: tuple[str, ...]) -> tuple[Flag, ...]:
        seen.append(tuple(code.code for code in codes))  # type: ignore[attr-defined]
        return (Flag(rule_id="never", severity="error", message="m", codes=("R05.9",), overridable=False),)

    service.rules = rules
    view = service.take(token, note)
    service.accept(token, note, view.rows[0].id)
    with pytest.raises(StandingFlagsError):
        service.finish(token, note, overrides=(OverrideInput(rule_id="never", codes=("R05.9",), reason="r"),))
    assert ("R05.9",) in seen
    service.rules = None
    service.finish(token, note)


def test_reopen_gives_the_note_back_with_its_decisions(world: World) -> None:
    [note] = world.put("cough, gout")
    service, token, other = world.service, world.token("coder"), world.token("coder", 2)
    world.finished(note)
    with pytest.raises(ForbiddenError):
        service.reopen(other, note, reason="mine now")
    with pytest.raises(DecisionError):
        service.reopen(token, note, reason=" ")
    service.reopen(token, note, reason="a letter came")
    assert service.worklist(token).rows[0].status == "reopened"
    with pytest.raises(DecisionError):
        service.export_csv(token, (note,))
    view = service.take(token, note)
    assert [code.code for code in view.codes] == ["M10.9", "R05.9"]
    assert not view.can_undo
    service.reject(token, note, view.rows[0].id, reason="not gout")
    assert [code.code for code in service.finish(token, note).summary.codes] == ["R05.9"]
    service.reopen(world.token("auditor"), note, reason="audit")


def test_second_review_is_for_auditors(world: World) -> None:
    one, two = world.put("cough", "fever")
    service, coder, auditor = world.service, world.token("coder"), world.token("auditor")
    view = service.take(coder, one)
    service.accept(coder, one, view.rows[0].id)
    with pytest.raises(HeldError):
        service.send_to_second_review(world.token("coder", 2), one, reason="r")
    service.send_to_second_review(coder, one, reason="not sure")
    with pytest.raises(ForbiddenError):
        service.take(coder, one)
    assert service.take_next(coder, WorkFilters(statuses=("second_review",))) is None
    taken = service.take_next(auditor)
    assert taken is not None
    assert taken.id == one
    service.reject(auditor, one, taken.rows[0].id, reason="no")
    assert service.finish(auditor, one).summary.finished_by == "auditor1"
    with pytest.raises(ForbiddenError):
        service.take(auditor, two)
    with pytest.raises(ForbiddenError):
        service.send_to_second_review(coder, one, reason="r")
    service.send_to_second_review(auditor, one, reason="again")
    assert service.view(coder, one).status == "second_review"


def test_export_escapes_formulas_and_holds_the_summary(world: World) -> None:
    [note] = world.put("cough", prefix="=cmd()", encounter_id="+1")
    world.finished(note)
    token = world.token("coder")
    rows = world.service.export_csv(token, (note,)).decode().split("\r\n")
    assert rows[0].startswith("note,encounter,service_date,position,system,code")
    assert rows[1].startswith(f"'=cmd()-1,'+1,{DAY},1,ICD-10-CM,R05.9,")
    record = json.loads(world.service.export_json(token, (note,)))
    [summary] = record["notes"]
    assert summary["codes"][0]["code"] == "R05.9"
    assert summary["codes"][0]["evidence"] == [[0, 5]]
    assert summary["run"]["model"] == "words 1"
    with pytest.raises(NotFoundError):
        world.service.export_json(token, ("nothing",))


def test_added_row_id_is_known_before_the_answer(world: World) -> None:
    [note] = world.put("cough")
    token = world.token("coder")
    world.service.take(token, note)
    item = decision(note, "add", system="ICD-10-CM", code="I10")
    reject = decision(note, "reject", row_id=added_row_id(note, item.uuid), reason="a slip")
    assert [ack.status for ack in world.service.decide_batch(token, (item, reject))] == ["durable"] * 2
    assert world.service.view(token, note).codes == ()
