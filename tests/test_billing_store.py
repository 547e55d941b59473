"""From a finished note in a real review store to an 837P, through a claim that a person changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from billing_world import fees, profile
from review_world import World, worlds

from suggester.billing.claim import Claim, standing
from suggester.billing.claim_json import claim_record
from suggester.billing.export import Refusal, diagnosis_check, export_claims, preview
from suggester.billing.reviewed import reviewed_claims
from suggester.billing.ruling import rule_check
from suggester.codesets import Catalog
from suggester.errors import ForbiddenError
from suggester.rules import Rules
from suggester.types import Patient

PATIENT = Patient(id="patient-1", sex="M", birth_date=date(1961, 3, 2))


@pytest.fixture
def world(tmp_path: Path, catalog: Catalog) -> Iterator[World]:
    yield from worlds("sqlite", tmp_path, catalog)


def claims(world: World, catalog: Catalog, *ids: str) -> list[Claim | Refusal]:
    """The claims of encounters as the coder gets them."""
    rules = rule_check(Rules.open(catalog=catalog))
    token = world.token("coder")
    found = reviewed_claims(
        world.service, token, ids, profile=profile(), fees=fees(), catalog=catalog, rules=rules
    )
    return list(found)


def test_note_goes_from_decision_to_837p(world: World, catalog: Catalog, tmp_path: Path) -> None:
    done, _open = world.put("Visit for hypertension and diabetes.", "cough", patient=PATIENT)
    world.finished(done)
    token = world.token("coder")
    assert world.service.encounters(token) == ("enc-1", "enc-2")

    made, refused, missing = claims(world, catalog, "enc-1", "enc-2", "enc-9")
    assert isinstance(refused, Refusal)
    assert (refused.reason, refused.field) == ("encounter", "open_notes")
    assert isinstance(missing, Refusal)
    assert missing.reason == "not_found"
    assert isinstance(made, Claim)
    assert {diagnosis.code for diagnosis in made.draft.diagnoses} == {"I10", "E11.9"}
    assert [line.code for line in made.draft.lines] == ["99213"]
    assert made.draft.lines[0].decision_id
    assert made.traces[0].places[0][0] == "note-1"
    assert not standing(made.draft.flags)

    changed = replace(made.draft.lines[0], pointers=(1,))
    mine = replace(made, draft=replace(made.draft, lines=(changed,)))
    world.service.save_claim(token, "enc-1", claim_record(mine), version=0)
    [again] = claims(world, catalog, "enc-1")
    assert isinstance(again, Claim)
    assert again.draft.lines[0].pointers == (1,)

    report = export_claims(
        [again], form="837p", folder=tmp_path / "out", is_diagnosis=diagnosis_check(catalog)
    )
    assert report.refusals == ()
    text = next((tmp_path / "out").glob("*.x12")).read_text(encoding="ascii")
    assert "SV1*HC:99213*125*UN*1***1~" in text
    shown = preview(again, "837p")
    assert text.encode() in shown.values()
    digest = dict(report.files)["enc-1.claim.json"]
    record = world.service.record_export(token, "enc-1", format="837p", sha256=digest)
    assert world.service.record_export(token, "enc-1", format="837p", sha256=digest) == record
    assert len(world.service.exports(token, "enc-1")) == 1


def test_who_may_not_read_claims_gets_none(world: World) -> None:
    [note_id] = world.put("visit", patient=PATIENT)
    world.finished(note_id)
    found = reviewed_claims(world.service, world.token("auditor"), ["enc-1"], profile=profile(), fees=fees())
    with pytest.raises(ForbiddenError):
        list(found)
