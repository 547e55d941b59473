"""The forms in which a claim leaves: superbill, 837P, FHIR, CMS-1500, our own JSON, and the folder."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from billing_world import accepted, claim, encounter, fees, gold_encounters, profile, visit
from pypdf import PdfReader

import suggester.billing.files as files_module
import suggester.billing.x12_837p as x12_module
from suggester.billing.claim import Claim
from suggester.billing.claim_json import claim_record, claim_text, read_claim
from suggester.billing.cms1500 import cms1500_record, cms1500_text
from suggester.billing.encounter import CodedEncounter
from suggester.billing.export import (
    FORMS,
    ControlReport,
    Form,
    Refusal,
    diagnosis_check,
    draft_all,
    export_claims,
    preview,
)
from suggester.billing.fhir_claim import check_bundle, fhir_bundle, fhir_text
from suggester.billing.files import write_whole
from suggester.billing.ledger import LEDGER, Ledger
from suggester.billing.profile import BillingProvider, Facility
from suggester.billing.superbill import superbill_csv, superbill_pdf
from suggester.billing.x12_837p import compose_837p, write_837p
from suggester.billing.x12_checks import own_problems, pyx12_problems
from suggester.codesets import Catalog
from suggester.errors import BillingError, ClaimFileError, FhirError, FlagsStandError, LedgerError, X12Error
from suggester.types import Patient


def child() -> CodedEncounter:
    """A visit of the profile's second patient, whose parent is the subscriber."""
    return visit(id="enc-2", patient=Patient(id="patient-2", sex="F", birth_date=date(2024, 2, 29)))


def rich() -> Claim:
    """A claim with everything optional: facility, group, replaced claim, address of the payer, inpatient."""
    made = claim(replace(visit(setting="inpatient"), frequency="7", original_reference="PAYER123"))
    address = made.parties.billing_provider.address
    parties = made.parties.model_copy(
        update={
            "facility": Facility(name="EXAMPLE HOSPITAL", npi="1000000004", address=address),
            "payer": made.parties.payer.model_copy(update={"address": address}),
            "coverage": made.parties.coverage.model_copy(update={"group_number": "G1"}),
            "billing_provider": BillingProvider(
                name="DOE", first_name="JANE", npi="1234567893", tax_id="123456789", address=address
            ),
        }
    )
    return replace(made, parties=parties)


@cache
def interchange_of_a_visit() -> str:
    """A whole interchange with one claim."""
    return write_837p([claim()]).text


def values(text: str, segment: str) -> list[str]:
    """Segments of an 837P by id."""
    return [line.removesuffix("~") for line in text.splitlines() if line.startswith(f"{segment}*")]


def export(
    folder: Path, form: Form, *encounters: CodedEncounter, extra: tuple[Refusal, ...] = ()
) -> ControlReport:
    """Export encounters under the invented profile."""
    claims = draft_all(encounters or (visit(), child()), profile=profile(), fees=fees())
    return export_claims([*claims, *extra], form=form, folder=folder)


