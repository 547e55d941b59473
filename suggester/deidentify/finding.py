"""Find what identifies a person in a note."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from suggester.codesets.lexicon import read_names
from suggester.deidentify.patterns import ANCHORED, CAPITAL, cues, name_patterns, patterns
from suggester.types import Patient, Span

__all__ = ["KINDS", "Finder", "Found", "Kind"]

Kind = Literal["name", "date", "age", "phone", "email", "url", "ip", "ssn", "id", "address", "place"]
KINDS: tuple[Kind, ...] = (
    "name",
    "date",
    "age",
    "phone",
    "email",
    "url",
    "ip",
    "ssn",
    "id",
    "address",
    "place",
)

_WORD = re.compile(CAPITAL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Words that identify somebody, and as what."""

    span: Span
    kind: Kind


class Finder:
    """Finds identifying words by shape, by context and by lists of common names.

    Examples
    --------
    >>> text = "Seen by Dr. Ellen Marsh on 3/4/2026. MRN: 0045512. Call 555-123-4567."
    >>> [(f.kind, text[f.span.start : f.span.end]) for f in Finder().find(text)]
    [('name', 'Ellen Marsh'), ('date', '3/4/2026'), ('id', '0045512'), ('phone', '555-123-4567')]
    """

    def __init__(self) -> None:
        self._first, self._last = read_names("first_names"), read_names("last_names")
        self._plain = read_names("not_names")

    def find(self, text: str, *, patient: Patient | None = None) -> tuple[Found, ...]:
        """Identifying words of a note, in order, without overlaps (the longest first word wins).

        Parameters
        ----------
        text
            The note.
        patient
            If their id is known it is found wherever it stands.
        """
        found: list[Found] = []
        for kind, pattern in patterns():
            found.extend(_of(kind, pattern, text))
        if patient is not None and patient.id and len(patient.id) > 2:
            found.extend(_of("id", re.compile(re.escape(patient.id)), text))
        names = list(self._people(text))
        found.extend(names)
        found.extend(self._again(text, names))
        return _disjoint(found)

    def _people(self, text: str) -> Iterable[Found]:
        for pattern in name_patterns():
            for match in pattern.finditer(text):
                yield from self._trimmed(text, match.start("value"), match.end("value"))
        for match in ANCHORED.finditer(text):
            end = self._full_name(match)
            if end is not None:
                yield Found(span=Span(start=match.start(), end=end), kind="name")
        for match in _WORD.finditer(text):
            word = match[0].lower()
            if (
                word in self._first
                and match[0][1:].islower()
                and not (word in self._plain or self._word(word))
            ):
                yield Found(span=Span(start=match.start(), end=match.end()), kind="name")

    def _full_name(self, match: re.Match[str]) -> int | None:
        """Where a given name with a family name beside it ends; None if it is none."""
        first, last = match["first"].lower(), match["last"].lower().rstrip(".")
        more = match["more"].lower() if match["more"] else ""
        if match["gap"] == ", ":
            first, last = last, first
        if first not in self._first or self._word(last):
            return None
        if more in self._last:
            return match.end("more")
        if last in self._last:
            return match.end("last")
        plain = match["gap"] == " " and match["last"][1:].islower() and len(last) > 2
        return match.end("last") if plain and last not in self._plain else None

    @staticmethod
    def _word(lower: str) -> bool:
        """Whether it is a common word, however it is written."""
        return lower in cues("common")

    def _trimmed(self, text: str, start: int, end: int) -> Iterable[Found]:
        """The part of a run of capitalised words that can be a name."""
        words = [m for m in _WORD.finditer(text, start, end) if m.end() <= end]
        kept: list[re.Match[str]] = []
        for match in words:
            lower = match[0].lower()
            if self._word(lower) and not (kept and len(lower) == 1):
                if kept:
                    break
                continue
            if kept and match.start() - kept[-1].end() > 3:
                break
            kept.append(match)
        if kept and not (len(kept) == 1 and len(kept[0][0]) == 1):
            yield Found(span=Span(start=kept[0].start(), end=kept[-1].end()), kind="name")

    def _again(self, text: str, names: list[Found]) -> Iterable[Found]:
        """Every other place where a part of a name that was found stands."""
        parts = {
            match[0]
            for item in names
            for match in _WORD.finditer(text, item.span.start, item.span.end)
            if len(match[0]) > 2 and not self._word(match[0].lower())
        }
        if not parts:
            return
        forms = {form for part in parts for form in (part, part.upper(), part.capitalize())}
        sure = {form for form in forms if form.lower() not in self._plain or form in parts}
        for match in _WORD.finditer(text):
            if match[0] in sure or match[0].removesuffix("'s").removesuffix("’s") in sure:
                whole = match[0].removesuffix("'s").removesuffix("’s")
                if whole.lower() not in self._plain:
                    yield Found(span=Span(start=match.start(), end=match.start() + len(whole)), kind="name")


def _of(kind: str, pattern: re.Pattern[str], text: str) -> Iterable[Found]:
    named = "value" in pattern.groupindex
    for match in pattern.finditer(text):
        start, end = match.span("value") if named else match.span()
        if end > start:
            yield Found(span=Span(start=start, end=end), kind=kind)  # type: ignore[arg-type]


def _disjoint(found: Iterable[Found]) -> tuple[Found, ...]:
    out: list[Found] = []
    for item in sorted(found, key=lambda f: (f.span.start, -f.span.end, KINDS.index(f.kind))):
        if out and item.span.start < out[-1].span.end:
            if item.span.end > out[-1].span.end:  # two that overlap are one, of the kind that began
                out[-1] = Found(span=Span(start=out[-1].span.start, end=item.span.end), kind=out[-1].kind)
            continue
        out.append(item)
    return tuple(out)
