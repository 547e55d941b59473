"""Notes out of HL7 version 2 messages: documents (MDM) and reports (ORU), streamed from files of any size.

Separators come from each message's MSH segment. Of MDM the text of all OBX segments is one note; of ORU each
OBR with its OBX segments is one. OBX text (types TX, FT, ST and ED) of one observation is joined by line
ends; where a note has several observations, the name of each stands above its text as a heading.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from io import BufferedIOBase
from typing import Literal

from suggester.errors import EmptyInputError, InputError, MessageError, TooLargeError
from suggester.fields import id_problem
from suggester.notes.decoding import decode_bytes, utf8_chunks
from suggester.notes.limits import Limits
from suggester.types import Note, Patient, Setting

__all__ = ["Separators", "day_of", "hl7_messages", "hl7_notes", "setting_of_class", "unescape"]

type Embedded = Callable[[bytes, str], str]
"""Text of an embedded document: its bytes and its subtype (``RTF``, ``PDF``, ``HTML``, ``PLAIN``)."""

_START = re.compile(rb"(?:\A|[\r\n\x0b\x1c])[ \t]*(MSH)(?=[^A-Za-z0-9\s])")
_BREAK = re.compile(r"[\r\n]+")
_DAY = re.compile(r"(\d{4})(\d{2})(\d{2})", re.ASCII)
_HEX = re.compile(r"(?:[0-9A-Fa-f]{2})+")
_NOT_ID = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_SETTINGS: dict[str, Setting] = {
    "I": "inpatient",
    "B": "inpatient",
    "E": "emergency",
    "O": "outpatient",
    "R": "outpatient",
    "P": "outpatient",
    "C": "outpatient",
}
"""Patient classes of table 0004: inpatient, obstetrics, emergency, outpatient, recurring, preadmit, other."""
_LINES = bytes.maketrans(b"\x0b\x1c", b"\r\r")
_FRAMES = b"\x0b\x1c\r\n "


@dataclass(frozen=True, slots=True)
class Separators:
    """The separators that a message declares for itself."""

    field: str
    component: str
    repetition: str
    escape: str
    sub: str

    @classmethod
    def of(cls, header: str, *, record: str) -> Separators:
        """Read them from an MSH segment.

        Raises
        ------
        MessageError
            If the segment is too short, or two of them are the same.
        """
        mark = header[3:4]
        declared = header[4 : header.find(mark, 4)] if header.find(mark, 4) > 0 else header[4:8]
        chars = (declared + "^~\\&"[len(declared) :])[:4]
        if not mark or len({mark, *chars}) != 5 or any(c.isalnum() or c.isspace() for c in (mark, *chars)):
            raise MessageError("the MSH segment does not declare five different separators", record=record)
        return cls(mark, *chars)


def unescape(text: str, separators: Separators) -> str:
    """Replace the escape sequences of a field; formatting ones become spaces and line ends.

    Examples
    --------
    >>> unescape("A/T/B/.br/C /X41/", Separators("|", "^", "~", "/", "&"))
    'A&B\\nC A'
    """
    mark = separators.escape
    if mark not in text:
        return text
    parts = text.split(mark)
    out = [parts[0]]
    at = 1
    while at < len(parts):
        if at + 1 == len(parts):  # an escape that is never closed is a plain character
            out.append(mark + parts[at])
            break
        out.append(_escaped(parts[at], separators))
        out.append(parts[at + 1])
        at += 2
    return "".join(out)


def _escaped(name: str, separators: Separators) -> str:
    known = {
        "F": separators.field,
        "S": separators.component,
        "R": separators.repetition,
        "E": separators.escape,
        "T": separators.sub,
        "H": "",
        "N": "",
    }
    if name in known:
        return known[name]
    word = name.lower()
    if word.startswith((".br", ".sp", ".ce")):
        count = word[3:].strip("+ ")
        return "\n" * (min(int(count), 20) if count.isdecimal() and len(count) < 4 else 1)
    if word.startswith((".in", ".ti", ".sk", ".fi", ".nf")):
        return " "
    if word.startswith("x") and _HEX.fullmatch(name[1:]):
        data = bytes.fromhex(name[1:])
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError:
            return data.decode("cp1252", "replace")
    if word[:1] in ("c", "m", "z"):
        return ""
    # Not an escape sequence: a path such as C:\folder\file. Nothing of it is lost.
    return f"{separators.escape}{name}{separators.escape}"


def hl7_messages(file: BufferedIOBase, *, limits: Limits) -> Iterator[bytes | Literal["too_large"]]:
    """The messages of a file, one after another; batch headers and frames between them are left out."""
    _, chunks = utf8_chunks(file)
    most = limits.document_bytes
    buffer = bytearray()
    begun = skipping = False
    for chunk in chunks:
        searched = max(0, len(buffer) - 8)
        buffer += chunk
        while True:
            found = _START.search(buffer, max(searched, 4) if begun else searched)
            if found is None:
                break
            if begun:
                whole = not skipping and found.start(1) <= most
                yield bytes(buffer[: found.start(1)]) if whole else "too_large"
            elif buffer[: found.start(1)].strip(_FRAMES) and not _is_batch(buffer[: found.start(1)]):
                yield bytes(buffer[: found.start(1)])
            del buffer[: found.start(1)]
            begun, skipping, searched = True, False, 0
        if len(buffer) > most:
            skipping = True
            del buffer[: len(buffer) - 16]
    if skipping or len(buffer) > most:
        yield "too_large"
    elif buffer.strip(_FRAMES):
        yield bytes(buffer)


def _is_batch(head: bytes | bytearray) -> bool:
    return head.lstrip(_FRAMES).startswith((b"FHS", b"BHS"))


@dataclass(slots=True)
class _Group:
    """What becomes one note: the OBR or TXA fields before it, and its observations in order."""

    head: list[str]
    names: list[str] = field(default_factory=list)
    texts: list[list[str]] = field(default_factory=list)
    observed: str = ""

    def add(self, name: str, text: str) -> None:
        if not self.names or self.names[-1] != name:
            self.names.append(name)
            self.texts.append([])
        self.texts[-1].append(text)

    def text(self) -> str:
        titled = len(self.names) > 1
        parts = []
        for name, lines in zip(self.names, self.texts, strict=True):
            body = "\n".join(lines)
            title = name.rpartition("\x00")[2].strip()
            parts.append(f"{title.upper()}:\n{body}" if titled and title else body)
        return "\n\n".join(parts) if titled else "\n".join(parts)


def hl7_notes(message: bytes, *, record: str, limits: Limits, embedded: Embedded) -> list[Note | InputError]:
    """The notes of one message.

    Parameters
    ----------
    message
        Its bytes, from MSH on.
    record
        What names it.
    limits
        How much a note may hold.
    embedded
        Reads documents that are embedded in base64.
    """
    try:
        text = decode_bytes(message.translate(_LINES).strip(_FRAMES), record=record, marked=False)
        segments = [line for line in _BREAK.split(text) if line.strip()]
        if not segments or not segments[0].startswith("MSH"):
            raise MessageError("a message begins with an MSH segment", record=record)
        separators = Separators.of(segments[0], record=record)
        return _Message(segments, separators, record=record, limits=limits, embedded=embedded).notes()
    except InputError as error:
        return [error]


class _Message:
    def __init__(
        self,
        segments: Sequence[str],
        separators: Separators,
        *,
        record: str,
        limits: Limits,
        embedded: Embedded,
    ) -> None:
        self._by = separators
        self._record = record
        self._limits = limits
        self._embedded = embedded
        # MSH-1 is the separator itself: a cell in front keeps the numbers of the standard.
        header = segments[0].split(separators.field)
        self._header = [header[0], separators.field, *header[1:]]
        self._segments = [segment.split(separators.field) for segment in segments[1:]]

    def notes(self) -> list[Note | InputError]:
        kind = self._part(self._header, 9)
        if kind not in ("MDM", "ORU"):
            raise MessageError("only MDM and ORU messages hold notes", record=self._record)
        groups = self._groups(kind)
        if not groups:
            missing = "TXA" if kind == "MDM" else "OBR"
            raise MessageError(f"the message has no {missing} segment", record=self._record)
        return [self._note(kind, group, number, len(groups)) for number, group in enumerate(groups, 1)]

    def _groups(self, kind: str) -> list[_Group]:
        groups: list[_Group] = []
        for cells in self._segments:
            name = cells[0].strip()
            if name == ("TXA" if kind == "MDM" else "OBR"):
                groups.append(_Group(cells))
            elif name == "OBX" and groups:
                self._observe(groups[-1], cells)
            elif name == "OBX":
                groups.append(_Group([]))
                self._observe(groups[-1], cells)
        return groups

    def _observe(self, group: _Group, cells: list[str]) -> None:
        kind = self._part(cells, 2)
        if kind not in ("TX", "FT", "ST", "ED"):
            return
        group.observed = group.observed or self._part(cells, 14)
        name = f"{self._part(cells, 3)}\x00{self._part(cells, 3, 2)}"
        raw = cells[5] if len(cells) > 5 else ""
        if kind == "ED":
            group.add(name, self._document(raw))
            return
        for repeated in raw.split(self._by.repetition):
            group.add(name, unescape(repeated, self._by))

    def _document(self, raw: str) -> str:
        parts = raw.split(self._by.component) + [""] * 5
        subtype, encoding, data = parts[2].upper(), parts[3].upper(), unescape(parts[4], self._by)
        if encoding != "BASE64":
            return data
        try:
            return self._embedded(base64.b64decode("".join(data.split()), validate=True), subtype)
        except (binascii.Error, ValueError):
            problem = MessageError("an embedded document is not valid base64", record=self._record)
        raise problem

    def _note(self, kind: str, group: _Group, number: int, count: int) -> Note | InputError:
        text = group.text()
        if len(text) > self._limits.chars:
            return TooLargeError(
                f"the text has {len(text)} characters; at most {self._limits.chars} are read",
                record=self._record,
            )
        if not text.strip():
            return EmptyInputError("no OBX segment of the message holds text", record=self._record)
        control = self._part(self._header, 10)
        if kind == "MDM":
            name = self._part(group.head, 12) or control
            title, day = self._part(group.head, 2, 2) or self._part(group.head, 2), self._part(group.head, 4)
        else:
            name = self._part(group.head, 3) or (control if count == 1 else f"{control}-{number}")
            title, day = self._part(group.head, 4, 2) or self._part(group.head, 4), self._part(group.head, 7)
        problem = id_problem(name)
        if problem:
            where = "TXA-12 or MSH-10" if kind == "MDM" else "OBR-3 or MSH-10"
            return MessageError(f"the id of the note ({where}) {problem}", record=self._record)
        pid, visit = self._segment("PID"), self._segment("PV1")
        return Note(
            id=name,
            text=text,
            encounter_id=_tidy(self._part(visit, 19)),
            kind=_tidy(title),
            service_date=day_of(day) or day_of(group.observed) or day_of(self._part(visit, 44)),
            setting=setting_of_class(self._part(visit, 2)),
            patient=Patient(
                id=_tidy(self._part(pid, 3)),
                sex=_sex(self._part(pid, 8)),
                birth_date=day_of(self._part(pid, 7)),
            )
            if pid
            else None,
            source=self._record,
        )

    def _segment(self, name: str) -> list[str]:
        return next((cells for cells in self._segments if cells[0].strip() == name), [])

    def _part(self, cells: Sequence[str], number: int, component: int = 1) -> str:
        """A component, from 1, of the first repetition of a field."""
        if len(cells) <= number:
            return ""
        parts = cells[number].split(self._by.repetition, 1)[0].split(self._by.component)
        return unescape(parts[component - 1], self._by).strip() if len(parts) >= component else ""


def setting_of_class(name: str) -> Setting | None:
    """The setting of a patient class of table 0004, None where it says nothing."""
    return _SETTINGS.get(name.strip().upper())


def day_of(stamp: str) -> date | None:
    """The day of a time stamp ``YYYYMMDD…``; None where it has none.

    Examples
    --------
    >>> day_of("202606181430-0500"), day_of("2026")
    (datetime.date(2026, 6, 18), None)
    """
    match = _DAY.match(stamp)
    if match is None:
        return None
    try:
        return date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError:
        return None


def _sex(text: str) -> Literal["F", "M"] | None:
    word = text.strip().upper()
    return "F" if word == "F" else "M" if word == "M" else None


def _tidy(text: str) -> str | None:
    """A short name as a note keeps it, None where it is empty."""
    return " ".join(_NOT_ID.sub(" ", text).split())[:200] or None
