"""Codes that a measured value names by itself: body mass index (Z68) and weeks of gestation (Z3A)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from suggester.pipeline.matching import Matches

_WEIGHT = 6.0
"""Weight of a value's match, that of a rare word."""

_BMI_ABOVE_40 = ((45.0, "Z68.41"), (50.0, "Z68.42"), (60.0, "Z68.43"), (70.0, "Z68.44"))


def code_of_value(name: str, value: str) -> str | None:
    """The code that a value names, None if it names none.

    Source: ICD-10-CM Z68 (adult body mass index, kg/m2) and Z3A (completed weeks).

    >>> code_of_value("bmi", "33.4"), code_of_value("weeks", "39"), code_of_value("bp", "120/80")
    ('Z68.33', 'Z3A.39', None)
    """
    try:
        number = float(value)
    except ValueError:
        return None
    if name == "bmi" and 10 <= number <= 100:
        return _of_body_mass(number)
    if name == "weeks" and 0 < number <= 45:
        weeks = int(number)
        return "Z3A.01" if weeks < 8 else "Z3A.49" if weeks > 42 else f"Z3A.{weeks:02d}"
    return None


def _of_body_mass(number: float) -> str:
    if number < 20:
        return "Z68.1"
    if number < 40:
        return f"Z68.{int(number)}"
    return next((code for limit, code in _BMI_ABOVE_40 if number < limit), "Z68.45")


def percentile_of_body_mass(lower: Sequence[str], *, child: bool) -> tuple[str, int, int] | None:
    """The code of a child's body mass index percentile (*BMI 26.4 (97%ile)*) and its tokens; None if none is.

    From the 5th to below the 85th percentile nothing is coded by itself (guidelines I.B.14). A share of the
    95th percentile (*146% of the 95th*) goes before. Without the word a percentage counts where the note is
    a ``child``'s.
    """
    for at, word in enumerate(lower):
        if word in _NINETY_FIFTH and (share := _share_of(lower, at)) is not None:
            return _of_share(share), max(0, at - 4), at
    for at, word in enumerate(lower):
        if word != "bmi":
            continue
        for place in range(at + 1, min(len(lower), at + _FAR)):
            if lower[place] in ("bmi", "\n"):
                break
            number = _ordinal(lower[place])
            unit = "".join(lower[place + 1 : place + 3])
            named = unit.startswith(
                ("%ile", "percentile", "centile", "%tile", "thpercentile", "th%", "pctile")
            )
            bare = child and (unit[:1] == "%" or (lower[place][-2:] in _ORDINALS and unit[:1] in "),;."))
            if number is not None and number <= 100 and (named or bare):
                code = _of_percentile(number)
                return (code, at, place + 1) if code else None
    return None


_NINETY_FIFTH = frozenset(("95th", "p95"))
_ORDINALS = frozenset(("th", "rd", "nd", "st"))
_FAR = 14
"""Most tokens between a body mass index and its percentile."""


def _ordinal(word: str) -> int | None:
    """The number that a word like *97th* or *97* is, None if it is none."""
    digits = word[:-2] if word[-2:] in _ORDINALS else word
    return int(digits) if digits.isdecimal() and len(digits) < 4 else None


def _share_of(lower: Sequence[str], at: int) -> int | None:
    """The percentage of the percentile at a token (*137% of the 95th*), None if none is."""
    before = [word for word in lower[max(0, at - 4) : at] if word not in ("of", "the")]
    if len(before) < 2 or before[-1] not in ("%", "percent"):
        return None
    number = _ordinal(before[-2])
    return number if number is not None and 100 <= number < 300 else None


def _of_share(share: int) -> str:
    return "Z68.56" if share >= 140 else "Z68.55" if share >= 120 else "Z68.54"


def _of_percentile(number: int) -> str:
    return "Z68.51" if number < 5 else "Z68.54" if number >= 95 else "Z68.53" if number >= 85 else ""


_YEARS = frozenset(("year", "years", "yr", "yrs", "y", "yo"))
_SMALLER = frozenset(("month", "months", "mo", "week", "weeks", "wk", "day", "days"))
_CHILD = frozenset(
    (
        *("toddler", "teen", "teenager", "adolescent", "wcc", "wcv", "infant", "schoolchild", "preschooler"),
        *("pediatric", "paediatric", "peds", "pediatrics", "kindergartner", "tween"),
    )
)
_TOP = 25
"""Tokens at the top of a note, where such a word is said of the patient."""
_ADULT = 20
"""Age in years from which the adult body mass index codes hold (note at Z68)."""


def is_child(lower: Sequence[str]) -> bool | None:
    """Whether the first age that a note states (``12 year old``, ``8 yo``, ``6-month-old``) is a child's.

    Words for a child near the top (*toddler*, *teen*) say so, too; None if nothing says.
    """
    if not _CHILD.isdisjoint(lower[:_TOP]):
        return True
    for i, word in enumerate(lower[:400]):
        if not word.isdecimal() or len(word) > 3:
            continue
        unit, *after = [w for w in lower[i + 1 : i + 6] if w not in "-/ "][:2] or [""]
        old = unit == "yo" or bool(after and after[0] in ("old", "o"))
        if unit in _YEARS and old:
            return int(word) < _ADULT
        if unit in _SMALLER and old:
            return True
    return None


def with_values(matches: Matches, added: Sequence[tuple[int, int, int]], sentence: Sequence[int]) -> Matches:
    """Matches with one more for each ``(term, first token, last token)`` of a value."""
    term = np.array([item[0] for item in added], dtype=np.int32)
    first = np.array([item[1] for item in added], dtype=np.int32)
    final = np.array([item[2] for item in added], dtype=np.int32)
    ones = np.ones(len(added), dtype=np.int32)
    more = Matches(
        term=term,
        coverage=ones.astype(np.float32),
        density=ones.astype(np.float32),
        hits=ones,
        own=ones,
        weight=np.full(len(added), _WEIGHT, dtype=np.float32),
        first=first,
        final=final,
        anchor=final,
        sentence=np.array([sentence[token] for token in first.tolist()], dtype=np.int32),
        dominated=np.zeros(len(added), dtype=np.bool_),
    )
    names = Matches.__dataclass_fields__
    return Matches(**{n: np.concatenate([getattr(matches, n), getattr(more, n)]) for n in names})


def first_matches(matches: Matches, count: int) -> Matches:
    """The first ``count`` matches."""
    names = Matches.__dataclass_fields__
    return Matches(**{name: getattr(matches, name)[:count] for name in names})