def contents(folder: Path) -> dict[str, bytes]:
    """Everything in a folder, except the lock."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != ".export.lock"}


# --- superbill ----------------------------------------------------------------------------------------


def test_superbill_csv_has_lines_pointers_decisions_and_run() -> None:
    rows = list(csv.DictReader(io.StringIO(superbill_csv(claim()), newline="")))
    assert [row["line"] for row in rows] == ["dx 1", "dx 2", "1", "2", "3", "total"]
    assert (rows[4]["fee"], rows[4]["charge"]) == ("35.00", "70.00")
    assert (rows[2]["modifiers"], rows[2]["pointers"], rows[2]["diagnoses"]) == ("25", "1 2", "I10 E11.9")
    assert {row["run"] for row in rows} == {"run-1"}
    assert {row["model"] for row in rows} == {"general 1, suggester 0.1.0"}
    assert {row["releases"] for row in rows} == {"ICD-10-CM 2026-04-01, CPT 2026-04-01, HCPCS 2026-04-01"}
    assert rows[2]["decision"] == "d-99214"
    assert rows[-1]["charge"] == "285.00"


def test_superbill_neutralizes_formulas_in_text_cells() -> None:
    coded = encounter(
        accepted("ICD-10-CM", "I10", display="=cmd|' /C calc'!A0"),
        accepted("CPT", "93000", display="@SUM(A1)", decision_id="-1+1"),
    )
    text = superbill_csv(claim(coded))
    cells = [cell for row in csv.reader(io.StringIO(text, newline="")) for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]
    assert "'=cmd|' /C calc'!A0" in cells


def test_superbill_pdf_reads_back_and_repeats() -> None:
    made = claim()
    pdf = superbill_pdf(made)
    assert pdf == superbill_pdf(made)
    text = " ".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages)
    for wanted in (
        "99214",
        "25",
        "E11.9",
        "285.00",
        "run-1",
        "1234567893",
        "d-93000",
        "ICD-10-CM 2026-04-01",
    ):
        assert wanted in text


def test_superbill_pdf_takes_any_letters_and_many_lines() -> None:
    codes = [
        accepted("CPT", "93000", display=f"Żółw 日本 {number}", decision_id=f"d{number}")
        for number in range(50)
    ]
    coded = encounter(accepted("ICD-10-CM", "I10"), *codes, service_to=date(2026, 6, 19))
    made = claim(replace(coded, codes=(*coded.codes, accepted("CPT", "00000"))))
    reader = PdfReader(io.BytesIO(superbill_pdf(replace(made, run=None))))
    assert len(reader.pages) > 1
    text = " ".join(page.extract_text() for page in reader.pages)
    assert "Zó?w ?? 49" in text
    assert "billing" not in text
    assert "error: lines: 51 lines" in text


# --- our own JSON -------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [claim, rich, lambda: claim(child()), lambda: replace(claim(), run=None)])
def test_claim_json_comes_back_equal(make: Callable[[], Claim]) -> None:
    made = make()
    assert read_claim(claim_text(made)) == made
    assert claim_text(read_claim(claim_text(made))) == claim_text(made)


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (("format",), "other/1", "must be suggester-claim/1"),
        (("total",), "1.00", "sum of the lines"),
        (("number",), "x", "control number"),
        (("colour",), "red", "unknown field"),
        (("lines", 0, "charge"), None, "charge"),
        (("lines", 0, "charge"), "1,00", "charge"),
        (("lines", 0, "units"), 1.5, "units"),
        (("lines", 0, "pointers"), ["1"], "pointers"),
        (("lines", 0, "service_date"), None, "service_date"),
        (("encounter", "service_to"), "2026-01-01", "before service_from"),
        (("encounter", "patient", "sex"), "X", "sex"),
        (("parties", "billing_provider", "npi"), "1234567890", "billing_provider.npi"),
        (("decisions", 0, "places"), [["n1", 5, 1]], "note id, start, end"),
        (("diagnoses",), None, "diagnoses"),
        (("flags",), [{"rule_id": "r", "severity": "fatal"}], "severity"),
    ],
)
def test_claim_json_names_the_field_at_fault(path: tuple[Any, ...], value: object, words: str) -> None:
    record = claim_record(claim())
    inside: Any = record
    for step in path[:-1]:
        inside = inside[step]
    inside[path[-1]] = value
    with pytest.raises(ClaimFileError, match=words):
        read_claim(json.dumps(record), name="c.json")


def test_claim_json_must_be_json() -> None:
    with pytest.raises(ClaimFileError, match="not valid JSON"):
        read_claim("{", name="c.json")


# --- 837P ---------------------------------------------------------------------------------------------


def test_837p_says_what_the_claim_says() -> None:
    text = interchange_of_a_visit()
    assert values(text, "CLM") == ["CLM*enc-1*285***11:B:1*Y*A*Y*Y"]
    assert values(text, "HI") == ["HI*ABK:I10*ABF:E119"]
    assert values(text, "SV1")[0] == "SV1*HC:99214:25*180*UN*1***1:2"
    assert values(text, "SV1")[2] == "SV1*HC:J1885*70*UN*2***1"
    assert values(text, "NTE")[0].startswith(
        "NTE*ADD*RUN RUN-1 VERSION 0.1.0 MODEL GENERAL 1 ICD-10-CM 2026-04-01"
    )
    assert values(text, "NTE")[1] == "NTE*ADD*DECISION D-99214"
    assert values(text, "ISA")[0].endswith("*0*T*:")
    assert all(len(note) <= len("NTE*ADD*") + 80 for note in values(text, "NTE"))


def test_837p_without_traces_in_notes() -> None:
    assert not values(write_837p([replace(claim(), trace_in_notes=False)]).text, "NTE")


def test_837p_of_a_child_names_subscriber_and_patient() -> None:
    text = write_837p([claim(child())]).text
    assert values(text, "HL") == ["HL*1**20*1", "HL*2*1*22*1", "HL*3*2*23*0"]
    assert values(text, "PAT") == ["PAT*19"]
    assert values(text, "DMG") == ["DMG*D8*20240229*F"]


def test_837p_with_everything_optional() -> None:
    text = write_837p([rich()]).text
    assert values(text, "CLM") == ["CLM*enc-1*285***21:B:7*Y*A*Y*Y"]
    assert "REF*F8*PAYER123" in values(text, "REF")
    assert "DTP*435*D8*20260618" in values(text, "DTP")
    assert [name.split("*")[1] for name in values(text, "NM1")] == ["41", "40", "85", "IL", "PR", "82", "77"]
    bare = rich()
    facility = bare.parties.facility
    assert facility is not None
    parties = bare.parties.model_copy(
        update={"facility": facility.model_copy(update={"npi": None}), "rendering_provider": None}
    )
    assert "NM1*77*2*EXAMPLE HOSPITAL" in write_837p([replace(bare, parties=parties)]).text


def test_837p_line_says_its_own_place() -> None:
    coded = encounter(accepted("ICD-10-CM", "I10"), accepted("CPT", "93000", place_of_service="12"))
    assert values(write_837p([claim(coded)]).text, "SV1") == ["SV1*HC:93000*35*UN*1*12**1"]


def test_837p_of_many_claims_is_cut_into_transactions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(x12_module, "CLAIMS_A_TRANSACTION", 2)
    claims = [claim(visit(id=f"enc-{number}")) for number in range(5)]
    interchange = write_837p(claims)
    assert len(values(interchange.text, "ST")) == 3
    assert interchange.claim_at(interchange.ranges[3][1]) == "enc-3"
    assert interchange.claim_at(1) is None


def test_837p_refuses_what_cannot_go_together() -> None:
    with pytest.raises(X12Error, match="no claim"):
        compose_837p([])
    with pytest.raises(X12Error, match="same profile"):
        compose_837p([claim(), replace(claim(child()), usage="P")])
    with pytest.raises(X12Error, match="same control number"):
        compose_837p([claim(), claim()])


def test_837p_names_the_claim_that_pyx12_refuses() -> None:
    odd = claim(child())
    lines = (replace(odd.draft.lines[0], place_of_service="9999"), *odd.draft.lines[1:])
    with pytest.raises(X12Error, match="SV105") as caught:
        write_837p([claim(), replace(odd, draft=replace(odd.draft, lines=lines))])
    assert caught.value.field.startswith("enc-2: SV105")


@pytest.mark.parametrize(
    ("old", "new", "field", "seen_by_pyx12"),
    [
        ("*XX*1234567893", "*XX*1234567890", "NM109", False),
        ("11:B:1", "11:B:9", "CLM05-3", False),
        ("*285*", "*286*", "CLM02", False),
        ("*UN*1*", "*UN*-1*", "SV104", False),
        ("*UN*1*", "*UN*0*", "SV104", False),
        ("*180*UN", "*-180*UN", "SV102", False),
        ("***1:2", "***1:3", "SV107", False),
        ("***1:2", "***1:1", "SV107", False),
        ("ABF:E119", "ABF:I10", "HI", False),
        ("ABF:E119", "ABF:QQQ", "HI02-2", False),
        ("D8*20260618", "D8*19500618", "DTP03", False),
        ("D8*20260618", "D8*2026061X", "DTP03", True),
    ],
)
def test_own_checks_catch_what_pyx12_lets_pass(
    catalog: Catalog, old: str, new: str, field: str, seen_by_pyx12: bool
) -> None:
    text = interchange_of_a_visit()
    damaged = text.replace(old, new, 1)
    assert damaged != text
    problems = list(own_problems(damaged, is_diagnosis=diagnosis_check(catalog)))
    assert field in {problem.field for problem in problems}
    assert bool(pyx12_problems(damaged)) == seen_by_pyx12
    assert not list(own_problems(text, is_diagnosis=diagnosis_check(catalog)))


def test_own_checks_miss_no_claim_without_lines() -> None:
    lines = interchange_of_a_visit().splitlines()
    without = [line for line in lines if not line.startswith(("LX", "SV1", "DTP", "REF*6R", "NTE*ADD*DEC"))]
    assert {"CLM", "CLM02"} <= {problem.field for problem in own_problems("\n".join(without))}


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("*Y*A*Y*Y", "*Y*Z*Y*Y", "CLM07"),
        ("N4*ANYTOWN*OH*43000~", "N4*ANYTOWN*QQ*43000~", "N402"),
        ("\nHI*ABK:I10*ABF:E119~", "", "HI"),
        ("SE*40*", "SE*41*", "ST"),
        ("GS*HC", "GS*XX", "file"),
        ("LX*1~", "ZZ*1~", "ZZ"),
    ],
)
def test_pyx12_problems_name_the_place(old: str, new: str, field: str) -> None:
    text = interchange_of_a_visit()
    assert old in text
    problems = pyx12_problems(text.replace(old, new))
    assert field in {problem.field for problem in problems}, problems


def test_pyx12_says_nothing_in_logs_or_on_the_terminal(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    text = interchange_of_a_visit().replace("N4*ANYTOWN*OH", "N4*ANYTOWN*QQ").replace("SBR*P", "SBR*Q")
    assert pyx12_problems(text)
    assert caplog.records == []
    assert capfd.readouterr() == ("", "")


def test_pyx12_refuses_what_is_no_interchange() -> None:
    assert pyx12_problems("not x12") != ()


# --- FHIR ---------------------------------------------------------------------------------------------


def resources(bundle: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    """Resources of a bundle by type."""
    return [entry["resource"] for entry in bundle["entry"] if entry["resource"]["resourceType"] == kind]


def test_fhir_bundle_has_claim_condition_procedure_and_everybody() -> None:
    bundle = json.loads(fhir_text(claim()))
    kinds = [entry["resource"]["resourceType"] for entry in bundle["entry"]]
    assert {kind: kinds.count(kind) for kind in set(kinds)} == {
        "Claim": 1, "Condition": 2, "Procedure": 3, "Patient": 1, "Practitioner": 1, "Organization": 2,
        "Coverage": 1, "Encounter": 1, "Provenance": 6,
    }  # fmt: skip
    made = resources(bundle, "Claim")[0]
    assert made["total"] == {"value": 285.0, "currency": "USD"}
    assert made["item"][0]["diagnosisSequence"] == [1, 2]
    assert made["item"][0]["modifier"][0]["coding"][0]["code"] == "25"
    assert {"valueString": "code set ICD-10-CM 2026-04-01"}.items() <= made["supportingInfo"][2].items()
    decisions = [
        entity["what"]["identifier"]["value"]
        for provenance in resources(bundle, "Provenance")
        for entity in provenance["entity"]
        if entity["what"]["identifier"]["system"] == "urn:suggester:decision"
    ]
    assert decisions == ["d-I10", "d-E11.9", "d-99214", "d-93000", "d-J1885"]


def test_fhir_bundle_with_everything_optional() -> None:
    bundle = json.loads(fhir_text(rich()))
    assert resources(bundle, "Claim")[0]["related"][0]["reference"]["value"] == "PAYER123"
    assert resources(bundle, "Encounter")[0]["class"]["code"] == "IMP"
    of_child = json.loads(fhir_text(claim(child())))
    assert len(resources(of_child, "Patient")) == 2
    assert resources(of_child, "Coverage")[0]["relationship"]["coding"][0]["code"] == "child"
    bare = claim()
    without = replace(
        bare, parties=bare.parties.model_copy(update={"rendering_provider": None}), run=None, traces=()
    )
    assert len(resources(json.loads(fhir_text(without)), "Provenance")) == 1


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (("entry", 0, "resource", "item"), [{"sequence": 1}], "productOrService"),
        (("entry", 0, "resource", "bogus"), 1, "bogus"),
        (("entry", 0, "resource", "total"), {"value": "much"}, "total"),
        (
            ("entry", 1, "resource", "subject"),
            {"reference": "urn:uuid:nobody"},
            r"entry\[1\].resource.subject",
        ),
        (("entry", 0, "resource", "resourceType"), "Nothing", "KeyError"),
    ],
)
def test_fhir_bundle_that_is_damaged_is_refused(path: tuple[Any, ...], value: object, words: str) -> None:
    bundle = fhir_bundle(claim())
    inside: Any = bundle
    for step in path[:-1]:
        inside = inside[step]
    inside[path[-1]] = value
    with pytest.raises(FhirError, match=words):
        check_bundle(bundle)


# --- CMS-1500 -----------------------------------------------------------------------------------------


def test_cms1500_has_the_boxes() -> None:
    form = cms1500_record(claim())["forms"][0]
    assert form["21"] == {"ICD Ind.": "0", "A": "I10", "B": "E119"}
    assert form["24"][0] == {
        "24A": "06 18 2026 06 18 2026", "24B": "11", "24D": "99214 25", "24E": "AB", "24F": "180 00",
        "24G": "1", "24J": "1000000004",
    }  # fmt: skip
    assert (form["28"], form["26"], form["33a"], form["6"]) == ("285 00", "enc-1", "1234567893", "Self")
    assert form["10a"] == "NO"
    assert json.loads(cms1500_text(claim()))["decisions"][0] == {"code": "I10", "decision_id": "d-I10"}


def test_cms1500_takes_six_lines_a_form_and_leaves_accidents_to_a_person() -> None:
    codes = [accepted("CPT", "93000", decision_id=f"d{number}") for number in range(8)]
    record = cms1500_record(claim(encounter(accepted("ICD-10-CM", "S01.81XA"), *codes)))
    assert [len(form["24"]) for form in record["forms"]] == [6, 2]
    assert [form["28"] for form in record["forms"]] == ["210 00", "70 00"]
    assert "10a" not in record["forms"][0]


def test_cms1500_with_everything_optional() -> None:
    form = cms1500_record(rich())["forms"][0]
    assert form["22"] == {"code": "7", "original": "PAYER123"}
    assert form["32a"] == "1000000004"
    assert form["18"] == {"from": "06 18 2026", "to": "06 18 2026"}
    assert form["33"]["name"] == "JANE DOE"
    assert cms1500_record(claim(child()))["forms"][0]["6"] == "Child"


# --- the folder ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMS)
def test_export_again_changes_nothing(tmp_path: Path, form: Form) -> None:
    first = export(tmp_path, form)
    before = contents(tmp_path)
    second = export(tmp_path, form)
    assert (len(first.claims), first.total, first.refusals) == (2, Decimal("570.00"), ())
    assert first.written > 0
    assert second.written == 0
    assert second.record() == first.record()
    assert contents(tmp_path) == before
    other = tmp_path / "other"
    export(other, form)
    assert contents(other) == {name: before[name] for name in before}
    assert {name for name, _ in first.files} <= set(before)
    assert not [name for name in before if name.endswith(".part")]


def test_export_refuses_one_and_writes_the_rest(tmp_path: Path) -> None:
    free = visit(id="enc-9")
    free = replace(free, codes=(*free.codes, accepted("CPT", "99999")))
    nobody = visit(id="enc-8", patient=Patient(id="nobody"))
    broken = Refusal(encounter="x:1", reason="encounter", field="x:1", message="is not valid JSON")
    report = export(tmp_path, "837p", visit(), free, nobody, extra=(broken,))
    assert [(refusal.encounter, refusal.reason) for refusal in report.refusals] == [
        ("enc-8", "profile"),
        ("enc-9", "flags_stand"),
        ("x:1", "encounter"),
    ]
    control = json.loads((tmp_path / "control-837p.json").read_text(encoding="utf-8"))
    assert (control["encounters"], control["exported"], control["refused"], control["total"]) == (
        4,
        1,
        3,
        "285.00",
    )
    assert "lines[4].charge" in control["refusals"][1]["message"]


def test_encounter_that_comes_twice_goes_out_once(tmp_path: Path) -> None:
    report = export(tmp_path, "837p", visit(), replace(visit(), codes=visit().codes[:-1]))
    assert (len(report.claims), report.refusals[0].field) == (1, "encounter.id")


def test_export_gives_no_days_without_release(tmp_path: Path, catalog: Catalog) -> None:
    from suggester.billing.ruling import rule_check
    from suggester.rules import Rules

    late = visit(service_from=date(2031, 1, 1), service_to=date(2031, 1, 1))
    items = draft_all([late], profile=profile(), fees=fees(), rules=rule_check(Rules.open(catalog=catalog)))
    report = export_claims(items, form="837p", folder=tmp_path)
    assert not report.claims or report.claims[0].draft.flags
    assert len(report.claims) + len(report.refusals) == 1


def test_export_with_a_character_that_x12_has_not_is_refused_alone(tmp_path: Path) -> None:
    made = claim(child())
    person = made.parties.coverage.subscriber.model_copy(update={"last_name": "MUÑOZ"})
    parties = made.parties.model_copy(
        update={"coverage": made.parties.coverage.model_copy(update={"subscriber": person})}
    )
    odd = replace(made, parties=parties)
    report = export_claims([claim(), odd], form="837p", folder=tmp_path)
    assert [(refusal.encounter, refusal.field) for refusal in report.refusals] == [
        ("enc-2", "enc-2: coverage.subscriber.last_name")
    ]
    assert "MU" not in report.refusals[0].message
    assert export_claims([odd], form="fhir", folder=tmp_path).refusals == ()


def test_export_leaves_out_the_claim_that_pyx12_refuses(tmp_path: Path) -> None:
    made = claim(child())
    lines = (replace(made.draft.lines[0], place_of_service="9999"), *made.draft.lines[1:])
    odd = replace(made, draft=replace(made.draft, lines=lines))
    report = export_claims([claim(), odd], form="837p", folder=tmp_path)
    assert [item.draft.id for item in report.claims] == ["enc-1"]
    assert "SV105" in report.refusals[0].field


def test_837p_never_bills_twice(tmp_path: Path) -> None:
    first = export(tmp_path, "837p", visit())
    both = export(tmp_path, "837p", visit(), child())
    files = sorted(path.name for path in tmp_path.glob("*.x12"))
    assert len(files) == 2
    assert sum((tmp_path / name).read_text().count("CLM*enc-1*") for name in files) == 1
    assert {name for name, _ in first.files} <= {name for name, _ in both.files}


def test_837p_that_changed_needs_to_say_that_it_replaces(tmp_path: Path) -> None:
    export(tmp_path, "837p", visit())
    changed = replace(visit(), codes=visit().codes[:-1])
    report = export(tmp_path, "837p", changed)
    assert [(refusal.reason, refusal.field) for refusal in report.refusals] == [("ledger", "frequency")]
    nothing = export(tmp_path, "837p", replace(changed, frequency="7"))
    assert "original-reference" in nothing.refusals[0].message
    sent = export(tmp_path, "837p", replace(changed, frequency="7", original_reference="P1"))
    assert not sent.refusals
    assert len(list(tmp_path.glob("*.x12"))) == 2


def test_837p_that_is_gone_is_written_again_or_named(tmp_path: Path) -> None:
    report = export(tmp_path, "837p")
    path = next(tmp_path.glob("*.x12"))
    before = path.read_bytes()
    path.unlink()
    with pytest.raises(LedgerError, match="all of its encounters"):
        export(tmp_path, "837p", visit())
    assert export(tmp_path, "837p").record() == report.record()
    assert path.read_bytes() == before
    path.write_bytes(before.replace(b"*285*", b"*999*"))
    with pytest.raises(LedgerError, match="put the original back"):
        export(tmp_path, "837p")
    path.unlink()
    entries = (tmp_path / LEDGER).read_text().replace(hashlib.sha256(before).hexdigest(), "0" * 64)
    (tmp_path / LEDGER).write_text(entries)
    with pytest.raises(LedgerError, match="cannot be written the same"):
        export(tmp_path, "837p")


@pytest.mark.parametrize(
    ("content", "words"), [(b"{\n", "not valid JSON"), (b"\xff", "UTF-8"), (b'{"form": 1}\n', "form")]
)
def test_ledger_that_is_damaged_stops_the_export(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / LEDGER).write_bytes(content)
    with pytest.raises(LedgerError, match=words):
        Ledger(tmp_path)


@pytest.mark.parametrize("fails_at", range(1, 4))
@pytest.mark.parametrize("form", ["superbill", "837p"])
def test_nothing_is_half_written_when_the_disk_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: Form, fails_at: int
) -> None:
    whole = tmp_path / "whole"
    export(whole, form)
    good = contents(whole)
    calls = 0

    def fsync(handle: int) -> None:
        nonlocal calls
        calls += 1
        if calls == fails_at:
            raise OSError(28, "No space left on device")
        real(handle)

    real = os.fsync
    folder = tmp_path / "out"
    monkeypatch.setattr(files_module.os, "fsync", fsync)
    with pytest.raises(OSError, match="space"):
        export(folder, form)
    monkeypatch.undo()
    for name, content in contents(folder).items():
        assert content == good[name]
    export(folder, form)
    assert contents(folder) == good


def test_write_whole_says_whether_it_wrote(tmp_path: Path) -> None:
    assert write_whole(tmp_path / "a", b"1")
    assert not write_whole(tmp_path / "a", b"1")
    assert write_whole(tmp_path / "a", b"2")


@pytest.mark.parametrize("form", FORMS)
def test_preview_is_what_export_writes(tmp_path: Path, form: Form) -> None:
    shown = preview(claim(), form)
    export(tmp_path, form, visit())
    assert shown == {name: content for name, content in contents(tmp_path).items() if name in shown}
    assert len(shown) >= 2


def test_preview_of_a_claim_with_an_error_is_refused() -> None:
    with pytest.raises(FlagsStandError, match="charge-zero"):
        preview(claim(encounter(accepted("ICD-10-CM", "I10"), accepted("CPT", "99999"))), "837p")
    made = claim()
    lines = (replace(made.draft.lines[0], place_of_service="9999"), *made.draft.lines[1:])
    with pytest.raises(BillingError, match="SV105"):
        preview(replace(made, draft=replace(made.draft, lines=lines)), "837p")


def test_gold_notes_leave_in_every_form(tmp_path: Path, catalog: Catalog) -> None:
    claims = [claim(coded, catalog=catalog) for coded in gold_encounters()[::3]]
    for form in FORMS:
        report = export_claims(claims, form=form, folder=tmp_path, is_diagnosis=diagnosis_check(catalog))
        assert len(report.claims) == len(claims)
        assert not report.refusals
