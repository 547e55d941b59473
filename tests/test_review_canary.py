"""Words of a note go nowhere but into the database: not into logs, errors, the trail, or files beside it."""

from __future__ import annotations

import contextlib
import io
import json
import logging
import tempfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from review_world import KINDS, World, worlds

from suggester.codesets import Catalog
from suggester.errors import InputError, SuggesterError
from suggester.review.operating import operator_session
from suggester.review.types import DecisionInput, OverrideInput
from suggester.store.backup import backup
from suggester.types import Flag, Note, Span

CANARY = "zanzibarquartz"
TEXT = f"diabetes of {CANARY}, no fever, cough. {CANARY} visit"


@pytest.fixture(params=KINDS)
def world(request: pytest.FixtureRequest, tmp_path: Path, catalog: Catalog) -> Iterator[World]:
    yield from worlds(request.param, tmp_path, catalog)


def work_through(world: World, said: list[str]) -> None:
    """A note through every path, with everything that can go wrong; what errors say is collected."""
    service, coder = world.service, world.token("coder")
    world.engine.flags = (Flag(rule_id="warns", severity="warning", message="m", codes=("E11.9",)),)
    [note] = world.put(TEXT)
    operator = operator_session(service).token
    *_, last = service.import_notes(
        operator,
        [
            Note(id="bad-1", text=f"explode {CANARY}"),
            Note(id="bad-2", text=f"{CANARY}\x00"),
            Note(id="bad-3", text=f"{CANARY}\udc80"),
            Note(id="note-1", text=CANARY),
            InputError("is no note", record="file:1"),
        ],
    )
    assert [failure.code for failure in last.failures] == ["input", "internal", "encoding", "encoding"]
    assert last.skipped == 1
    said += [f"{failure.record} {failure.message}" for failure in last.failures]
    view = service.take(coder, note)
    rows = [row.id for row in view.rows]

    def refused(call: object) -> None:
        with pytest.raises(SuggesterError) as caught:
            call()  # type: ignore[operator]
        said.append(f"{caught.value!r} {caught.value} {caught.value.__cause__!r}")

    service.accept(coder, note, rows[0])
    refused(lambda: service.accept(coder, note, CANARY))
    refused(lambda: service.view(coder, CANARY))
    refused(lambda: service.replace(coder, note, rows[1], system="ICD-10-CM", code=CANARY))
    refused(
        lambda: service.add_code(coder, note, system="ICD-10-CM", code="I10", span=Span(start=0, end=999))
    )
    refused(lambda: service.reject(coder, note, rows[1], reason=CANARY * 100))
    refused(lambda: service.search_codes(coder, "cough", note_id=CANARY))
    refused(lambda: service.code_details(coder, "ICD-10-CM", CANARY))
    refused(lambda: service.ask_physician(coder, note, kind="cause", text=CANARY * 1000))
    refused(lambda: service.draft_query(coder, note, row_id=CANARY))
    refused(lambda: service.sign_in(CANARY, CANARY))
    refused(lambda: service.finish(coder, note))
    refused(
        lambda: service.dashboard_csv(world.token("manager"), CANARY, since=date.today(), until=date.today())
    )
    acks = service.decide_batch(
        coder,
        (DecisionInput(uuid=CANARY * 9, note_id=note, action=CANARY, code=CANARY),),  # type: ignore[arg-type]
    )
    said += [str(ack.message) for ack in acks]
    service.add_code(coder, note, system="ICD-10-CM", code="R52", span=Span(start=12, end=12 + len(CANARY)))
    service.reject(coder, note, rows[1], reason=f"not {CANARY}")
    draft = service.draft_query(coder, note, kind="cause", spans=(Span(start=12, end=12 + len(CANARY)),))
    assert CANARY in draft.text
    query = service.ask_physician(coder, note, kind="cause", text=draft.text)
    service.close_query(coder, query.id, answer=f"yes, {CANARY}")
    service.finish(
        coder, note, overrides=(OverrideInput(rule_id="warns", codes=("E11.9",), reason=f"{CANARY} says so"),)
    )
    service.export_csv(coder, (note,))
    service.sign_out(coder)
    refused(lambda: service.view(coder, note))


def test_canary_is_in_no_log_error_trail_or_file(
    world: World, caplog: pytest.LogCaptureFixture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    said: list[str] = []
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        work_through(world, said)
        auditor = world.token("auditor")
        trail = world.service.trail(auditor)
        report = world.service.verify_trail(auditor)
    assert report.intact
    assert len(trail) > 20
    assert CANARY not in json.dumps([[e.actor, e.action, e.subject, e.detail] for e in trail])
    assert CANARY not in "\n".join(said).replace(CANARY * 9, "")
    assert CANARY not in caplog.text
    assert CANARY not in out.getvalue() + err.getvalue()
    assert list(temporary.iterdir()) == []
    kept = tmp_path / "copy.backup"
    backup(world.service.store, kept)
    beside = [
        p for p in tmp_path.rglob("*") if p.is_file() and not p.name.startswith(("review.sqlite", "copy"))
    ]
    assert {p.name for p in beside} == {"audit.key", "audit.anchor"}
    for path in beside:
        assert CANARY.encode() not in path.read_bytes()
    assert not any(CANARY in p.name for p in tmp_path.rglob("*"))
    assert CANARY.encode() in kept.read_bytes()  # so that the search would have found it


def test_exception_in_the_middle_of_a_write_tells_no_text(world: World) -> None:
    [note] = world.put(TEXT)
    token = world.token("coder")
    world.service.take(token, note)

    def breaking(note: Note, codes: object, supported: object) -> tuple[Flag, ...]:
        raise SuggesterError("a rule failed")

    world.service.rules = breaking
    with pytest.raises(SuggesterError) as caught:
        world.service.finish(token, note)
    assert CANARY not in repr(caught.value)
    world.service.rules = None
    assert world.service.view(token, note).status == "in_review"
    assert world.service.store.verify().faults == ()
