"""A claim as the values of the CMS-1500 (02/12), box by box. We ship no form: another program prints on it.

Six service lines go on a form; a longer claim gives several, each with the same head and its own lines.
"""

from __future__ import annotations

import json
import re
from datetime import date
from decimal import Decimal
from typing import Any

from suggester.billing.claim import CENT, Claim, run_name
from suggester.billing.claim_json import run_record
from suggester.billing.profile import Address, Person
from suggester.types import ClaimLine

__all__ = ["LINES_A_FORM", "cms1500_record", "cms1500_text"]

LINES_A_FORM = 6
_LETTERS = "ABCDEFGHIJKL"
_RELATIONSHIPS = {"18": "Self", "01": "Spouse", "19": "Child"}
_PROGRAMS = {"MB": "Medicare", "MA": "Medicare", "MC": "Medicaid", "CH": "TRICARE", "VA": "CHAMPVA"}
_ICD_10 = "0"
_INJURY = re.compile(r"[ST]|[V-Y]")
"""Where one is on the claim, a person fills boxes 10a-10c: whether work, a car or another accident was it."""


def cms1500_text(claim: Claim) -> str:
    """The values as JSON text, always the same for the same claim."""
    return json.dumps(cms1500_record(claim), ensure_ascii=False, indent=1) + "\n"


def cms1500_record(claim: Claim) -> dict[str, Any]:
    """``{"format", "claim", "run", "forms": [{box: value}], "decisions": {…}}``; empty boxes are left out."""
    lines = claim.draft.lines
    pages = [lines[start : start + LINES_A_FORM] for start in range(0, len(lines), LINES_A_FORM)]
    return {
        "format": "suggester-cms1500/1",
        "form": "CMS-1500 (02/12)",
        "claim": claim.draft.id,
        "run_id": run_name(claim.run, claim.draft.run_id),
        "run": None if claim.run is None else run_record(claim.run),
        "total": str(claim.total),
        "forms": [_form(claim, page) for page in pages],
        "decisions": [
            {"code": trace.code, "decision_id": trace.decision_id}
            for trace in claim.traces
            if trace.decision_id
        ],
    }


def _form(claim: Claim, lines: tuple[ClaimLine, ...]) -> dict[str, Any]:
    parties, encounter = claim.parties, claim.draft.encounter
    coverage, provider = parties.coverage, parties.billing_provider
    treated, insured = coverage.insured_person, coverage.subscriber
    boxes: dict[str, Any] = {
        "1": _PROGRAMS.get(parties.payer.filing, "Other"),
        "1a": coverage.member_id,
        "2": _name(treated),
        "3": f"{_day(treated.birth_date)} {treated.sex}",
        "4": _name(insured),
        "5": _address(treated.address),
        "6": _RELATIONSHIPS.get(coverage.relationship, "Other"),
        "7": _address(insured.address),
        "11": coverage.group_number or "NONE",
        "11a": f"{_day(insured.birth_date)} {insured.sex}",
        "11c": parties.payer.name,
        "11d": "NO",
        "12": "SIGNATURE ON FILE",
        "13": "SIGNATURE ON FILE",
        "21": {
            "ICD Ind.": _ICD_10,
            **{
                letter: diagnosis.code.replace(".", "")
                for letter, diagnosis in zip(_LETTERS, claim.draft.diagnoses, strict=False)
            },
        },
        "24": [_line(claim, line) for line in lines],
        "25": f"{provider.tax_id} {'EIN' if provider.tax_id_kind == 'EI' else 'SSN'}",
        "26": claim.number,
        "27": "YES" if claim.accept_assignment == "A" else "NO",
        "28": _money(sum((line.charge for line in lines), Decimal(0))),
        "33": {"name": _provider_name(claim), **_address(provider.address), "phone": provider.phone or ""},
        "33a": provider.npi,
    }
    if not any(_INJURY.match(diagnosis.code) for diagnosis in claim.draft.diagnoses):
        boxes |= {"10a": "NO", "10b": "NO", "10c": "NO"}
    if encounter.place_of_service == "21":
        boxes["18"] = {"from": _day(encounter.service_from), "to": _day(encounter.service_to)}
    if claim.frequency != "1":
        boxes["22"] = {"code": claim.frequency, "original": claim.original_reference}
    if parties.rendering_provider is not None:
        doctor = parties.rendering_provider
        boxes["31"] = f"{doctor.first_name} {doctor.last_name}"
    if parties.facility is not None:
        boxes["32"] = {"name": parties.facility.name, **_address(parties.facility.address)}
        if parties.facility.npi:
            boxes["32a"] = parties.facility.npi
    return boxes


def _line(claim: Claim, line: ClaimLine) -> dict[str, str]:
    doctor = claim.parties.rendering_provider
    return {
        "24A": f"{_day(line.service_date)} {_day(line.service_date)}",
        "24B": line.place_of_service or claim.place_of_service,
        "24D": " ".join((line.code, *line.modifiers)),
        "24E": "".join(_LETTERS[pointer - 1] for pointer in line.pointers if 1 <= pointer <= len(_LETTERS)),
        "24F": _money(line.charge),
        "24G": str(line.units),
        "24J": (doctor or claim.parties.billing_provider).npi,
    }


def _provider_name(claim: Claim) -> str:
    provider = claim.parties.billing_provider
    return f"{provider.first_name} {provider.name}" if provider.first_name else provider.name


def _name(person: Person) -> str:
    return ", ".join(part for part in (person.last_name, person.first_name, person.middle_name) if part)


def _address(address: Address) -> dict[str, str]:
    street = f"{address.line1} {address.line2}".strip()
    return {"street": street, "city": address.city, "state": address.state, "zip": address.zip}


def _day(value: date) -> str:
    return value.strftime("%m %d %Y")


def _money(value: Decimal) -> str:
    """Dollars and cents with a space between, as the form wants them."""
    return str(value.quantize(CENT)).replace(".", " ")
