"""Cutting service lines and phrases into pieces, and reading the numbers in them.

A line is short and its spaces mean little: ``30MG/ML``, ``30 MG / ML`` and ``30mg/ml`` are the same. Letters,
numbers and a few signs are pieces of their own, each with its place in the text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from suggester.codesets.words import stem
from suggester.types import Span

_PIECE = re.compile(r"\d+(?:,\d{3})+(?:\.\d+)?|\d*\.\d+|\d+|[^\W\d_]+(?:['’]s\b)?|[%/&+<>=#]")
_UNITS = {
    "mg": "mg", "mgs": "mg", "milligram": "mg", "milligrams": "mg",
    "mcg": "mcg", "ug": "mcg", "microgram": "mcg", "micrograms": "mcg",
    "g": "g", "gm": "g", "gms": "g", "gram": "g", "grams": "g",
    "ml": "ml", "cc": "ml", "milliliter": "ml", "l": "l", "liter": "l", "ltr": "l",
    "unit": "unit", "units": "unit", "u": "unit", "un": "unit", "unt": "unit", "iu": "unit", "unts": "unit",
    "meq": "meq", "mmol": "mmol", "mci": "mci", "uci": "uci", "millicurie": "mci", "kg": "kg",
    "mm": "mm", "cm": "cm", "in": "in", "inch": "in", "inches": "in", "fr": "fr", "f": "fr", "ga": "ga",
    "gauge": "ga", "ft": "ft", "lb": "lb", "lbs": "lb", "%": "%",
    "mu": "mu", "mmu": "mu", "ku": "ku", "mil": "mil",
}  # fmt: skip
_COUNTED = {
    "view": "view", "views": "view", "v": "view", "vw": "view", "vws": "view", "vue": "view", "vies": "view",
    "lead": "lead", "leads": "lead",
    "hr": "hour", "hrs": "hour", "hour": "hour", "hours": "hour", "h": "hour",
    "min": "minute", "mins": "minute", "minute": "minute", "minutes": "minute",
    "day": "day", "days": "day", "sample": "sample", "samples": "sample", "specimen": "sample",
    "level": "level", "levels": "level", "lesion": "lesion", "lesions": "lesion", "vessel": "vessel",
    "vessels": "vessel", "chamber": "chamber", "chambers": "chamber", "year": "year", "yrs": "year",
    "yr": "year", "years": "year", "muscle": "muscle", "muscles": "muscle", "area": "area",
    "areas": "area", "joint": "joint", "joints": "joint", "channel": "channel", "channels": "channel",
    "study": "study", "studies": "study", "target": "target", "targets": "target", "unit": "unit",
    "cm": "cm", "sq": "sqcm", "sqcm": "sqcm", "week": "week", "weeks": "week", "wk": "week", "wks": "week",
    "marker": "marker", "block": "block",
}  # fmt: skip
"""Words that a number before them counts. ``min`` before a number means *at least*."""

_LARGE = 1e9
ANY = ""
"""What a range counts that does not say it (``NCS 7-8``): it is held against every count."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One cut of a text: ``text`` in lower case without plural ending, ``span`` into the text."""

    text: str
    span: Span

    @property
    def is_number(self) -> bool:
        """Whether it is a number."""
        return self.text[0].isdigit() or self.text[0] == "."

    @property
    def is_word(self) -> bool:
        """Whether it is made of letters."""
        return self.text[0].isalpha()


@dataclass(frozen=True, slots=True)
class Amount:
    """A number with a unit of measure: ``30 mg``; ``per`` if the line says *per* or *each* before it."""

    value: float
    unit: str
    per: bool


@dataclass(frozen=True, slots=True)
class Count:
    """A number of counted things, as a range: ``2 or more views`` is ``low=2``, ``high`` without bound."""

    what: str
    low: float
    high: float

    def fit(self, other: Count) -> int:
        """1 if the ranges meet as one, 0 if they only overlap, -1 if they exclude each other."""
        if self.low > other.high or other.low > self.high:
            return -1
        inside = other.low <= self.low and self.high <= other.high
        around = self.low <= other.low and other.high <= self.high
        return 1 if inside or around else 0


def pieces(text: str) -> list[Piece]:
    """Cut a text.

    >>> [piece.text for piece in pieces("KETOROLAC 30MG/ML IJ SOLN")]
    ['ketorolac', '30', 'mg', '/', 'ml', 'ij', 'soln']
    """
    return [
        Piece(_folded(match.group()), Span(start=match.start(), end=match.end()))
        for match in _PIECE.finditer(text)
    ]


