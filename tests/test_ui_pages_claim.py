"""The claim page and its downloads: from finished codes to a file, and every way that is refused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from billing_world import EXAMPLE, fees, profile
from pages_world import Pages, made_pages, words
from starlette.testclient import TestClient
from streamlit.testing.v1 import AppTest

from suggester.billing.claim import standing
from suggester.billing.claim_json import claim_text, read_claim
from suggester.codesets import Catalog
from suggester.errors import BillingError, EncounterError, ForbiddenError, NotFoundError, VersionError
from suggester.types import Flag, Patient
from suggester.ui import claims
from suggester.ui.context import AppContext
from suggester.ui.headers import COOKIE
from suggester.ui.server import build_app

PATIENT = Patient(id="patient-1", sex="M", birth_date=date(1961, 3, 2))
CHARGE = Flag(rule_id="billing.charge-zero", severity="error", message="x", codes=("99213",))


@pytest.fixture
def pages(tmp_path: Path, catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pages]:
    for made in made_pages(tmp_path, catalog, monkeypatch):
        settings = made.world.service.settings.model_copy(
            update={"profile_file": EXAMPLE / "profile.toml", "fees_file": EXAMPLE / "fees.csv"}
        )
        monkeypatch.setattr(made.world.service, "settings", settings)
        yield made


def finished(pages: Pages, text: str = "Visit for hypertension and diabetes.", **values: Any) -> str:
    [note] = pages.world.put(text, **{"patient": PATIENT, **values})
    pages.world.finished(note)
    return note


def opened(pages: Pages, **values: Any) -> claims.OpenClaim:
    return claims.open_claim(
        pages.world.service, pages.world.token("coder"), "enc-1", profile=profile(), fees=fees(), **values
    )


def claim_page(pages: Pages, encounter: str = "enc-1") -> AppTest:
    app = pages.page("claim", "coder")
    app.session_state["_claim_encounter"] = encounter
    app.run()
    assert not app.exception, app.exception
    return app


def press(app: AppTest, label: str) -> AppTest:
    next(button for button in app.button if button.label == label).click().run()
    assert not app.exception, app.exception
    return app


def widget(items: Any, end: str) -> Any:
    return next(item for item in items if item.key and item.key.endswith(end))


# --- the page ------------------------------------------------------------------------------------------


def test_page_without_encounters_says_what_to_do(pages: Pages) -> None:
    assert "No encounter here" in words(pages.run("claim", "coder"))
    finished(pages)
    assert "Choose an encounter" in words(pages.run("claim", "manager"))


def test_page_without_profile_asks_for_it(pages: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    finished(pages)
    bare = pages.world.service.settings.model_copy(update={"profile_file": None, "fees_file": None})
    monkeypatch.setattr(pages.world.service, "settings", bare)
    assert "Say who bills whom" in words(claim_page(pages))
    gone = bare.model_copy(update={"profile_file": Path("nowhere.toml")})
    monkeypatch.setattr(pages.world.service, "settings", gone)
    assert "settings name is missing" in words(claim_page(pages))


def test_profile_and_fees_are_uploaded(pages: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    class Sent:
        def __init__(self, content: bytes) -> None:
            self.content = content

        def getvalue(self) -> bytes:
            return self.content

    finished(pages)
    bare = pages.world.service.settings.model_copy(update={"profile_file": None, "fees_file": None})
    monkeypatch.setattr(pages.world.service, "settings", bare)
    files = {"Profile (TOML)": "profile.toml", "Fee schedule (CSV)": "fees.csv"}

    def sent(label: str, **_: Any) -> Sent:
        return Sent((EXAMPLE / files[label]).read_bytes())

    monkeypatch.setattr(st, "file_uploader", sent)
    app = claim_page(pages)
    assert "EXAMPLE CLINIC bills EXAMPLE HEALTH PLAN" in words(app)
    assert app.metric[0].value == "$ 125.00"
    monkeypatch.setattr(st, "file_uploader", lambda *_, **__: Sent(b"npi = 1"))
    assert len(claim_page(pages).error) == 2


def test_open_notes_are_named(pages: Pages) -> None:
    [note] = pages.world.put("hypertension", patient=PATIENT)
    app = claim_page(pages)
    assert "1 of its notes is not finished" in words(app)
    app.button(key="claim_open").click().run()
    assert pages.opened == [note]


def test_patient_without_coverage_is_an_error_in_words(pages: Pages) -> None:
    finished(pages, patient=Patient(id="somebody"))
    app = claim_page(pages)
    assert "[[coverage]]" in words(app)
    assert not app.metric


def test_note_without_codes_is_an_error_in_words(pages: Pages) -> None:
    finished(pages, "nothing to code here")
    assert "no accepted codes" in words(claim_page(pages))


def test_claim_is_edited_saved_and_previewed(pages: Pages) -> None:
    finished(pages)
    app = claim_page(pages)
    assert app.metric[0].value == "$ 125.00"
    assert "Draft, not saved yet" in words(app)
    assert "Save and check first" in words(app)
    assert "Decided by" in words(app)
    widget(app.text_input, "_modifiers").input("gq")
    widget(app.text_input, "_charge").input("$140.5")
    widget(app.number_input, "_dx_I10").set_value(1)
    widget(app.multiselect, "_pointers").set_value(["I10", "E11.9"])
    press(app, "Save and check")
    saved = opened(pages)
    assert saved.version == 1
    assert [item.code for item in saved.claim.draft.diagnoses] == ["I10", "E11.9"]
    [line] = saved.claim.draft.lines
    assert (line.modifiers, line.charge, line.pointers) == (("GQ",), Decimal("140.50"), (1, 2))
    assert "Version 1" in words(app)
    assert app.metric[0].value == "$ 140.50"
    for form, says in (
        ("837p", "SV1*HC:99213"),
        ("fhir", '"resourceType"'),
        ("cms1500", "suggester-cms1500"),
    ):
        app.segmented_control[0].set_value(form).run()
        assert not app.exception
        assert says in app.code[0].value


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("_charge", "a lot", "Line 1: the charge is dollars"),
        ("_charge", "-4", "Line 1: the charge is dollars"),
        ("_charge", "=cmd", "Line 1: the charge is dollars"),
        ("_modifiers", "TOO LONG", "Line 1: modifiers are two"),
        ("_modifiers", "2<", "Line 1: modifiers are two"),
    ],
)
def test_wrong_input_names_its_line_and_saves_nothing(
    pages: Pages, field: str, value: str, says: str
) -> None:
    finished(pages)
    app = claim_page(pages)
    widget(app.text_input, field).input(value)
    press(app, "Save and check")
    assert says in words(app)
    assert opened(pages).version == 0


def test_error_stops_exports_until_it_is_set_aside(pages: Pages) -> None:
    finished(pages)
    app = claim_page(pages)
    widget(app.text_input, "_charge").input("0")
    press(app, "Save and check")
    assert "Nothing leaves while an error stands" in words(app)
    assert not app.segmented_control
    flag = next(f for f in opened(pages).claim.draft.flags if f.rule_id == "billing.charge-zero")
    assert flag.message in words(app)
    assert "billing.charge-zero" in words(app)
    press(app, "Set aside")
    assert "Give a reason" in words(app)
    place = next(i for i, text in enumerate(app.text_area) if text.label.startswith("Reason"))
    app.text_area[place].input("a courtesy visit")
    press(app, "Set aside")
    assert "Reason: a courtesy visit" in words(app)
    assert app.segmented_control
    [override] = [o for o in opened(pages).claim.draft.overrides if o.rule_id == "billing.charge-zero"]
    assert (override.reason, override.by) == ("a courtesy visit", "coder1")
    press(app, "Take back")
    assert "Nothing leaves while an error stands" in words(app)


def test_line_is_kept_off_the_claim_and_put_back(pages: Pages) -> None:
    finished(pages)
    app = claim_page(pages)
    widget(app.checkbox, "_bill").uncheck()
    press(app, "Save and check")
    kept = opened(pages)
    assert kept.claim.draft.lines == ()
    assert [(line.sequence, line.code) for line in kept.claim.unbilled] == [(1, "99213")]
    assert "Every line is kept off this claim." in words(app)
    assert "accepted and kept off this claim by hand: 99213" in words(app)
    assert not kept.changed
    widget(app.checkbox, "_bill").check()
    press(app, "Save and check")
    back = opened(pages)
    assert [(line.sequence, line.code) for line in back.claim.draft.lines] == [(1, "99213")]
    assert back.claim.unbilled == ()
    assert "kept off" not in words(app)


def test_lines_are_counted_anew_without_those_kept_off(pages: Pages) -> None:
    finished(pages)
    claim = opened(pages).claim
    [line] = claim.draft.lines
    second = replace(line, sequence=2, code="G0008", system="HCPCS", decision_id="other")
    claim = replace(claim, draft=replace(claim.draft, lines=(line, second)))
    codes = [item.code for item in claim.draft.diagnoses]
    off = claims.edited(
        claim, order=codes, lines=[edit(claim, billed=False), edit(claim)], place_of_service=None,
        frequency="1", original_reference="",
    )  # fmt: skip
    assert [(item.sequence, item.code) for item in off.draft.lines] == [(1, "G0008")]
    assert [(item.sequence, item.code) for item in off.unbilled] == [(2, "99213")]
    assert {reason.line for reason in off.pointer_reasons} == {1, 2}
    assert read_claim(claim_text(off)) == off


def test_saved_by_somebody_else_meanwhile_is_said(pages: Pages) -> None:
    finished(pages)
    app = claim_page(pages)
    before = opened(pages)
    pages.patch.setattr(claims, "open_claim", lambda *_, **__: before)
    claims.save(pages.world.service, pages.world.token("manager"), before, before.claim)
    press(app, "Save and check")
    assert "changed since it was shown" in words(app)


def recoded(pages: Pages, note: str) -> None:
    service, token = pages.world.service, pages.world.token("coder")
    service.reopen(token, note, reason="one more")
    view = service.take(token, note)
    row = next(row for row in view.rows if row.code == "E11.9")
    service.reject(token, note, row.id, reason="not supported by the note")
    service.finish(token, note)


def test_claim_whose_codes_changed_is_drafted_again(pages: Pages) -> None:
    note = finished(pages)
    press(claim_page(pages), "Save and check")
    recoded(pages, note)
    assert opened(pages).changed
    app = claim_page(pages)
    assert "codes of this encounter changed" in words(app)
    assert "Draft the claim again first" in words(app)
    with pytest.raises(EncounterError, match="draft it again"):
        export(pages, note, "fhir", ".fhir.json")
    press(app, "Draft again from the codes")
    assert not opened(pages).changed
    assert [item.code for item in opened(pages).claim.draft.diagnoses] == ["I10"]


# --- editing -------------------------------------------------------------------------------------------


def edit(claim: Any, **values: Any) -> claims.LineEdit:
    line = claim.draft.lines[0]
    by_number = {item.sequence: item.code for item in claim.draft.diagnoses}
    return claims.LineEdit(
        **{
            "modifiers": line.modifiers,
            "units": line.units,
            "charge": line.charge,
            "pointers": tuple(by_number[n] for n in line.pointers),
            **values,
        }
    )


def test_pointers_follow_their_diagnosis_and_keep_their_reasons(pages: Pages) -> None:
    finished(pages)
    claim = opened(pages).claim
    codes = [item.code for item in claim.draft.diagnoses]
    first = claim.draft.lines[0].pointers[0]
    said = {(r.line, codes[r.diagnosis - 1]): r.reasons for r in claim.pointer_reasons}
    turned = claims.edited(
        claim, order=codes[::-1], lines=[edit(claim)], place_of_service="02", frequency="7",
        original_reference="PAYER1",
    )  # fmt: skip
    new = [item.code for item in turned.draft.diagnoses]
    assert new == codes[::-1]
    assert [item.sequence for item in turned.draft.diagnoses] == [1, 2]
    assert new[turned.draft.lines[0].pointers[0] - 1] == codes[first - 1]
    assert {(r.line, new[r.diagnosis - 1]): r.reasons for r in turned.pointer_reasons} == said
    assert (turned.place_of_service, turned.frequency, turned.original_reference) == ("02", "7", "PAYER1")
    other = claims.edited(
        claim, order=codes, lines=[edit(claim, pointers=tuple(codes))], place_of_service=None, frequency="1",
        original_reference="",
    )  # fmt: skip
    assert {r.reasons for r in other.pointer_reasons} >= set(said.values())


def test_flags_are_set_aside_once_and_taken_back(pages: Pages) -> None:
    finished(pages)
    claim = opened(pages).claim
    at = datetime(2026, 6, 20, tzinfo=UTC)
    twice = claims.set_aside(claim, CHARGE, reason=" first ", by="Ada", at=at)
    twice = claims.set_aside(twice, CHARGE, reason="second", by="Ada", at=at)
    assert [o.reason for o in twice.draft.overrides] == ["second"]
    assert claims.taken_back(twice, CHARGE).draft.overrides == ()
    with pytest.raises(ValueError, match="reason"):
        claims.set_aside(claim, CHARGE, reason=" ", by="Ada", at=at)


# --- leaving -------------------------------------------------------------------------------------------


def export(pages: Pages, note: str, form: str, ending: str, role: Any = "coder") -> claims.Export:
    return claims.export_claim(pages.world.service, pages.world.token(role), note, form, ending)


@pytest.mark.parametrize(
    ("form", "ending", "media", "begins"),
    [
        ("superbill", ".superbill.pdf", "application/pdf", b"%PDF"),
        ("superbill", ".superbill.csv", "text/csv; charset=utf-8", b""),
        ("superbill", ".claim.json", "application/json", b"{"),
        ("837p", ".x12", "application/edi-x12", b"ISA*"),
        ("837p", ".json", "application/json", b'{\n "format": "suggester-837p/1"'),
        ("fhir", ".fhir.json", "application/json", b"{"),
        ("cms1500", ".cms1500.json", "application/json", b"{"),
    ],
)
def test_saved_claim_leaves_in_each_form(
    pages: Pages, form: str, ending: str, media: str, begins: bytes
) -> None:
    note = finished(pages)
    with pytest.raises(NotFoundError, match="save it first"):
        export(pages, note, form, ending)
    now = opened(pages)
    claims.save(pages.world.service, pages.world.token("coder"), now, now.claim)
    out = export(pages, note, form, ending)
    assert out.body.startswith(begins)
    assert out.media == media
    assert "enc-1" not in out.name
    assert out.name.endswith(ending)
    assert export(pages, note, form, ending) == out
    [record] = pages.world.service.exports(pages.world.token("coder"), "enc-1")
    assert record.format == form
    assert "Exported before (1)" in [item.label for item in claim_page(pages).expander]


def test_every_file_of_a_form_is_known() -> None:
    assert set(claims.FILES) == {"superbill", "837p", "fhir", "cms1500"}


@pytest.mark.parametrize(("form", "ending"), [("837p", ".pdf"), ("x", ".json"), ("fhir", "")])
def test_unknown_file_is_not_found(pages: Pages, form: str, ending: str) -> None:
    with pytest.raises(NotFoundError):
        export(pages, "n", form, ending)


def test_claim_does_not_leave_while_an_error_stands_or_for_other_roles(pages: Pages) -> None:
    note = finished(pages)
    now = opened(pages)
    line = replace(now.claim.draft.lines[0], charge=Decimal(0))
    bad = replace(now.claim, draft=replace(now.claim.draft, lines=(line,)))
    claims.save(pages.world.service, pages.world.token("coder"), now, bad)
    assert standing(opened(pages).claim.draft.flags)
    with pytest.raises(BillingError, match="charge"):
        export(pages, note, "837p", ".x12")
    assert pages.world.service.exports(pages.world.token("coder"), "enc-1") == ()
    for role in ("auditor", "admin"):
        with pytest.raises(ForbiddenError):
            export(pages, note, "837p", ".x12", role)
    with pytest.raises(VersionError):
        claims.save(pages.world.service, pages.world.token("coder"), now, bad)


def test_route_checks_the_session(pages: Pages) -> None:
    note = finished(pages)
    now = opened(pages)
    claims.save(pages.world.service, pages.world.token("coder"), now, now.claim)
    context = AppContext(service=pages.world.service)
    with TestClient(build_app(context), base_url="http://localhost") as client:
        path = f"/export/claim/{note}/837p/x12"
        assert client.get(path).status_code == 401
        client.cookies.set(COOKIE, pages.world.token("auditor"))
        assert client.get(path).status_code == 403
        client.cookies.set(COOKIE, pages.world.token("coder"))
        answer = client.get(path)
        assert answer.status_code == 200
        assert answer.content.startswith(b"ISA*")
        assert answer.headers["cache-control"] == "no-store"
        assert "attachment" in answer.headers["content-disposition"]
        assert "enc-1" not in str(answer.headers)
        assert client.get(f"/export/claim/{note}/837p/nothing").status_code == 404


def test_demo_has_a_clinic_for_each_sample() -> None:
    found, prices = claims.demo_papers()
    assert len(found.coverage) == 10
    assert len(prices) > 100
