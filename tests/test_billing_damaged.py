"""Damaged claims: each is refused by every export, with the reason and the field, and nothing is written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from billing_world import accepted, claim, encounter, visit

from suggester.billing.claim import Claim
from suggester.billing.draft import with_flags
from suggester.billing.export import FORMS, Form, diagnosis_check, export_claims
from suggester.billing.profile import Facility
from suggester.codesets import Catalog
from suggester.types import ClaimDiagnosis

Damage = Callable[[Claim], Claim]


def draft(**changes: Any) -> Damage:
    """Changes fields of the draft."""
    return lambda made: replace(made, draft=replace(made.draft, **changes))


def line(**changes: Any) -> Damage:
    """Changes fields of the first line."""

    def damage(made: Claim) -> Claim:
        first, *rest = made.draft.lines
        return replace(made, draft=replace(made.draft, lines=(replace(first, **changes), *rest)))

    return damage


def first_diagnosis(code: str) -> Damage:
    """Changes the first diagnosis."""

    def damage(made: Claim) -> Claim:
        first, *rest = made.draft.diagnoses
        return replace(made, draft=replace(made.draft, diagnoses=(replace(first, code=code), *rest)))

    return damage


def about(**changes: Any) -> Damage:
    """Changes fields of the encounter."""
    return lambda made: replace(
        made, draft=replace(made.draft, encounter=replace(made.draft.encounter, **changes))
    )


def party(role: str, **changes: Any) -> Damage:
    """Changes fields of a party, past the checks of the profile."""

    def damage(made: Claim) -> Claim:
        changed = getattr(made.parties, role).model_copy(update=changes)
        return replace(made, parties=made.parties.model_copy(update={role: changed}))

    return damage


def many_diagnoses(made: Claim) -> Claim:
    """Thirteen diagnoses."""
    codes = ["I10", "E11.9", *(f"I{number}.9" for number in range(20, 31))]
    diagnoses = tuple(ClaimDiagnosis(sequence=place, code=code) for place, code in enumerate(codes, 1))
    return replace(made, draft=replace(made.draft, diagnoses=diagnoses))


def many_lines(made: Claim) -> Claim:
    """Fifty-one lines."""
    first = made.draft.lines[0]
    lines = tuple(replace(first, sequence=number) for number in range(1, 52))
    return replace(made, draft=replace(made.draft, lines=lines))


def twice(made: Claim) -> Claim:
    """The first diagnosis twice."""
    first = made.draft.diagnoses[0]
    return replace(made, draft=replace(made.draft, diagnoses=(first, replace(first, sequence=2))))


def too_dear(made: Claim) -> Claim:
    """Lines that are each allowed and too much together."""
    lines = tuple(replace(item, charge=Decimal("9999999.00")) for item in made.draft.lines)
    return replace(made, draft=replace(made.draft, lines=lines))


DAMAGES: dict[str, tuple[Damage, str, str]] = {
    "no diagnosis": (draft(diagnoses=()), "no-diagnosis", "diagnoses"),
    "13 diagnoses": (many_diagnoses, "too-many-diagnoses", "diagnoses"),
    "diagnosis twice": (twice, "diagnosis-twice", "diagnoses[2].code"),
    "unknown diagnosis": (first_diagnosis("I99.99"), "diagnosis-unknown", "diagnoses[1].code"),
    "category as diagnosis": (first_diagnosis("E11"), "diagnosis-not-billable", "diagnoses[1].code"),
    "diagnosis without its dot": (first_diagnosis("E119"), "diagnosis-shape", "diagnoses[1].code"),
    "diagnosis known by another spelling": (first_diagnosis("U07.10"), "diagnosis-unknown", "diagnoses[1]"),
    "external cause first": (first_diagnosis("W11.XXXA"), "external-cause-first", "diagnoses[1].code"),
    "no line": (draft(lines=()), "no-line", "lines"),
    "51 lines": (many_lines, "too-many-lines", "lines"),
    "lines not numbered in order": (line(sequence=3), "line-sequence", "lines"),
    "diagnosis as a line": (line(system="ICD-10-CM", code="I10"), "procedure-shape", "lines[1].system"),
    "procedure of another shape": (line(code="992"), "procedure-shape", "lines[1].code"),
    "unknown procedure": (line(code="00001"), "procedure-unknown", "lines[1].code"),
    "formula as procedure": (line(code="=cmd()"), "procedure-shape", "lines[1].code"),
    "negative units": (line(units=-1), "units", "lines[1].units"),
    "no units": (line(units=0), "units", "lines[1].units"),
    "charge of zero": (line(charge=Decimal("0.00")), "charge-zero", "lines[1].charge"),
    "negative charge": (line(charge=Decimal("-1.00")), "charge", "lines[1].charge"),
    "charge of half a cent": (line(charge=Decimal("1.005")), "charge", "lines[1].charge"),
    "charge without end": (line(charge=Decimal("Infinity")), "charge", "lines[1].charge"),
    "charge that is no number": (line(charge=Decimal("NaN")), "charge", "lines[1].charge"),
    "charge beyond all numbers": (line(charge=Decimal("1E+999")), "charge-too-large", "lines[1].charge"),
    "charge too large": (line(charge=Decimal("10000000")), "charge-too-large", "lines[1].charge"),
    "total too large": (too_dear, "charge-too-large", "total"),
    "five modifiers": (line(modifiers=(*"ABCDE",)), "too-many-modifiers", "lines[1].modifiers"),
    "modifier twice": (line(modifiers=("25", "25")), "modifier-twice", "lines[1].modifiers"),
    "unknown modifier": (line(modifiers=("Y9",)), "modifier-unknown", "lines[1].modifiers[1]"),
    "modifier of another shape": (line(modifiers=("2*",)), "modifier-unknown", "lines[1].modifiers[1]"),
    "no pointer": (line(pointers=()), "no-pointer", "lines[1].pointers"),
    "five pointers": (line(pointers=(1, 2, 3, 4, 5)), "too-many-pointers", "lines[1].pointers"),
    "pointer twice": (line(pointers=(1, 1)), "pointer-twice", "lines[1].pointers"),
    "pointer to nothing": (line(pointers=(7,)), "pointer", "lines[1].pointers"),
    "day before the encounter": (
        line(service_date=date(2026, 6, 17)), "date-outside-encounter", "lines[1].service_date",
    ),
    "place of the line": (line(place_of_service="98"), "place-of-service", "lines[1].place_of_service"),
    "no place": (about(place_of_service=None), "place-of-service", "encounter.place_of_service"),
    "unknown place": (about(place_of_service="98"), "place-of-service", "encounter.place_of_service"),
    "wrong billing NPI": (party("billing_provider", npi="1234567890"), "npi", "billing_provider.npi"),
    "wrong rendering NPI": (party("rendering_provider", npi="123"), "npi", "rendering_provider.npi"),
    "another patient": (party("coverage", patient_id="patient-2"), "other-patient", "coverage.patient_id"),
    "frequency": (lambda made: replace(made, frequency="9"), "frequency", "frequency"),
    "replacement of nothing": (
        lambda made: replace(made, frequency="7"), "original-reference", "original_reference",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", DAMAGES)
@pytest.mark.parametrize("form", ["837p", "superbill"])
def test_damaged_claim_is_refused_with_its_reason(
    name: str, form: Form, tmp_path: Path, catalog: Catalog
) -> None:
    damage, short, field = DAMAGES[name]
    rule = f"billing.{short}"
    made = with_flags(damage(claim(catalog=catalog)), catalog=catalog)
    flags = [flag for flag in made.draft.flags if flag.rule_id == rule]
    assert flags, made.draft.flags
    assert flags[0].message.startswith(field), flags[0].message
    assert flags[0].severity == "error"
    report = export_claims([made], form=form, folder=tmp_path, is_diagnosis=diagnosis_check(catalog))
    assert not report.claims
    assert report.refusals[0].reason == "flags_stand"
    assert rule in report.refusals[0].message
    written = {path.name for path in tmp_path.iterdir()}
    assert written == {".export.lock", "ledger.jsonl", f"control-{form}.json"}


def test_there_are_twenty_kinds_and_more() -> None:
    assert len(DAMAGES) >= 20
    assert len({rule for _, rule, _ in DAMAGES.values()}) >= 20


def test_undamaged_claim_goes_out(tmp_path: Path, catalog: Catalog) -> None:
    made = with_flags(claim(catalog=catalog), catalog=catalog)
    assert made.draft.flags == ()
    for form in FORMS:
        assert export_claims([made], form=form, folder=tmp_path).claims == (made,)


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"birth_date": date(2026, 7, 1)}, "billing.born-after-service"),
        ({"birth_date": date(1961, 3, 3)}, "billing.birth-date"),
        ({"sex": "F"}, "billing.sex"),
    ],
)
def test_person_who_cannot_be_the_patient_is_flagged(changes: dict[str, Any], rule: str) -> None:
    made = claim()
    person = made.parties.coverage.subscriber.model_copy(update=changes)
    odd = party("coverage", subscriber=person)(made)
    assert rule in {flag.rule_id for flag in with_flags(odd).draft.flags}


def test_first_pointer_at_an_external_cause_is_a_warning() -> None:
    made = claim(
        encounter(
            accepted("ICD-10-CM", "S01.81XA"), accepted("ICD-10-CM", "W11.XXXA"), accepted("CPT", "12011")
        )
    )
    flags = with_flags(line(pointers=(2, 1))(made)).draft.flags
    assert [(flag.rule_id, flag.severity) for flag in flags] == [
        ("billing.pointer-external-cause", "warning")
    ]


def test_facility_npi_is_checked() -> None:
    made = claim()
    address = made.parties.billing_provider.address
    facility = Facility.model_construct(name="X", npi="1", address=address)
    odd = replace(made, parties=made.parties.model_copy(update={"facility": facility}))
    assert [flag.message.split(":")[0] for flag in with_flags(odd).draft.flags] == ["facility.npi"]


@pytest.mark.parametrize("character", "*~:^é日\u2028\x00")
def test_character_that_x12_has_not_never_reaches_a_file(tmp_path: Path, character: str) -> None:
    odd = party("billing_provider", name=f"CLINIC{character}X")(claim(visit()))
    report = export_claims([odd], form="837p", folder=tmp_path)
    assert report.refusals[0].field.endswith("billing_provider.name")
    assert not list(tmp_path.glob("*.x12"))
