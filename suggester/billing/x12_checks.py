"""Whether an 837P may leave: pyx12's validation, and what pyx12 4.0.0 lets pass.

pyx12 checks the structure against its map. It does not know ICD-10-CM, NPI check digits, sums, signs, or what
CLM05-3 may be; ``own_problems`` checks those on the written text itself, so that a mistake of the writer
shows too. No message repeats a value of the file.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from suggester.billing.encounter import FREQUENCIES
from suggester.billing.npi import npi_problem
from suggester.billing.pyx12_door import Params, Segment, X12Reader, X12StructureError, x12n_document

__all__ = ["Problem", "own_problems", "pyx12_problems"]

type DiagnosisCheck = Callable[[str, date], bool]

_ELEMENT_ERRORS = {
    "1": "is missing",
    "2": "is missing beside another element",
    "3": "is one element too many",
    "4": "is too short",
    "5": "is too long",
    "6": "holds a character that X12 does not allow",
    "7": "is not one of the allowed values",
    "8": "is not a date",
    "9": "is not a time",
    "10": "must not stand beside another element",
}
_SEGMENT_ERRORS = {
    "1": "is not known here",
    "2": "is not expected here",
    "3": "is missing",
    "4": "stands in a loop that comes too often",
    "5": "comes too often",
    "8": "has an element that is wrong",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something wrong in an 837P: the segment's number in the file (from 1), where in it, and what."""

    segment: int
    field: str
    message: str


def pyx12_problems(text: str) -> tuple[Problem, ...]:
    """What pyx12 has against an interchange; empty if it passes."""
    errors = io.StringIO()
    try:
        passed = x12n_document(Params(), io.StringIO(text), None, None, fd_json=errors)
    except X12StructureError:
        return (Problem(segment=0, field="file", message="pyx12 cannot follow its structure"),)
    if passed:
        return ()
    found = list(_json_problems(json.loads(errors.getvalue()))) if errors.getvalue() else []
    return tuple(found) or (Problem(segment=0, field="file", message="pyx12 refuses it as a whole"),)


def _json_problems(report: dict[str, Any]) -> Iterator[Problem]:
    for interchange in report["interchanges"]:
        yield from _envelope(interchange, "ISA")
        for group in interchange["groups"]:
            yield from _envelope(group, "GS")
            for transaction in group["transactions"]:
                yield from _envelope(transaction, "ST")
                for segment in transaction["segments"]:
                    yield from _segment_problems(segment)


def _envelope(level: dict[str, Any], name: str) -> Iterator[Problem]:
    for error in level["errors"]:
        yield Problem(segment=level["cur_line"], field=name, message=f"envelope error {error['err_cde']}")


def _segment_problems(segment: dict[str, Any]) -> Iterator[Problem]:
    name, number = segment["seg_id"] or "segment", segment["cur_line"]
    for error in segment["errors"]:
        if error["err_cde"] != "8" or not segment["elements"]:
            words = _SEGMENT_ERRORS.get(error["err_cde"], f"has error {error['err_cde']}")
            yield Problem(segment=number, field=name, message=words)
    for element in segment["elements"]:
        place = f"{name}{int(element['ele_pos']):02d}" if element["ele_pos"] else name
        if element["subele_pos"]:
            place += f"-{element['subele_pos']}"
        for error in element["errors"]:
            words = _ELEMENT_ERRORS.get(error["err_cde"], f"has error {error['err_cde']}")
            yield Problem(segment=number, field=place, message=words)


@dataclass(slots=True)
class _OneClaim:
    """What has been read of the claim that is open."""

    segment: int
    total: Decimal | None
    diagnoses: list[tuple[int, str]] = field(default_factory=list)
    charges: Decimal = Decimal(0)
    lines: int = 0
    days: list[date] = field(default_factory=list)


