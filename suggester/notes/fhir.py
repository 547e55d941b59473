"""Notes out of FHIR R4: DocumentReference, and Bundles of them with their patients and encounters."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, Literal

from suggester.errors import DocumentError, EmptyInputError, InputError
from suggester.fields import id_problem
from suggester.notes.ccda import setting_of_act
from suggester.notes.hl7 import Embedded
from suggester.notes.markup import html_text
from suggester.types import Note, Patient

__all__ = ["fhir_notes"]

_PREFERRED = ("PLAIN", "HTML", "XHTML", "RTF", "PDF")
"""Of one document in several forms the first of these is read."""

type Resource = Mapping[str, Any]


def fhir_notes(
    resource: Resource, *, record: str, fallback_id: str, embedded: Embedded
) -> list[Note | InputError]:
    """The notes of a resource: one of a DocumentReference, one of each in a Bundle.

    Other resources of a Bundle give patient, encounter and Binary content to those that refer to them, and a
    Composition is a note of its sections.

    Parameters
    ----------
    resource
        The parsed JSON.
    record
        What names it; those of a Bundle are named ``record#number``.
    fallback_id
        The note's id where the resource has none.
    embedded
        Reads attachments by their subtype (``PLAIN``, ``HTML``, ``RTF``, ``PDF``).
    """
    kind = resource.get("resourceType")
    if kind == "Bundle":
        entries = [entry for entry in _list(resource.get("entry")) if isinstance(entry, dict)]
        inner: list[tuple[Resource, Any]] = [(entry, entry.get("resource")) for entry in entries]
        known = _known(inner)
        found: list[Note | InputError] = []
        for number, (_, item) in enumerate(inner, 1):
            if isinstance(item, dict) and item.get("resourceType") in ("DocumentReference", "Composition"):
                name = f"{record}#{number}"
                found.append(
                    _made(item, known, record=name, fallback=f"{fallback_id}-{number}", embedded=embedded)
                )
        return found or [EmptyInputError("the Bundle holds no document", record=record)]
    if kind in ("DocumentReference", "Composition"):
        return [_made(resource, {}, record=record, fallback=fallback_id, embedded=embedded)]
    return [DocumentError("only DocumentReference, Composition and Bundle hold notes", record=record)]


def _known(entries: list[tuple[Resource, Any]]) -> dict[str, Resource]:
    """Resources of a Bundle by everything that may refer to them."""
    found: dict[str, Resource] = {}
    for entry, resource in entries:
        if not isinstance(resource, dict):
            continue
        if isinstance(entry.get("fullUrl"), str):
            found[entry["fullUrl"]] = resource
        if isinstance(resource.get("id"), str):
            found[f"{resource.get('resourceType')}/{resource['id']}"] = resource
    return found


def _made(
    resource: Resource, known: Mapping[str, Resource], *, record: str, fallback: str, embedded: Embedded
) -> Note | InputError:
    try:
        return _note(resource, known, record=record, fallback=fallback, embedded=embedded)
    except InputError as error:
        return error


def _note(
    resource: Resource, known: Mapping[str, Resource], *, record: str, fallback: str, embedded: Embedded
) -> Note:
    inside = {f"#{item['id']}": item for item in _dicts(resource.get("contained")) if "id" in item}
    around = {**known, **inside}
    context = _dict(resource.get("context"))
    encounters = [resource.get("encounter"), *_list(context.get("encounter"))]
    references = [_dict(item).get("reference") for item in encounters]
    encounter_reference = next((r for r in references if isinstance(r, str)), None)
    encounter = around.get(encounter_reference or "", {})
    if resource.get("resourceType") == "Composition":
        text = "\n\n".join(_sections(resource, depth=0))
    else:
        text = _attachments(resource, around, record=record, embedded=embedded)
    if not text.strip():
        raise EmptyInputError("the document holds no text", record=record)
    name = resource.get("id") or _dict(resource.get("masterIdentifier")).get("value") or fallback
    problem = id_problem(name) if isinstance(name, str) else "must be a string"
    if problem:
        raise DocumentError(f"the id of the document {problem}", record=record)
    act = _dict(encounter.get("class")).get("code")
    days = (
        _dict(context.get("period")).get("start"),
        _dict(encounter.get("period")).get("start"),
        resource.get("date"),
    )
    return Note(
        id=str(name),
        text=text,
        encounter_id=_encounter_id(encounter, encounter_reference),
        kind=_concept(resource.get("type")),
        service_date=next((day for day in map(_day, days) if day), None),
        setting=setting_of_act(act if isinstance(act, str) else None),
        patient=_patient(resource, around),
        source=record,
    )


def _attachments(
    resource: Resource, known: Mapping[str, Resource], *, record: str, embedded: Embedded
) -> str:
    found: list[tuple[int, Resource, str]] = []
    for content in _dicts(resource.get("content")):
        attachment = _dict(content.get("attachment"))
        media = attachment.get("contentType")
        plain = (media if isinstance(media, str) else "text/plain").partition(";")[0].strip().lower()
        subtype = plain.rpartition("/")[2].upper().removeprefix("X-")
        if subtype in _PREFERRED:
            found.append((_PREFERRED.index(subtype), attachment, subtype))
    if not found:
        raise DocumentError(
            "no attachment of a kind that is read: text/plain, text/html, RTF or PDF", record=record
        )
    _, attachment, subtype = min(found, key=lambda entry: entry[0])
    data = attachment.get("data")
    if data is None and isinstance(attachment.get("url"), str):
        data = known.get(attachment["url"], {}).get("data")
    if not isinstance(data, str):
        raise DocumentError(
            "the attachment is not in the file, and addresses are not followed", record=record
        )
    try:
        raw = base64.b64decode("".join(data.split()), validate=True)
    except (binascii.Error, ValueError):
        raw = None
    if raw is None:
        raise DocumentError("the attachment is not valid base64", record=record)
    return embedded(raw, subtype)


def _sections(resource: Resource, *, depth: int) -> Iterator[str]:
    if depth > 10:
        return
    for section in _dicts(resource.get("section")):
        title, div = section.get("title"), _dict(section.get("text")).get("div")
        body = html_text(div) if isinstance(div, str) else ""
        shown = title.strip() if isinstance(title, str) else ""
        if body:
            yield f"{shown}\n{body}" if shown else body
        yield from _sections(section, depth=depth + 1)


def _patient(resource: Resource, known: Mapping[str, Resource]) -> Patient | None:
    reference = _dict(resource.get("subject")).get("reference")
    if not isinstance(reference, str):
        return None
    patient = known.get(reference, {})
    gender = patient.get("gender")
    sex: Literal["F", "M"] | None = "F" if gender == "female" else "M" if gender == "male" else None
    own = patient.get("id")
    name = own if isinstance(own, str) else reference.rpartition("/")[2]
    return Patient(id=name[:200] or None, sex=sex, birth_date=_day(patient.get("birthDate")))


def _encounter_id(encounter: Resource, reference: str | None) -> str | None:
    own = encounter.get("id")
    name = own if isinstance(own, str) else (reference or "").rpartition("/")[2]
    return None if id_problem(name) else name


def _concept(value: Any) -> str | None:
    concept = _dict(value)
    named = [concept.get("text"), *(item.get("display") for item in _dicts(concept.get("coding")))]
    text = next((item for item in named if isinstance(item, str) and item.strip()), "")
    return " ".join(text.split())[:200] or None


def _day(value: Any) -> date | None:
    if not isinstance(value, str):
        return None
    try:
        return date.fromisoformat(value[:10]) if len(value) >= 10 else None
    except ValueError:
        return None


def _dict(value: Any) -> Resource:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _dicts(value: Any) -> list[Resource]:
    return [item for item in _list(value) if isinstance(item, dict)]