def _folded(text: str) -> str:
    if text[0].isdigit() or text[0] == ".":
        return text.replace(",", "")
    return stem(text) if len(text) > 3 else stem(text.lower())


def number(piece: Piece) -> float:
    """The value of a number piece, in digits or spelled out."""
    return float(_SPELLED.get(piece.text) or piece.text)


_SPELLED = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "ten": 10}


def measured(cut: Sequence[Piece]) -> tuple[list[Amount], set[int]]:
    """Amounts with a unit of measure, and the indexes of the pieces that belong to them."""
    found: list[Amount] = []
    used: set[int] = set()
    for i, piece in enumerate(cut[:-1]):
        unit = _UNITS.get(cut[i + 1].text)
        if not piece.is_number or unit is None:
            continue
        if cut[i + 1].text in ("f", "in", "h") and cut[i + 1].span.start > piece.span.end:
            continue
        value = number(piece)
        if unit in ("mu", "mil"):
            value, unit = value * 1e6, "unit"
            if i + 2 < len(cut) and cut[i + 2].text in ("u", "unit"):
                used.add(i + 2)
        elif unit == "ku":
            value, unit = value * 1e3, "unit"
        elif unit == "g":
            value, unit = value * 1000, "mg"
        before = cut[i - 1].text if i else ""
        found.append(Amount(value, unit, before in ("per", "each", "ea")))
        used.update((i, i + 1))
    return found, used


_AND_UP = frozenset(("more", "over", "greater", "older", "above", "up"))
_AND_DOWN = frozenset(("less", "fewer", "under", "younger", "below"))


def counted(cut: Sequence[Piece], text: str) -> tuple[list[Count], set[int]]:
    """Counts of things as ranges, and the indexes of the pieces that say the number."""
    found: list[Count] = []
    used: set[int] = set()
    numbers = [i for i, piece in enumerate(cut) if piece.is_number or piece.text in _SPELLED]
    for i in numbers:
        if i in used:
            continue
        low = high = number(cut[i])
        at = i + 1
        mine = {i}
        if at < len(cut) and _range_sign(cut, i, at, text) is not None:
            at = _range_sign(cut, i, at, text) or at
            high = number(cut[at])
            mine.add(at)
            at += 1
        words = [piece.text for piece in cut[at : at + 4]]
        aged = i > 0 and cut[i - 1].text == "age"
        if words[:1] in (["or"], ["and"]) and words[1:2] and words[1] in _AND_UP:
            high = _LARGE
            at += 2
        elif words[:1] in (["+"], ["plus"]):
            high = _LARGE
            at += 1
        elif words[:1] == ["or"] and words[1:2] and words[1] in _AND_DOWN:
            low = 0
            at += 2
        before = [piece.text for piece in cut[max(0, i - 3) : i]]
        if before[-1:] in (["min"], ["minimum"], ["least"], ["mini"]) or before[-2:] == [">", "="]:
            high = _LARGE
        elif before[-2:] == ["<", "="]:
            low = 0
        elif before[-1:] in (["over"], [">"], ["above"], ["exceeding"]) or before[-2:] == ["more", "than"]:
            low, high = low + 1e-6, _LARGE
        elif before[-1:] in (["under"], ["<"], ["below"]) or before[-2:] == ["less", "than"]:
            low, high = 0, high - 1e-6
        elif before[-2:] == ["up", "to"] or before[-1:] == ["max"]:
            low = 0
        if aged:
            found.append(Count("year", low, high))
            used |= mine
            continue
        if (
            low != high
            and high < _LARGE
            and len(mine) > 1
            and not ({piece.text for piece in cut[at : at + 2]} & _COUNTED.keys())
        ):
            found.append(Count("cm" if any("." in cut[k].text for k in mine) else ANY, low, high))
            used |= mine
            continue
        for piece in cut[at : at + 2]:
            what = _COUNTED.get(piece.text)
            if what is None:
                continue
            if piece.text in ("v", "h") and piece.span.start - cut[max(mine)].span.end > 1:
                break
            found.append(Count(what, low, high))
            used |= mine
            break
    return found, used


def _range_sign(cut: Sequence[Piece], first: int, at: int, text: str) -> int | None:
    """Index of the second number of ``2-3``, ``2 or 3``, ``2 to 3``, ``2/3``; None if there is none."""
    if at + 1 < len(cut) and cut[at].text in ("or", "to", "/") and cut[at + 1].is_number:
        return at + 1
    if cut[at].is_number and text[cut[first].span.end : cut[at].span.start].strip() in ("-", "–"):
        return at
    return None
