"""What the billing tests share: an invented profile, encounters made by hand and from the gold notes.

Nothing here is a test.
"""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from suggester.billing.claim import Claim
from suggester.billing.draft import draft_claim
from suggester.billing.encounter import AcceptedCode, CodedEncounter, NoteWords
from suggester.billing.fees import FeeSchedule, load_fees
from suggester.billing.profile import Coverage, Person, Profile, load_profile
from suggester.codesets import Catalog
from suggester.types import Encounter, Patient, Run, Span

ROOT = Path(__file__).resolve().parents[1]
EXAMPLE = ROOT / "docs" / "example"
GOLD = ROOT / "eval" / "gold"

RUN = Run(
    version="0.1.0",
    model="general 1",
    codesets=(("ICD-10-CM", "2026-04-01"), ("CPT", "2026-04-01"), ("HCPCS", "2026-04-01")),
    config_hash="0123456789ab",
)
DECIDED = datetime(2026, 6, 20, 9, 30, tzinfo=UTC)


@cache
def profile() -> Profile:
    """The invented profile of the documentation."""
    return load_profile(EXAMPLE / "profile.toml")


@cache
def fees() -> FeeSchedule:
    """The invented fee schedule of the documentation."""
    return load_fees(EXAMPLE / "fees.csv")


def accepted(system: str, code: str, **values: Any) -> AcceptedCode:
    """An accepted code with a decision of its own."""
    values.setdefault("decision_id", f"d-{code}")
    values.setdefault("decided_by", "coder-1")
    values.setdefault("decided_at", DECIDED)
    return AcceptedCode(system=system, code=code, **values)  # type: ignore[arg-type]


def encounter(*codes: AcceptedCode, **values: Any) -> CodedEncounter:
    """An office visit of the profile's first patient with these codes."""
    about = {
        "id": values.pop("id", "enc-1"),
        "patient": values.pop("patient", Patient(id="patient-1", sex="M", birth_date=date(1961, 3, 2))),
        "setting": values.pop("setting", "outpatient"),
        "service_from": values.pop("service_from", date(2026, 6, 18)),
        "service_to": values.pop("service_to", date(2026, 6, 18)),
        "place_of_service": values.pop("place_of_service", None),
        "note_ids": values.pop("note_ids", ("n1",)),
    }
    values.setdefault("run", RUN)
    values.setdefault("run_id", "run-1")
    return CodedEncounter(encounter=Encounter(**about), codes=codes, **values)


def visit(**values: Any) -> CodedEncounter:
    """An office visit with two diagnoses, a visit level and a tracing."""
    return encounter(
        accepted("ICD-10-CM", "I10", display="Essential (primary) hypertension"),
        accepted("ICD-10-CM", "E11.9", display="Type 2 diabetes mellitus without complications"),
        accepted("CPT", "99214", modifiers=("25",)),
        accepted("CPT", "93000"),
        accepted("HCPCS", "J1885", units=2, display="Ketorolac tromethamine inj"),
        **values,
    )


def claim(coded: CodedEncounter | None = None, *, catalog: Catalog | None = None) -> Claim:
    """The claim of an encounter under the invented profile and fees."""
    return draft_claim(coded or visit(), profile=profile(), fees=fees(), catalog=catalog)


def cover(coded: CodedEncounter) -> Coverage:
    """An invented coverage of the encounter's own patient."""
    patient = coded.encounter.patient
    person = Person(
        last_name="SAMPLE",
        first_name="PAT",
        birth_date=patient.birth_date or date(1970, 1, 1),
        sex=patient.sex or "U",
        address={"line1": "2 SAMPLE ROAD", "city": "ANYTOWN", "state": "OH", "zip": "43000"},  # type: ignore[arg-type]
    )
    return Coverage(patient_id=patient.id or "", member_id="EX000009", subscriber=person)


@cache
def gold_encounters() -> tuple[CodedEncounter, ...]:
    """The project's own gold notes that carry procedures, as a coder would have accepted them."""
    found = []
    for path in sorted(GOLD.glob("notes_*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            record = json.loads(line)
            if any(code["system"] != "ICD-10-CM" for code in record["codes"]):
                found.append(_gold_encounter(record))
    return tuple(found)


def _gold_encounter(record: dict[str, Any]) -> CodedEncounter:
    note, text = record["id"], record["text"]
    codes = []
    if record.get("em"):
        codes.append(accepted("CPT", record["em"]["code"]))
    for code in record["codes"]:
        words = tuple(
            NoteWords(note_id=note, span=Span(start=start, end=end), quote=text[start:end])
            for start, end in code.get("evidence", ())
        )
        codes.append(
            accepted(
                code["system"],
                code["code"],
                evidence=words,
                modifiers=tuple(code.get("modifiers") or ()),
                units=code.get("units") or 1,
            )
        )
    about = record.get("patient") or {}
    born = about.get("birth_date")
    patient = Patient(
        id=f"patient-of-{note}", sex=about.get("sex"), birth_date=date.fromisoformat(born) if born else None
    )
    day = date.fromisoformat(record["service_date"])
    coded = encounter(
        *codes,
        id=note,
        patient=patient,
        setting=record["setting"],
        service_from=day,
        service_to=day,
        note_ids=(note,),
        texts=((note, text),),
    )
    return CodedEncounter(
        encounter=coded.encounter,
        codes=coded.codes,
        run=coded.run,
        run_id=coded.run_id,
        texts=coded.texts,
        coverage=cover(coded),
    )


def zero() -> Decimal:
    """No dollars."""
    return Decimal("0.00")
