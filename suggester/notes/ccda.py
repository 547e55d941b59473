"""Notes out of C-CDA documents: sections with their titles, author, encounter, patient and problem list."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Literal
from xml.etree.ElementTree import Element

from suggester.errors import DocumentError, EmptyInputError
from suggester.notes.hl7 import Embedded, day_of
from suggester.notes.markup import parse_xml
from suggester.types import Note, Patient, Setting

__all__ = ["CcdaDocument", "CcdaSection", "Problem", "ccda_document", "setting_of_act"]

_HL7 = "{urn:hl7-org:v3}"
_PROBLEMS = "11450-4"
_LINES = frozenset(
    ("paragraph", "br", "item", "tr", "table", "caption", "list", "footnote", "thead", "tbody")
)
_CELLS = frozenset(("td", "th"))
_DROPPED = frozenset(("renderMultiMedia",))
_ACTS: dict[str, Setting] = {
    "AMB": "outpatient",
    "HH": "outpatient",
    "VR": "outpatient",
    "FLD": "outpatient",
    "OBSENC": "outpatient",
    "EMER": "emergency",
    "IMP": "inpatient",
    "ACUTE": "inpatient",
    "NONAC": "inpatient",
    "SS": "outpatient",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CcdaSection:
    """A section: its LOINC code, its title and its narrative as text."""

    code: str | None
    title: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """An entry of the problem list: the code and code system as written, and its name."""

    code: str | None
    system: str | None
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CcdaDocument:
    """What a C-CDA document says; ``note.text`` holds every section, titles above their text."""

    note: Note
    title: str
    author: str | None
    sections: tuple[CcdaSection, ...]
    problems: tuple[Problem, ...]


def setting_of_act(code: str | None) -> Setting | None:
    """The setting of an encounter class of HL7's ActCode (``AMB``, ``IMP``, ``EMER`` …)."""
    return _ACTS.get((code or "").strip().upper())


def ccda_document(data: bytes, *, record: str, fallback_id: str, embedded: Embedded) -> CcdaDocument:
    """Read a C-CDA document.

    Parameters
    ----------
    data
        The XML.
    record
        What names it.
    fallback_id
        The note's id where the document has none.
    embedded
        Reads a body that is not XML.

    Raises
    ------
    XmlError
        If it is not well-formed or uses what is refused.
    DocumentError, EmptyInputError
        If it is no clinical document, or holds no text.
    """
    root = parse_xml(data, record=record)
    if root.tag != f"{_HL7}ClinicalDocument":
        raise DocumentError("the XML is no ClinicalDocument of urn:hl7-org:v3", record=record)
    sections = tuple(_sections(root))
    plain = root.find(f"{_HL7}component/{_HL7}nonXMLBody/{_HL7}text")
    if sections:
        parts = [f"{s.title}\n{s.text}" if s.title else s.text for s in sections if s.text or s.title]
        text = "\n\n".join(parts)
    elif plain is not None:
        text = _embedded(plain, record=record, embedded=embedded)
    else:
        text = ""
    if not any(section.text for section in sections) and not (plain is not None and text.strip()):
        raise EmptyInputError("the document holds no section with text", record=record)
    encounter = root.find(f"{_HL7}componentOf/{_HL7}encompassingEncounter")
    title = _words(root.find(f"{_HL7}title")) or _attribute(root.find(f"{_HL7}code"), "displayName") or ""
    note = Note(
        id=_id(root.find(f"{_HL7}id")) or fallback_id,
        text=text,
        encounter_id=_id(encounter.find(f"{_HL7}id")) if encounter is not None else None,
        kind=title[:200] or None,
        service_date=_day(encounter)
        or _day(root.find(f"{_HL7}documentationOf/{_HL7}serviceEvent"))
        or _day(root),
        setting=setting_of_act(_attribute(encounter.find(f"{_HL7}code"), "code"))
        if encounter is not None
        else None,
        patient=_patient(root),
        source=record,
    )
    problems = tuple(
        problem
        for section in root.iter(f"{_HL7}section")
        if _attribute(section.find(f"{_HL7}code"), "code") == _PROBLEMS
        for problem in _problems(section)
    )
    return CcdaDocument(note=note, title=title, author=_author(root), sections=sections, problems=problems)


