"""500 random encounters: every 837P passes pyx12 and our checks, every FHIR bundle validates, sums hold."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from billing_world import RUN, claim
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from suggester.billing.claim import Claim, standing
from suggester.billing.claim_json import claim_text, read_claim
from suggester.billing.cms1500 import cms1500_record
from suggester.billing.encounter import AcceptedCode, CodedEncounter, NoteWords
from suggester.billing.export import diagnosis_check
from suggester.billing.fhir_claim import check_bundle, fhir_bundle
from suggester.billing.profile import Address, Coverage, Person
from suggester.billing.pyx12_door import X12Reader
from suggester.billing.vocabulary import places_of_service
from suggester.billing.x12_837p import compose_837p, write_837p
from suggester.codesets import Catalog
from suggester.types import SETTINGS, Encounter, Patient, Span, System

COUNT = 500
DAY = date(2026, 6, 1)
NAMES = st.text(alphabet="ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefgh'-. ", min_size=1, max_size=20).map(
    lambda words: "A" + words.strip()
)
IDS = st.text(alphabet="ABCDEFGHJKLMNPQRSTUVWXYZ0123456789", min_size=2, max_size=15)
MODIFIERS = ("25", "59", "LT", "RT", "50", "26", "TC", "76", "GP", "XS", "QW", "KX")
TEXT = "HPI: words of the note.\n1. First problem, right knee.\n2. Second problem: left wrist.\nDone."


@st.composite
def evidence(draw: st.DrawFn) -> tuple[NoteWords, ...]:
    """Up to two places in TEXT."""
    found = []
    for start in draw(st.lists(st.integers(0, len(TEXT) - 1), max_size=2)):
        end = min(len(TEXT), start + draw(st.integers(1, 20)))
        section = draw(st.sampled_from(["", "hpi", "assessment_plan"]))
        found.append(
            NoteWords(note_id="n", span=Span(start=start, end=end), quote=TEXT[start:end], section=section)
        )
    return tuple(found)


@st.composite
def code(draw: st.DrawFn, system: System, codes: list[str], days: int) -> AcceptedCode:
    """An accepted code that is valid on DAY."""
    service = system != "ICD-10-CM"
    return AcceptedCode(
        system=system,
        code=draw(st.sampled_from(codes)),
        evidence=draw(evidence()),
        modifiers=tuple(draw(st.lists(st.sampled_from(MODIFIERS), max_size=4, unique=True)))
        if service
        else (),
        units=draw(st.integers(1, 9999)) if service else 1,
        service_date=DAY + timedelta(days=draw(st.integers(0, days))) if service else None,
        charge=Decimal(draw(st.integers(1, 999_999))) / 100 if service else None,
        decision_id=draw(st.none() | IDS),
        decided_by=draw(st.none() | st.just("coder-1")),
        decided_at=draw(st.none() | st.just(datetime(2026, 6, 9, 8, 15, 30, tzinfo=UTC))),
    )


@st.composite
def person(draw: st.DrawFn) -> Person:
    """A person whose names X12 can hold."""
    return Person(
        last_name=draw(NAMES),
        first_name=draw(NAMES),
        middle_name=draw(st.just("") | NAMES),
        birth_date=draw(st.dates(date(1930, 1, 1), DAY)),
        sex=draw(st.sampled_from(["F", "M", "U"])),
        address=Address(
            line1="1 ROAD",
            line2=draw(st.sampled_from(["", "APT 2"])),
            city="ANYTOWN",
            state="OH",
            zip="43000",
        ),
    )


@st.composite
def encounters(draw: st.DrawFn, codes: dict[System, list[str]]) -> CodedEncounter:
    """An encounter of one to three days with up to 15 diagnoses and up to 6 services."""
    days = draw(st.integers(0, 2))
    diagnoses = draw(
        st.lists(
            code("ICD-10-CM", codes["ICD-10-CM"], days), min_size=1, max_size=15, unique_by=lambda c: c.code
        )
    )
    services = draw(
        st.lists(
            code("CPT", codes["CPT"], days) | code("HCPCS", codes["HCPCS"], days), min_size=1, max_size=6
        )
    )
    relationship = draw(st.sampled_from(["18", "18", "19", "01", "G8"]))
    coverage = Coverage(
        patient_id="p",
        member_id=draw(IDS),
        group_number=draw(st.sampled_from(["", "GRP 1"])),
        relationship=relationship,  # type: ignore[arg-type]
        subscriber=draw(person()),
        patient=None if relationship == "18" else draw(person()),
    )
    treated = coverage.insured_person
    encounter = Encounter(
        id="e",
        patient=Patient(
            id="p", sex=None if treated.sex == "U" else treated.sex, birth_date=treated.birth_date
        ),
        setting=draw(st.sampled_from(SETTINGS)),
        service_from=DAY,
        service_to=DAY + timedelta(days=days),
        place_of_service=draw(st.none() | st.sampled_from(sorted(places_of_service()))),
        note_ids=("n",),
    )
    return CodedEncounter(
        encounter=encounter,
        codes=(*diagnoses, *services),
        sequenced=draw(st.booleans()),
        run=draw(st.none() | st.just(RUN)),
        run_id=draw(st.none() | IDS),
        texts=draw(st.just(()) | st.just((("n", TEXT),))),
        coverage=coverage,
    )


def valid_codes(catalog: Catalog) -> dict[System, list[str]]:
    """Every billable code of each system on DAY; diagnoses that are no external causes."""
    found: dict[System, list[str]] = {}
    for system in ("ICD-10-CM", "CPT", "HCPCS"):
        store = catalog.store(system, DAY)
        rows = (store.code(row) for row in range(0, len(store), 7))
        found[system] = [
            item.code
            for item in rows
            if item.billable
            and item.valid_from <= DAY
            and (item.valid_to is None or item.valid_to > DAY + timedelta(days=3))
            and item.code[0] not in "WXY"
            and (system != "ICD-10-CM" or item.code[0] != "V")
        ]
    return found


def check_sums(made: Claim) -> None:
    """Totals, limits and pointers of one claim."""
    lines = made.draft.lines
    assert made.total == sum((line.charge for line in lines), Decimal(0))
    assert 1 <= len(made.draft.diagnoses) <= 12
    sequences = {diagnosis.sequence for diagnosis in made.draft.diagnoses}
    assert sequences == set(range(1, len(sequences) + 1))
    for line in lines:
        assert 1 <= len(line.pointers) <= 4
        assert set(line.pointers) <= sequences
        assert len(set(line.pointers)) == len(line.pointers)
    reasons = {(reason.line, reason.diagnosis) for reason in made.pointer_reasons if reason.reasons}
    assert reasons == {(line.sequence, pointer) for line in lines for pointer in line.pointers}
    forms = cms1500_record(made)["forms"]
    assert sum(Decimal(form["28"].replace(" ", ".")) for form in forms) == made.total


@pytest.mark.slow
def test_random_encounters_leave_right(catalog: Catalog) -> None:
    claims: list[Claim] = []

    @settings(max_examples=COUNT, database=None, suppress_health_check=list(HealthCheck))
    @given(encounters(valid_codes(catalog)))
    def one(coded: CodedEncounter) -> None:
        about = replace(coded.encounter, id=f"r{len(claims)}")
        made = claim(replace(coded, encounter=about), catalog=catalog)
        assert standing(made.draft.flags) == ()
        check_sums(made)
        assert read_claim(claim_text(made)) == made
        check_bundle(fhir_bundle(made))
        claims.append(made)

    one()
    assert len(claims) >= COUNT
    interchange = write_837p(claims, is_diagnosis=diagnosis_check(catalog))
    assert interchange.text == compose_837p(claims).text
    with X12Reader(io.StringIO(interchange.text)) as reader:
        totals = [segment.get_value("CLM02") for segment in reader if segment.get_seg_id() == "CLM"]
    assert [Decimal(total) for total in totals] == [made.total for made in claims]
