"""The weight of a child at birth, as a note writes it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

_POUNDS: Final = frozenset(("lb", "lbs", "pound", "pounds", "#"))
_HEAVIEST: Final = 13
"""Most pounds of a child at birth."""
_OUNCE: Final = 28.3495
"""Grams."""
_GRAMS: Final = frozenset(("g", "gm", "gms", "gram", "grams"))


def grams_at(lower: Sequence[str], at: int) -> int | None:
    """The weight in grams that a token begins (*2,410 g*, *2410g*, *1.8 kg*); None if it begins none."""
    word = lower[at]
    if not word[:1].isdecimal():
        return None
    unit = lower[at + 1] if at + 1 < len(lower) else ""
    for tail in ("grams", "gms", "gm", "kg", "g"):
        if word.endswith(tail):
            word, unit = word[: -len(tail)], tail
            break
    if unit == "kg":
        try:
            return round(float(word) * 1000)
        except ValueError:
            return None
    digits = word.replace(",", "")
    if unit not in _GRAMS or not digits.isdecimal() or len(digits) > 5:
        return None
    return int(digits)


def pounds_at(lower: Sequence[str], at: int) -> int | None:
    """The weight of a child in grams that a token begins in pounds (*7 lb 4 oz*, *6lbs 2oz*); None if none.

    >>> pounds_at(["7", "lb", "4", "oz"], 0), pounds_at(["180", "lb"], 0)
    (3289, None)
    """
    digits = lower[at].rstrip("lbs#")
    unit = lower[at][len(digits) :] or (lower[at + 1] if at + 1 < len(lower) else "")
    if unit not in _POUNDS or not digits.isdecimal() or not 1 <= int(digits) <= _HEAVIEST:
        return None
    rest = lower[at + (2 if digits == lower[at] else 1) : at + 5]
    rest = [word for word in rest if word not in (",", ".", "and", "-")]
    ounces = rest[0].removesuffix("ozs").removesuffix("oz").removesuffix("ounces") if rest else ""
    said = bool(rest) and (rest[0] != ounces or (len(rest) > 1 and rest[1] in ("oz", "ounces", "ozs")))
    extra = int(ounces) if said and ounces.isdecimal() and int(ounces) < 16 else 0
    return round((int(digits) * 16 + extra) * _OUNCE)


def is_birth_weight(lower: Sequence[str], at: int) -> bool:
    """Whether a token begins a weight in grams that a child may have at birth."""
    grams = grams_at(lower, at)
    return grams is not None and 300 <= grams <= 6500


__all__ = ["grams_at", "is_birth_weight", "pounds_at"]
