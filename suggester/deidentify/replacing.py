"""Replace what identifies: by numbered tags, dates moved one secret distance a patient, ids by pseudonyms."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Literal

from suggester.deidentify.finding import Finder, Found
from suggester.types import Note, Patient, Span

__all__ = ["Clean", "Dates", "Replaced", "Replacer", "restored"]

Dates = Literal["shift", "tag"]

_NUMERIC = re.compile(r"(\d{1,2})([/.-])(\d{1,2})\2(\d{4}|\d{2})")
_ISO = re.compile(r"(\d{4})-(\d{2})-(\d{2})(.*)", re.DOTALL)
_PIVOT = 40
"""Two-digit years up to here are of this century."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replaced:
    """One replacement: where it stands in the clean text, and what stood in the note."""

    span: Span
    kind: str
    original: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Clean:
    """A note without what was found, and how to take it back."""

    note: Note
    replaced: tuple[Replaced, ...]


class Replacer:
    """De-identifies notes with one secret: the same patient gets the same shift, the same id one pseudonym.

    Parameters
    ----------
    secret
        At least 16 bytes; who has it can tell which notes belong together, and the distance of dates.
    dates
        ``shift`` keeps the distance of days within a patient; ``tag`` takes dates out. The year of a date
        that is shifted may change.
    finder
        What finds.
    """

    def __init__(self, secret: bytes, *, dates: Dates = "shift", finder: Finder | None = None) -> None:
        if len(secret) < 16:
            raise ValueError("the secret needs at least 16 bytes")
        self._secret = secret
        self._dates = dates
        self._finder = finder or Finder()

    def clean(self, note: Note) -> Clean:
        """A note with everything found replaced; its own id, the patient's and the encounter's too."""
        owner = note.patient.id if note.patient and note.patient.id else note.encounter_id or note.id
        shift = self._shift(owner)
        found = self._finder.find(note.text, patient=note.patient)
        text, replaced = self._text(note.text, found, shift)
        patient = note.patient
        return Clean(
            note=replace(
                note,
                id=self._pseudonym("note", note.id),
                text=text,
                encounter_id=self._pseudonym("encounter", note.encounter_id) if note.encounter_id else None,
                service_date=_moved(note.service_date, shift) if note.service_date else None,
                patient=Patient(
                    id=self._pseudonym("patient", patient.id) if patient.id else None, sex=patient.sex
                )
                if patient
                else None,
                source=None,
            ),
            replaced=replaced,
        )

    def _text(self, text: str, found: Sequence[Found], shift: int) -> tuple[str, tuple[Replaced, ...]]:
        parts: list[str] = []
        out: list[Replaced] = []
        numbers: dict[tuple[str, str], int] = {}
        at = length = 0
        for item in found:
            original = text[item.span.start : item.span.end]
            new = _shifted(original, shift) if item.kind == "date" and self._dates == "shift" else None
            if new is None:
                same = (item.kind, re.sub(r"\W+", " ", original).casefold())
                count = sum(1 for kind, _ in numbers if kind == item.kind)
                new = f"[{item.kind.upper()} {numbers.setdefault(same, count + 1)}]"
            parts += (text[at : item.span.start], new)
            length += item.span.start - at
            out.append(
                Replaced(span=Span(start=length, end=length + len(new)), kind=item.kind, original=original)
            )
            length += len(new)
            at = item.span.end
        return "".join(parts) + text[at:], tuple(out)

    def _shift(self, owner: str) -> int:
        """Days to move dates back, 30 to 394, from the owner's id and the secret."""
        digest = hmac.new(self._secret, b"shift:" + owner.encode(), hashlib.sha256).digest()
        return 30 + int.from_bytes(digest[:4], "big") % 365

    def _pseudonym(self, kind: str, name: str) -> str:
        digest = hmac.new(self._secret, f"{kind}:{name}".encode(), hashlib.sha256).hexdigest()
        return f"{kind}-{digest[:16]}"


def restored(text: str, replaced: Sequence[Replaced]) -> str:
    """The note as it was, from the clean text and its replacements.

    >>> restored("Seen [NAME 1].", [Replaced(span=Span(start=5, end=13), kind="name", original="Ann Lee")])
    'Seen Ann Lee.'
    """
    parts: list[str] = []
    at = 0
    for item in replaced:
        parts += (text[at : item.span.start], item.original)
        at = item.span.end
    return "".join(parts) + text[at:]


def _moved(day: date, shift: int) -> date:
    return day - timedelta(days=shift) if day.toordinal() > shift else day


def _shifted(text: str, shift: int) -> str | None:
    """A full date in figures, moved and written the same way; None for any other."""
    iso = _ISO.fullmatch(text)
    try:
        if iso:
            moved = _moved(date(int(iso[1]), int(iso[2]), int(iso[3])), shift)
            return moved.isoformat()
        found = _NUMERIC.fullmatch(text)
        if found is None:
            return None
        month, mark, day, year = int(found[1]), found[2], int(found[3]), int(found[4])
        if len(found[4]) == 2:
            year += 2000 if year <= _PIVOT else 1900
        moved = _moved(date(year, month, day), shift)
    except ValueError:
        return None
    digits = f"{moved.year:04}" if len(found[4]) == 4 else f"{moved.year % 100:02}"
    two = len(found[1]) == 2 and found[1][0] == "0"
    month_text, day_text = (
        (f"{moved.month:02}", f"{moved.day:02}") if two else (str(moved.month), str(moved.day))
    )
    return mark.join((month_text, day_text, digits))
