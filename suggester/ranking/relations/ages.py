"""The age of a patient, as the top of a note states it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

_MOTHERS: Final = frozenset(
    (
        *("mother", "mom", "woman", "female", "primigravida", "multigravida", "primip", "multip", "gravida"),
        *(f"g{pregnancies}" for pregnancies in range(1, 10)),
        *(f"g{pregnancies}p{births}" for pregnancies in range(1, 10) for births in range(9)),
    )
)
"""Words that the age of a child's mother stands before."""
_ADULT: Final = 10
"""Age in years from which a patient may be pregnant, and is no newborn."""
_YEARS: Final = frozenset(("y", "yo", "yr", "yrs", "year", "years", "f", "y.o", "y/o"))


def age_at(words: Sequence[str]) -> tuple[int, int] | None:
    """The first age of the patient in words, if it is ten years or more, and the token that gives it.

    >>> age_at(["39", "-", "year", "-", "old"]), age_at(["mother", "31f"])
    ((39, 0), None)
    """
    plain = [(at, word) for at, word in enumerate(words) if word not in ("-", "/")]
    for place, (at, word) in enumerate(plain):
        digits = word[:2]
        if not (len(digits) == 2 and digits.isdecimal()) or int(digits) < _ADULT:
            continue
        unit = word[2:] or (plain[place + 1][1] if place + 1 < len(plain) else "")
        if unit in _YEARS or unit in ("yof", "yom", "m"):
            before = plain[place - 1][1] if place else ""
            two = tuple(one for _, one in plain[max(0, place - 2) : place])
            behind = {one for _, one in plain[place + 1 : place + 5]}
            if before in ("mother", "mom", "maternal", "father"):
                return None
            if (before == "to" or two[:1] == ("to",)) and not _MOTHERS.isdisjoint(behind):
                return None  # a child born to a 36-year-old mother
            return int(digits), at
    return None


def adult_age(words: Sequence[str]) -> bool:
    """Whether the first age in words is that of a patient of ten or more (*31F*, *28 yo*, *34-year-old*)."""
    return age_at(words) is not None


def days_old(words: Sequence[str]) -> bool:
    """Whether an age in days is stated (*2 day old*, *3-day-old*)."""
    plain = [word for word in words if word != "-"]
    return any(
        word in ("day", "days") and plain[at - 1].isdecimal() and plain[at + 1] == "old"
        for at, word in enumerate(plain[:-1])
        if at
    )


def months_old(words: Sequence[str]) -> bool:
    """Whether the patient's age is in months (*7-month-old*)."""
    plain = [word for word in words if word != "-"]
    return any(word in ("month", "mo") and plain[at + 1] == "old" for at, word in enumerate(plain[:-1]))


def years_old(words: Sequence[str]) -> bool:
    """Whether an age below ten is given in years (*2-year-old*, *4 yo*)."""
    plain = [word for word in words if word not in ("-", "/")]
    return any(
        one.isdecimal() and len(one) == 1 and two in ("year", "years", "yo", "y", "yr")
        for one, two in pairwise(plain)
    )


def is_past_weeks(words: Sequence[str]) -> bool:
    """Whether an age in months, or in years below ten, is given (*4 mo*, *9-month-old*, *4m*, *2-year-old*).

    >>> is_past_weeks(["now", "4", "months"]), is_past_weeks(["dol", "3"])
    (True, False)
    """
    plain = [word for word in words if word != "-"]
    months = any(
        one.isdecimal() and two in ("mo", "mos", "month", "months", "mth") for one, two in pairwise(plain)
    )
    return months or years_old(words) or any(word[:1].isdecimal() and word.endswith("mo") for word in plain)


__all__ = ["adult_age", "age_at", "days_old", "is_past_weeks", "months_old", "years_old"]
