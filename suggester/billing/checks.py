"""What is wrong with a claim itself, before any export: every finding names the field.

These are the limits and consistencies of the claim as a form. What a payer would deny for medical or coding
reasons is the rules engine's (``suggester.rules``). Each check is a function from the claim to flags.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from suggester.billing.claim import CENT, Claim
from suggester.billing.encounter import FREQUENCIES
from suggester.billing.npi import npi_problem
from suggester.billing.pointers import MAX_POINTERS, is_external_cause
from suggester.billing.vocabulary import places_of_service
from suggester.codesets import Catalog
from suggester.errors import NoReleaseError, UnknownCodeError
from suggester.types import ClaimLine, Flag, Severity, System

__all__ = ["MAX_DIAGNOSES", "MAX_LINES", "claim_flags"]

MAX_LINES = 50
"""An 837P takes fifty service lines a claim (loop 2400)."""
MAX_DIAGNOSES = 12
"""An 837P takes twelve diagnoses a claim (segment HI), a CMS-1500 too (box 21)."""
MAX_MODIFIERS = 4
MAX_UNITS = 9999
_MAX_CHARGE = Decimal("9999999.99")
_TR3 = "005010X222A1"

_DIAGNOSIS = re.compile(r"[A-TV-Z]\d[0-9AB](\.[0-9A-Z]{1,4})?|U\d\d(\.[0-9A-Z]{1,4})?", re.ASCII)
_PROCEDURE = {
    "CPT": re.compile(r"\d{4}[0-9A-Z]", re.ASCII),
    "HCPCS": re.compile(r"[A-V]\d{4}", re.ASCII),
}
_MODIFIER = re.compile(r"[0-9A-Z]{2}", re.ASCII)


def claim_flags(claim: Claim, *, catalog: Catalog | None = None) -> tuple[Flag, ...]:
    """Everything that is wrong with a claim, in the order of its fields.

    Parameters
    ----------
    claim
        The claim; flags that its draft carries are not looked at.
    catalog
        Says which codes are billable on the day of service and which modifiers exist; None checks their shape
        only.
    """
    found = [*_identity(claim), *_parties(claim), *_diagnoses(claim, catalog)]
    lines = claim.draft.lines
    if not lines:
        found.append(_error("no-line", "lines", "a claim needs at least one service line"))
    if len(lines) > MAX_LINES:
        found.append(
            _error(
                "too-many-lines",
                "lines",
                f"{len(lines)} lines; a claim takes {MAX_LINES}: split it",
            )
        )
    if [line.sequence for line in lines] != list(range(1, len(lines) + 1)):
        found.append(_error("line-sequence", "lines", "must be numbered 1, 2, 3 … in their order"))
    for line in lines:
        found.extend(_line(claim, line, catalog))
    if claim.total.is_finite() and claim.total > _MAX_CHARGE:
        found.append(_error("charge-too-large", "total", f"is more than {_MAX_CHARGE} dollars"))
    return tuple(found)


def _flag(
    severity: Severity,
    rule: str,
    field: str,
    message: str,
    codes: tuple[str, ...],
    source: str,
    overridable: bool,
) -> Flag:
    return Flag(
        rule_id=f"billing.{rule}",
        severity=severity,
        message=f"{field}: {message}",
        codes=codes,
        source=source,
        overridable=overridable,
    )


def _error(
    rule: str, field: str, message: str, *codes: str, source: str = _TR3, overridable: bool = False
) -> Flag:
    return _flag("error", rule, field, message, codes, source, overridable)


def _warning(rule: str, field: str, message: str, *codes: str, source: str = _TR3) -> Flag:
    return _flag("warning", rule, field, message, codes, source, True)


def _identity(claim: Claim) -> Iterator[Flag]:
    encounter = claim.draft.encounter
    if encounter.place_of_service is None:
        yield _error(
            "place-of-service",
            "encounter.place_of_service",
            "is missing, and the setting gives none; add a code such as 11 (office)",
        )
    elif encounter.place_of_service not in places_of_service():
        yield _error("place-of-service", "encounter.place_of_service", "is not a CMS place-of-service code")
    if claim.frequency not in FREQUENCIES:
        yield _error("frequency", "frequency", f"must be one of {', '.join(FREQUENCIES)} (CLM05-3)")
    elif claim.frequency != "1" and not claim.original_reference:
        yield _error(
            "original-reference",
            "original_reference",
            "a replacement or void needs the payer's number of the earlier claim",
        )


def _parties(claim: Claim) -> Iterator[Flag]:
    parties, encounter = claim.parties, claim.draft.encounter
    npis = {"billing_provider.npi": parties.billing_provider.npi}
    if parties.rendering_provider is not None:
        npis["rendering_provider.npi"] = parties.rendering_provider.npi
    if parties.facility is not None and parties.facility.npi is not None:
        npis["facility.npi"] = parties.facility.npi
    for field, npi in npis.items():
        if problem := npi_problem(npi):
            yield _error("npi", field, problem, source="45 CFR 162.406")
    treated = parties.coverage.insured_person
    if parties.coverage.patient_id != encounter.patient.id:
        yield _error("other-patient", "coverage.patient_id", "is not the encounter's patient")
    if encounter.patient.birth_date is not None and encounter.patient.birth_date != treated.birth_date:
        yield _error("birth-date", "coverage.birth_date", "is not the birth date that the encounter has")
    if encounter.patient.sex is not None and treated.sex not in (encounter.patient.sex, "U"):
        yield _error("sex", "coverage.sex", "is not the sex that the encounter has")
    if treated.birth_date > encounter.service_from:
        yield _error("born-after-service", "coverage.birth_date", "is after the date of service")


def _diagnoses(claim: Claim, catalog: Catalog | None) -> Iterator[Flag]:
    diagnoses = claim.draft.diagnoses
    on = claim.draft.encounter.service_to
    if not diagnoses:
        yield _error("no-diagnosis", "diagnoses", "a claim needs at least one diagnosis")
        return
    if len(diagnoses) > MAX_DIAGNOSES:
        count = f"{len(diagnoses)} diagnoses; a claim takes {MAX_DIAGNOSES}"
        yield _error("too-many-diagnoses", "diagnoses", f"{count}: leave out those that no line needs")
    if [diagnosis.sequence for diagnosis in diagnoses] != list(range(1, len(diagnoses) + 1)):
        yield _error("diagnosis-sequence", "diagnoses", "must be numbered 1, 2, 3 … in their order")
    if is_external_cause(diagnoses[0].code):
        yield _error(
            "external-cause-first",
            "diagnoses[1].code",
            "an external cause is never listed first",
            diagnoses[0].code,
            source="ICD-10-CM guideline I.C.20.a.6",
        )
    seen: set[str] = set()
    for diagnosis in diagnoses:
        field = f"diagnoses[{diagnosis.sequence}].code"
        if diagnosis.code in seen:
            yield _error("diagnosis-twice", field, "is on the claim already", diagnosis.code)
        seen.add(diagnosis.code)
        if not _DIAGNOSIS.fullmatch(diagnosis.code):
            yield _error("diagnosis-shape", field, "is not written as an ICD-10-CM code such as E11.9")
        else:
            yield from _known(catalog, "ICD-10-CM", diagnosis.code, on, field, "diagnosis")
    if claim.left_out:
        message = (
            f"a claim takes {MAX_DIAGNOSES}; left out: {', '.join(claim.left_out)}. "
            "Check that no line needs one of them"
        )
        yield _warning("diagnoses-left-out", "diagnoses", message, *claim.left_out)
    if claim.unbilled:
        codes = [line.code for line in claim.unbilled]
        message = f"accepted and kept off this claim by hand: {', '.join(codes)}"
        yield _warning("lines-unbilled", "lines", message, *codes, source="Suggester")


def _known(
    catalog: Catalog | None, system: System, code: str, on: date, field: str, kind: str
) -> Iterator[Flag]:
    if catalog is None:
        return
    try:
        found = catalog.lookup(system, code, on)
    except UnknownCodeError:
        yield _error(f"{kind}-unknown", field, f"{code} is not in {system} on {on}", code, source=system)
    except NoReleaseError as error:
        yield _warning(f"{kind}-unchecked", field, f"{code} cannot be checked: {error}", code, source=system)
    else:
        if found.code != code:
            yield _error(f"{kind}-shape", field, f"write it {found.code}", code, source=system)
        if not found.billable:
            yield _error(
                f"{kind}-not-billable",
                field,
                f"{code} is a category; use a code below it",
                code,
                source=system,
            )
        elif found.valid_to is not None and on > found.valid_to:
            yield _error(f"{kind}-unknown", field, f"{code} ended {found.valid_to}", code, source=system)


def _line(claim: Claim, line: ClaimLine, catalog: Catalog | None) -> Iterator[Flag]:
    at, code = f"lines[{line.sequence}]", line.code
    encounter = claim.draft.encounter
    shape = _PROCEDURE.get(line.system)
    if shape is None:
        yield _error("procedure-shape", f"{at}.system", "a service line needs a CPT or HCPCS code", code)
    elif not shape.fullmatch(code):
        yield _error("procedure-shape", f"{at}.code", f"is not written as a {line.system} code")
    else:
        yield from _known(catalog, line.system, code, line.service_date, f"{at}.code", "procedure")
    yield from _modifiers(line, at, catalog)
    if not 1 <= line.units <= MAX_UNITS:
        yield _error("units", f"{at}.units", f"must be 1 to {MAX_UNITS}", code)
    yield from _charge(line, at)
    if not encounter.service_from <= line.service_date <= encounter.service_to:
        yield _error(
            "date-outside-encounter",
            f"{at}.service_date",
            f"{line.service_date} is not between {encounter.service_from} and {encounter.service_to}",
            code,
        )
    if line.place_of_service is not None and line.place_of_service not in places_of_service():
        yield _error("place-of-service", f"{at}.place_of_service", "is not a CMS place-of-service code", code)
    yield from _pointers(claim, line, at)


def _modifiers(line: ClaimLine, at: str, catalog: Catalog | None) -> Iterator[Flag]:
    if len(line.modifiers) > MAX_MODIFIERS:
        yield _error(
            "too-many-modifiers", f"{at}.modifiers", f"a line takes {MAX_MODIFIERS} (SV101)", line.code
        )
    if len(set(line.modifiers)) < len(line.modifiers):
        yield _error("modifier-twice", f"{at}.modifiers", "holds a modifier twice", line.code)
    for place, modifier in enumerate(line.modifiers, 1):
        field = f"{at}.modifiers[{place}]"
        if not _MODIFIER.fullmatch(modifier):
            yield _error("modifier-unknown", field, "must be two letters or digits, in capitals", line.code)
        elif catalog is not None and not catalog.procedures.is_modifier(modifier):
            yield _error("modifier-unknown", field, f"{modifier} is not a modifier that is known", line.code)


def _charge(line: ClaimLine, at: str) -> Iterator[Flag]:
    field = f"{at}.charge"
    if not line.charge.is_finite():
        yield _error("charge", field, "must be dollars and whole cents", line.code)
    elif line.charge > _MAX_CHARGE:
        yield _error("charge-too-large", field, f"is more than {_MAX_CHARGE} dollars", line.code)
    elif line.charge < 0:
        yield _error("charge", field, "must not be negative", line.code)
    elif line.charge != line.charge.quantize(CENT):
        yield _error("charge", field, "must be dollars and whole cents", line.code)
    elif line.charge == 0:
        message = (
            "is 0: the fee schedule has no fee for the code on that day, or one of 0. Add a fee, give the "
            "line its own charge, or set this flag aside if the payer asks for a free line"
        )
        yield _error("charge-zero", field, message, line.code, overridable=True)


def _pointers(claim: Claim, line: ClaimLine, at: str) -> Iterator[Flag]:
    field = f"{at}.pointers"
    if not line.pointers:
        yield _error("no-pointer", field, "a line needs at least one diagnosis (SV107)", line.code)
        return
    if len(line.pointers) > MAX_POINTERS:
        yield _error("too-many-pointers", field, f"a line takes {MAX_POINTERS} (SV107)", line.code)
    if len(set(line.pointers)) < len(line.pointers):
        yield _error("pointer-twice", field, "points to a diagnosis twice", line.code)
    known = {diagnosis.sequence: diagnosis for diagnosis in claim.draft.diagnoses}
    for pointer in line.pointers:
        if pointer not in known:
            yield _error("pointer", field, f"there is no diagnosis {pointer}", line.code)
    first = known.get(line.pointers[0])
    if first is not None and is_external_cause(first.code):
        message = "the first pointer is an external cause, which says how and not what"
        yield _warning("pointer-external-cause", field, message, line.code, first.code)