def _sections(root: Element) -> Iterator[CcdaSection]:
    """Every section in document order; the text of a problem list without narrative is its entries."""
    for section in root.iter(f"{_HL7}section"):
        narrative = section.find(f"{_HL7}text")
        text = "" if narrative is None else _narrative(narrative)
        code = _attribute(section.find(f"{_HL7}code"), "code")
        if not text and code == _PROBLEMS:
            text = "\n".join(problem.name for problem in _problems(section))
        yield CcdaSection(code=code, title=_words(section.find(f"{_HL7}title")), text=text)


def _problems(section: Element) -> Iterator[Problem]:
    for observation in section.iter(f"{_HL7}observation"):
        value = observation.find(f"{_HL7}value")
        if value is None:
            continue
        name = _attribute(value, "displayName") or _words(value.find(f"{_HL7}originalText"))
        if name:
            yield Problem(code=_attribute(value, "code"), system=_attribute(value, "codeSystem"), name=name)


def _narrative(element: Element) -> str:
    """The words of a narrative block: lines for paragraphs, items and rows, tabs between cells."""
    out: list[str] = []
    _tell(element, out)
    lines = (" ".join(line.replace("\t", " \t ").split(" ")).strip() for line in "".join(out).split("\n"))
    return "\n".join(line for line in (_cells(line) for line in lines) if line)


def _cells(line: str) -> str:
    return " | ".join(cell for cell in (" ".join(part.split()) for part in line.split("\t")) if cell)


def _tell(element: Element, out: list[str]) -> None:
    # Depth is bounded by the parser.
    name = element.tag.removeprefix(_HL7) if isinstance(element.tag, str) else ""
    if name in _DROPPED:
        return
    if name in _LINES:
        out.append("\n")
    out.append(_flat(element.text))
    for child in element:
        _tell(child, out)
        out.append(_flat(child.tail))
    if name in _CELLS:
        out.append("\t")
    elif name in _LINES and name != "br":
        out.append("\n")


def _flat(text: str | None) -> str:
    return " ".join((text or "").replace("\xa0", " ").split("\n")).replace("\t", " ")


def _embedded(element: Element, *, record: str, embedded: Embedded) -> str:
    words = "".join(element.itertext())
    if element.get("representation") != "B64":
        return words
    try:
        data = base64.b64decode("".join(words.split()), validate=True)
    except (binascii.Error, ValueError):
        data = None
    if data is None:
        raise DocumentError("the body of the document is not valid base64", record=record)
    subtype = (element.get("mediaType") or "text/plain").rpartition("/")[2]
    return embedded(data, subtype.upper())


def _patient(root: Element) -> Patient | None:
    role = root.find(f"{_HL7}recordTarget/{_HL7}patientRole")
    if role is None:
        return None
    gender = _attribute(role.find(f"{_HL7}patient/{_HL7}administrativeGenderCode"), "code")
    sex: Literal["F", "M"] | None = "F" if gender == "F" else "M" if gender == "M" else None
    birth = _attribute(role.find(f"{_HL7}patient/{_HL7}birthTime"), "value")
    return Patient(id=_id(role.find(f"{_HL7}id")), sex=sex, birth_date=day_of(birth or ""))


def _author(root: Element) -> str | None:
    author = root.find(f"{_HL7}author/{_HL7}assignedAuthor")
    if author is None:
        return None
    name = author.find(f"{_HL7}assignedPerson/{_HL7}name")
    return _words(name) or _id(author.find(f"{_HL7}id"))


def _day(element: Element | None) -> date | None:
    if element is None:
        return None
    time = element.find(f"{_HL7}effectiveTime")
    if time is None:
        return None
    low = time.find(f"{_HL7}low")
    return day_of(_attribute(low, "value") or _attribute(time, "value") or "")


def _id(element: Element | None) -> str | None:
    if element is None:
        return None
    root, extension = element.get("root"), element.get("extension")
    return (extension or root or "").strip()[:200] or None


def _attribute(element: Element | None, name: str) -> str | None:
    return None if element is None else (element.get(name) or "").strip() or None


def _words(element: Element | None) -> str:
    return "" if element is None else " ".join("".join(f"{text} " for text in element.itertext()).split())
