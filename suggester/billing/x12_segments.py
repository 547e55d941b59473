"""The segments of an 837P (005010X222A1) as plain values: what goes where, nothing about files.

A segment is a tuple of its id and its elements; a composite element is a tuple of its parts. Element by
element this follows the implementation guide as pyx12's map ``837.5010.X222.A1.xml`` lays it down.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from suggester.billing.claim import Claim, run_name
from suggester.billing.profile import Address, Coverage, Parties, Person
from suggester.errors import X12Error
from suggester.types import ClaimLine

__all__ = [
    "Segment",
    "amount",
    "billing_segments",
    "claim_segments",
    "header_segments",
    "subscriber_segments",
    "trace_words",
    "x12_words",
]

type Element = str | tuple[str, ...]
type Segment = tuple[str, *tuple[Element, ...]]

VERSION = "005010X222A1"
_ALLOWED = re.compile(r"""[A-Za-z0-9!"&'()+,\-./;?= %@\[\]_{}\\|<>#$]*""", re.ASCII)
"""The extended character set of X12 without the four delimiters that we use (``* ~ : ^``)."""
_NOT_ALLOWED = re.compile(r"""[^A-Za-z0-9!"&'()+,\-./;?= %@\[\]_{}\\|<>#$]+""", re.ASCII)
_NOTE_LENGTH = 80
_INPATIENT = "21"


def x12_words(value: str, field: str) -> str:
    """``value`` in capitals, as a text element.

    Raises
    ------
    X12Error
        Naming ``field``, if it holds a character that X12 does not allow, or one of the delimiters.
    """
    if not _ALLOWED.fullmatch(value):
        raise X12Error(
            "holds a character that X12 does not allow (only plain letters, digits and common signs, without "
            "* ~ : ^); write it without, É as E say",
            field=field,
        )
    return value.upper()