def own_problems(text: str, *, is_diagnosis: DiagnosisCheck | None = None) -> Iterator[Problem]:
    """What is wrong in an 837P that pyx12 does not see.

    Parameters
    ----------
    text
        The interchange.
    is_diagnosis
        Whether a code (without its dot) is a billable ICD-10-CM code on a day; None leaves that out.
    """
    claim: _OneClaim | None = None
    born: date | None = None
    with X12Reader(io.StringIO(text)) as reader:
        for number, segment in enumerate(reader, 1):
            name = segment.get_seg_id()
            if name in ("CLM", "HL", "SE") and claim is not None:
                yield from _close(claim, born, is_diagnosis)
                claim = None
            if name == "HL":
                born = None
            elif name == "DMG":
                born = _date(segment.get_value("DMG02"))
            elif name == "CLM":
                claim = _OneClaim(segment=number, total=_number(segment.get_value("CLM02")))
                if segment.get_value("CLM05-3") not in FREQUENCIES:
                    yield Problem(
                        segment=number, field="CLM05-3", message=f"must be one of {', '.join(FREQUENCIES)}"
                    )
            elif name == "NM1" and segment.get_value("NM108") == "XX":
                if problem := npi_problem(segment.get_value("NM109") or ""):
                    yield Problem(segment=number, field="NM109", message=f"as an NPI {problem}")
            elif claim is not None:
                yield from _inside(claim, name, segment, number)


def _inside(claim: _OneClaim, name: str | None, segment: Segment, number: int) -> Iterator[Problem]:
    if name == "HI":
        for place in range(1, len(segment) + 1):
            claim.diagnoses.append((number, segment.get_value(f"HI{place:02d}-2") or ""))
    elif name == "SV1":
        claim.lines += 1
        charge, units = _number(segment.get_value("SV102")), _number(segment.get_value("SV104"))
        claim.charges += charge or 0
        if charge is None or charge < 0:
            yield Problem(segment=number, field="SV102", message="must be dollars, not negative")
        if units is None or units <= 0:
            yield Problem(segment=number, field="SV104", message="must be more than 0")
        pointers = [segment.get_value(f"SV107-{place}") for place in range(1, 5)]
        given = [pointer for pointer in pointers if pointer]
        if any(not 1 <= int(pointer) <= len(claim.diagnoses) for pointer in given if pointer.isdecimal()):
            yield Problem(segment=number, field="SV107", message="points to a diagnosis that is not there")
        if len(set(given)) < len(given):
            yield Problem(segment=number, field="SV107", message="points to a diagnosis twice")
    elif name == "DTP" and segment.get_value("DTP01") == "472":
        day = _date(segment.get_value("DTP03"))
        if day is None:
            yield Problem(segment=number, field="DTP03", message="is not a day")
        else:
            claim.days.append(day)


def _close(claim: _OneClaim, born: date | None, is_diagnosis: DiagnosisCheck | None) -> Iterator[Problem]:
    if claim.total != claim.charges:
        yield Problem(segment=claim.segment, field="CLM02", message="is not the sum of the lines (SV102)")
    if not claim.lines:
        yield Problem(segment=claim.segment, field="CLM", message="has no service line")
    if born is not None and claim.days and min(claim.days) < born:
        yield Problem(segment=claim.segment, field="DTP03", message="is before the patient was born (DMG02)")
    codes = [code for _, code in claim.diagnoses]
    if len(set(codes)) < len(codes):
        yield Problem(segment=claim.diagnoses[0][0], field="HI", message="holds a diagnosis twice")
    if is_diagnosis is not None and claim.days:
        for place, (number, code) in enumerate(claim.diagnoses, 1):
            if not is_diagnosis(code, max(claim.days)):
                yield Problem(
                    segment=number,
                    field=f"HI{place:02d}-2",
                    message="is not a billable ICD-10-CM code on the day of service",
                )


def _number(value: str | None) -> Decimal | None:
    try:
        found = Decimal(value or "")
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def _date(value: str | None) -> date | None:
    try:
        return datetime.strptime(value or "", "%Y%m%d").date()
    except ValueError:
        return None