def amount(value: Decimal) -> str:
    """Dollars as X12 writes them: no sign in front, no zeros at the end."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _day(value: date) -> str:
    return value.strftime("%Y%m%d")


def header_segments(parties: Parties, *, reference: str, day: str, time: str) -> Iterator[Segment]:
    """BHT, submitter (1000A) and receiver (1000B)."""
    submitter, receiver = parties.submitter, parties.receiver
    yield "BHT", "0019", "00", reference, day, time, "CH"
    yield "NM1", "41", "2", x12_words(submitter.name, "submitter.name"), "", "", "", "", "46", submitter.id
    yield "PER", "IC", x12_words(submitter.contact, "submitter.contact"), "TE", submitter.phone
    yield "NM1", "40", "2", x12_words(receiver.name, "receiver.name"), "", "", "", "", "46", receiver.id


def billing_segments(parties: Parties, *, hl: int) -> Iterator[Segment]:
    """The billing provider (2000A, 2010AA)."""
    provider = parties.billing_provider
    at = "billing_provider"
    yield "HL", str(hl), "", "20", "1"
    if provider.taxonomy:
        yield "PRV", "BI", "PXC", provider.taxonomy
    kind = "1" if provider.first_name else "2"
    first = x12_words(provider.first_name or "", f"{at}.first_name")
    yield "NM1", "85", kind, x12_words(provider.name, f"{at}.name"), first, "", "", "", "XX", provider.npi
    yield from _address(provider.address, f"{at}.address")
    yield "REF", provider.tax_id_kind, provider.tax_id
    if provider.phone:
        yield "PER", "IC", x12_words(provider.name, f"{at}.name"), "TE", provider.phone


def subscriber_segments(parties: Parties, *, hl: int, parent: int) -> Iterator[Segment]:
    """The subscriber (2000B, 2010BA), the payer (2010BB) and a patient who is not the subscriber (2000C)."""
    coverage, payer = parties.coverage, parties.payer
    dependent = coverage.patient is not None
    yield "HL", str(hl), str(parent), "22", "1" if dependent else "0"
    relationship = "" if dependent else "18"
    group = x12_words(coverage.group_number, "coverage.group_number")
    yield "SBR", "P", relationship, group, "", "", "", "", "", payer.filing
    yield from _subscriber(coverage, full=not dependent)
    yield "NM1", "PR", "2", x12_words(payer.name, "payer.name"), "", "", "", "", "PI", payer.id.upper()
    if payer.address is not None:
        yield from _address(payer.address, "payer.address")
    if coverage.patient is not None:
        at = "coverage.patient"
        yield "HL", str(hl + 1), str(hl), "23", "0"
        yield "PAT", coverage.relationship
        yield ("NM1", "QC", "1", *_name(coverage.patient, at))
        yield from _address(coverage.patient.address, f"{at}.address")
        yield "DMG", "D8", _day(coverage.patient.birth_date), coverage.patient.sex


def _subscriber(coverage: Coverage, *, full: bool) -> Iterator[Segment]:
    person, at = coverage.subscriber, "coverage.subscriber"
    last, first, middle = _name(person, at)
    yield "NM1", "IL", "1", last, first, middle, "", "", "MI", coverage.member_id.upper()
    if full:
        yield from _address(person.address, f"{at}.address")
        yield "DMG", "D8", _day(person.birth_date), person.sex


def _name(person: Person, at: str) -> tuple[str, str, str]:
    return (
        x12_words(person.last_name, f"{at}.last_name"),
        x12_words(person.first_name, f"{at}.first_name"),
        x12_words(person.middle_name, f"{at}.middle_name"),
    )


def _address(address: Address, at: str) -> Iterator[Segment]:
    yield "N3", x12_words(address.line1, f"{at}.line1"), x12_words(address.line2, f"{at}.line2")
    yield "N4", x12_words(address.city, f"{at}.city"), address.state, address.zip


def claim_segments(claim: Claim) -> Iterator[Segment]:
    """One claim (2300), its providers (2310) and its service lines (2400)."""
    encounter = claim.draft.encounter
    place = (claim.place_of_service, "B", claim.frequency)
    yield "CLM", claim.number, amount(claim.total), "", "", place, "Y", claim.accept_assignment, "Y", "Y"
    if claim.place_of_service == _INPATIENT:
        yield "DTP", "435", "D8", _day(encounter.service_from)
    if claim.original_reference:
        yield "REF", "F8", x12_words(claim.original_reference, "original_reference")
    if claim.trace_in_notes:
        yield "NTE", "ADD", trace_words(claim)
    codes = [diagnosis.code.replace(".", "") for diagnosis in claim.draft.diagnoses]
    yield ("HI", *(("ABF" if place else "ABK", code) for place, code in enumerate(codes)))
    yield from _providers(claim.parties)
    for line in claim.draft.lines:
        yield from _line(claim, line)


def _providers(parties: Parties) -> Iterator[Segment]:
    rendering, facility = parties.rendering_provider, parties.facility
    if rendering is not None and rendering.npi != parties.billing_provider.npi:
        last = x12_words(rendering.last_name, "rendering_provider.last_name")
        first = x12_words(rendering.first_name, "rendering_provider.first_name")
        yield "NM1", "82", "1", last, first, "", "", "", "XX", rendering.npi
        if rendering.taxonomy:
            yield "PRV", "PE", "PXC", rendering.taxonomy
    if facility is not None:
        name = x12_words(facility.name, "facility.name")
        if facility.npi:
            yield "NM1", "77", "2", name, "", "", "", "", "XX", facility.npi
        else:
            yield "NM1", "77", "2", name
        yield from _address(facility.address, "facility.address")


def _line(claim: Claim, line: ClaimLine) -> Iterator[Segment]:
    yield "LX", str(line.sequence)
    place = line.place_of_service or ""
    yield (
        "SV1",
        ("HC", line.code, *line.modifiers),
        amount(line.charge),
        "UN",
        str(line.units),
        "" if place == claim.place_of_service else place,
        "",
        tuple(map(str, line.pointers)),
    )
    yield "DTP", "472", "D8", _day(line.service_date)
    yield "REF", "6R", f"{claim.number}-{line.sequence}"
    if claim.trace_in_notes and line.decision_id:
        yield "NTE", "ADD", _note(f"DECISION {line.decision_id}")


def trace_words(claim: Claim) -> str:
    """Run, model and releases in the 80 characters of a claim note; what does not fit is left out."""
    words = f"RUN {run_name(claim.run, claim.draft.run_id)}"
    if claim.run is not None:
        for part in (
            f"VERSION {claim.run.version}",
            f"MODEL {claim.run.model}",
            *(f"{system} {release}" for system, release in claim.run.codesets),
        ):
            if len(words) + 1 + len(part) <= _NOTE_LENGTH:
                words = f"{words} {part}"
    return _note(words)


def _note(words: str) -> str:
    return " ".join(_NOT_ALLOWED.sub(" ", words).upper().split())[:_NOTE_LENGTH].strip()
